import { type IdentityRef, identityKey } from "./ids.ts";
import type { OperationsLog } from "./operations.ts";

/** Counts telemetry between reports, so that the operations log has one entry, not thousands. */
export interface ReceivedCounts {
  count(ref: IdentityRef, isSecurity: boolean, bytes: number): void;
  /** Writes one entry `d2cMessages` for each identity that has sent since the last report. */
  report(): void;
}

interface Counts {
  readonly ref: IdentityRef;
  messages: number;
  securityMessages: number;
  bytes: number;
}

export function createReceivedCounts(operations: OperationsLog): ReceivedCounts {
  const counts = new Map<string, Counts>();
  const byRef = new WeakMap<IdentityRef, Counts>();

  const open = (ref: IdentityRef) => {
    const key = identityKey(ref);
    const entry = counts.get(key) ?? { ref, messages: 0, securityMessages: 0, bytes: 0 };
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
    for (const [key, entry] of counts) {
      const { ref, messages, securityMessages, bytes } = entry;
      counts.delete(key);
      byRef.delete(ref);
      operations.record({
        category: "DeviceTelemetry",
        operationName: "d2cMessages",
        deviceId: ref.deviceId,
        moduleId: ref.moduleId,
        properties: { messages, securityMessages, bytes },
      });
    }
  };
  return { count, report };
}
