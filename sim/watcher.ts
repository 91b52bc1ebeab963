/** Sees what reaches the hub: keeps events, alerts and the timeline, and asks detection. */
import { createHash } from "node:crypto";
import { SECURITY_INTERFACE_ID } from "../wire/events.ts";
import type { HubMessage } from "./hub-link.ts";
import type { Member } from "./member.ts";
import type { Detector, Observed, SimAlert, SimOperation, TimelineEntry } from "./result.ts";
import type { Scheduler } from "./scheduler.ts";

/** The documented identity of a security agent. */
export const MODULE_ID = "azureiotsecurity";
const TIMELINE_MAX = 20_000;
const OBSERVED_MAX = 500_000;
/** The hub logs how many messages a device has sent at most so often, ms (hub/received.ts). */
const RECEIVED_MS = 10_000;

export interface WatcherOptions {
  readonly scheduler: Scheduler;
  /** Wall clock at the start of the run, s. */
  readonly startWallS: number;
  readonly detector: Detector | undefined;
  readonly boardOf: (deviceId: string) => string;
  readonly onMessage: ((message: HubMessage) => void) | undefined;
}

/** An operation that the hub logs, as far as it is not the same for all. */
export type HubOperation = Pick<SimOperation, "category" | "operationName"> & Partial<SimOperation>;

export interface Watcher {
  readonly timeline: readonly TimelineEntry[];
  readonly alerts: ReadonlyMap<string, SimAlert>;
  readonly observed: Observed;
  /** @param forMs of a fault that lasts */
  note(deviceId: string, kind: TimelineEntry["kind"], text: string, forMs?: number): void;
  /** A message has reached the hub. */
  arrived(member: Member, message: HubMessage): void;
  /** The hub has refused the device itself. */
  refused(deviceId: string, reason: string): void;
  operation(deviceId: string, operation: HubOperation): void;
  /** Time goes on for detection. */
  tick(): void;
  /** SHA-256 of all messages with device and time, hexadecimal. */
  digest(): string;
}

export function createWatcher(options: WatcherOptions): Watcher {
  const { scheduler, detector } = options;
  const timeline: TimelineEntry[] = [];
  const alerts = new Map<string, SimAlert>();
  const observed = {
    events: [] as Observed["events"][number][],
    alerts: [] as Observed["alerts"][number][],
  };
  const digest = createHash("sha256");
  /** Messages of a device that the hub has not logged yet. */
  const received = new Map<string, number>();
  const wallMs = () => options.startWallS * 1000 + scheduler.nowMs;

  const note: Watcher["note"] = (deviceId, kind, text, forMs) => {
    if (timeline.length >= TIMELINE_MAX) return;
    const lasting = forMs === undefined ? {} : { forMs };
    timeline.push({ timeMs: scheduler.nowMs, deviceId, kind, text, ...lasting });
  };

  function raised(found: readonly SimAlert[]): void {
    for (const alert of found) {
      if (!alerts.has(alert.id)) {
        note(alert.deviceId, "alert", `${alert.displayName}: ${alert.explanation}`);
        const board = options.boardOf(alert.deviceId);
        observed.alerts.push({ board, timeMs: scheduler.nowMs, alert });
      }
      alerts.set(alert.id, alert);
    }
  }

  function operation(deviceId: string, entry: HubOperation): void {
    if (detector === undefined) return;
    const common = { timeMs: wallMs(), result: "Success" as const, deviceId, reason: null };
    const place = { moduleId: MODULE_ID, statusCode: 200, protocol: "MQTT", properties: {} };
    raised(detector.operation({ ...common, ...place, ...entry }));
  }

  /** The hub logs at once, then what has come since. */
  function countReceived(deviceId: string): void {
    const waiting = received.get(deviceId);
    received.set(deviceId, (waiting ?? 0) + 1);
    if (waiting === undefined) logReceived(deviceId);
  }

  function logReceived(deviceId: string): void {
    const count = received.get(deviceId) ?? 0;
    if (count === 0) {
      received.delete(deviceId);
      return;
    }
    received.set(deviceId, 0);
    const properties = { count, securityMessages: count };
    operation(deviceId, { category: "DeviceTelemetry", operationName: "d2cMessages", properties });
    scheduler.at(scheduler.nowMs + RECEIVED_MS, () => logReceived(deviceId));
  }

  return {
    timeline,
    alerts,
    observed,
    note,
    operation,
    arrived({ ledger, device }, message) {
      const { deviceId, bytes, timeMs } = message;
      digest.update(`${deviceId} ${timeMs} ${bytes.length}\n`).update(bytes);
      options.onMessage?.(message);
      const events = ledger.arrived(bytes);
      note(deviceId, "message", `${bytes.length} bytes, ${events?.length ?? 0} new events`);
      for (const event of events ?? []) {
        if (observed.events.length >= OBSERVED_MAX) break;
        observed.events.push({ deviceId, board: device.board, timeMs, event });
      }
      if (detector === undefined) return;
      const source = {
        deviceId,
        moduleId: MODULE_ID,
        body: bytes,
        systemProperties: { "iothub-interface-id": SECURITY_INTERFACE_ID },
        enqueuedTimeMs: wallMs(),
      };
      raised(detector.message(source));
      countReceived(deviceId);
    },
    refused(deviceId, reason) {
      note(deviceId, "fault", `the hub refuses the device: ${reason}`);
      operation(deviceId, {
        category: "Connections",
        operationName: "authenticationFailed",
        result: "Failure",
        statusCode: 401,
        reason,
      });
    },
    tick() {
      if (detector !== undefined) raised(detector.tick(wallMs()));
    },
    digest: () => digest.copy().digest("hex"),
  };
}
