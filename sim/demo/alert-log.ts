/** The alerts of a demo, bounded: one that runs for days shows them all and keeps the latest. */
import type { DemoAlert } from "./report.ts";

export interface AlertLog {
  /** Takes an alert, or one seen before that has changed. */
  readonly add: (alert: DemoAlert) => void;
  /** The latest alerts, each as it was last, in the order in which they were raised. */
  list(): readonly DemoAlert[];
  /** How many were raised, on all boards or on one. */
  raised(deviceId?: string): number;
}

const ALERTS_MAX = 1000;

/** @param onRaised is told each alert once */
export function createAlertLog(onRaised: (alert: DemoAlert) => void): AlertLog {
  const latest = new Map<string, DemoAlert>();
  const counts = new Map<string, number>();
  return {
    add(alert) {
      const isNew = !latest.has(alert.id);
      latest.set(alert.id, alert);
      if (!isNew) return;
      counts.set(alert.deviceId, (counts.get(alert.deviceId) ?? 0) + 1);
      const [oldest] = latest.keys();
      if (latest.size > ALERTS_MAX && oldest !== undefined) latest.delete(oldest);
      onRaised(alert);
    },
    list: () => [...latest.values()],
    raised(deviceId) {
      if (deviceId !== undefined) return counts.get(deviceId) ?? 0;
      return [...counts.values()].reduce((sum, count) => sum + count, 0);
    },
  };
}
