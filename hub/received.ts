import type { Clock } from "./clock.ts";
import { type IdentityRef, identityKey } from "./ids.ts";
import type { OperationsLog } from "./operations.ts";

/** Counts telemetry between reports, so that the operations log has one entry, not thousands. */
export interface ReceivedCounts {
  count(ref: IdentityRef, isSecurity: boolean, bytes: number): void;
  /** Writes `d2cMessages` for who has sent: at once, then at most every `INTERVAL_MS`. */
  report(): void;
}

interface Counts {
  readonly ref: IdentityRef;
  messages: number;
  securityMessages: number;
  bytes: number;
  reportedMs: number;
}

const INTERVAL_MS = 10_000;

export function createReceivedCounts(operations: OperationsLog, clock: Clock): ReceivedCounts {
  const counts = new Map<string, Counts>();
  const byRef = new WeakMap<IdentityRef, Counts>();

  const open = (ref: IdentityRef) => {
    const key = identityKey(ref);
    const entry = counts.get(key) ?? { ref, ...NOTHING, reportedMs: Number.NEGATIVE_INFINITY };
    counts.set(key, entry);
    byRef.set(ref, entry);
    return entry;
  };
  const count = (ref: IdentityRef, isSecurity: boolean, bytes: number) => {
    const entry = byRef.get(ref) ?? open(ref);
    entry.messages += 1;
    entry.bytes += bytes;
    if (isSecurity) entry.securityMessages += 1;
  };
  const report = () => {
    const nowMs = clock.now();
    for (const [key, entry] of counts) {
      if (nowMs - entry.reportedMs < INTERVAL_MS) continue;
      const { ref, messages, securityMessages, bytes } = entry;
      if (messages === 0) {
        counts.delete(key); // Silent for an interval: forgotten until it sends again.
        byRef.delete(ref);
        continue;
      }
      Object.assign(entry, NOTHING, { reportedMs: nowMs });
      operations.record({
        category: "DeviceTelemetry",
        operationName: "d2cMessages",
        deviceId: ref.deviceId,
        moduleId: ref.moduleId,
        protocol: "Mqtt",
        properties: { count: messages, securityMessages, bytes },
      });
    }
  };
  return { count, report };
}

const NOTHING = { messages: 0, securityMessages: 0, bytes: 0 } as const;
