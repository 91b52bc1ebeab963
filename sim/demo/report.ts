/** What the demo says: to programs as one document, to people as text. */
import { renderTable } from "../table.ts";
import type { AlertLog } from "./alert-log.ts";
import type { BoardPlan } from "./plan.ts";
import type { BoardView } from "./run.ts";

/** An alert, as detection gives it. */
export interface DemoAlert {
  readonly id: string;
  readonly type: string;
  readonly displayName: string;
  readonly severity: string;
  readonly deviceId: string;
  readonly rule: string;
  readonly value: number | string;
  readonly range: object;
  readonly time: string;
  readonly events: readonly string[];
  readonly count: number;
}

export interface DemoTotals {
  readonly messages: number;
  readonly events: number;
  /** Messages that did not decode, sends that failed: by cause. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** What is missing or too much, one line each; none: the demo showed what it promises. */
export function findFaults(
  plans: readonly BoardPlan[],
  alerts: readonly DemoAlert[],
): readonly string[] {
  return plans.flatMap(({ deviceId, expected }) => {
    const raised = alerts.filter((alert) => alert.deviceId === deviceId);
    const names = new Set(raised.map((alert) => alert.displayName));
    if (expected.length === 0) return [...names].map((name) => `${deviceId} raised "${name}"`);
    return expected
      .filter((name) => !names.has(name))
      .map((name) => `${deviceId} did not raise "${name}"`);
  });
}

/** The document of `--once --json`. */
export function demoDocument(
  boards: readonly BoardView[],
  totals: DemoTotals,
  alerts: readonly DemoAlert[],
): object {
  return {
    boards: boards.map(({ done, ...board }) => board),
    messages: totals.messages,
    events: totals.events,
    alerts: alerts.map((alert) => ({
      type: alert.displayName,
      typeId: alert.type,
      severity: alert.severity,
      deviceId: alert.deviceId,
      rule: alert.rule,
      value: alert.value,
      range: alert.range,
      time: alert.time,
      events: alert.events,
      count: alert.count,
    })),
    dropped: totals.dropped,
  };
}

/** One alert in one line. */
export function alertLine(alert: DemoAlert): string {
  const clock = alert.time.slice(11, 19);
  const value = `${alert.value}, allowed ${rangeText(alert.range)}`;
  return `${clock}  ALERT ${alert.severity.padEnd(6)}  ${alert.deviceId.padEnd(12)}  ${alert.displayName}: ${value}`;
}

export function boardTable(boards: readonly BoardView[], alerts: AlertLog): string {
  const rows = boards.map((board) => [
    board.deviceId,
    board.capture,
    board.seconds,
    board.packets,
    board.messages,
    board.bytes,
    alerts.raised(board.deviceId),
  ]);
  return renderTable([
    ["board", "capture", "seconds", "packets", "messages", "bytes", "alerts"],
    ...rows,
  ]);
}

function rangeText(range: object): string {
  if ("min" in range && "max" in range) return `${range.min} to ${range.max}`;
  if ("allowed" in range && Array.isArray(range.allowed)) return range.allowed.join(", ");
  return "expected" in range ? String(range.expected) : JSON.stringify(range);
}
