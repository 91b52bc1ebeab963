/** A finite run of messages through detection: what a capture or a rule test raises. */
import type { Alert } from "./alerts.ts";
import type { Processed, Processor, SourceMessage } from "./processor.ts";

export interface Run {
  take(message: SourceMessage): Processed;
  /** Each alert as it was last, in the order in which they were raised. */
  alerts(): Alert[];
  readonly counts: { messages: number; events: number; repeats: number; notDecoded: number };
}

export function createRun(processor: Processor): Run {
  const byId = new Map<string, Alert>();
  const counts = { messages: 0, events: 0, repeats: 0, notDecoded: 0 };
  return {
    take(message) {
      const result = processor.take(message);
      counts.messages += 1;
      counts.events += result.events.length;
      counts.repeats += result.repeats;
      if (result.failure !== null) counts.notDecoded += 1;
      for (const alert of result.alerts) byId.set(alert.id, alert);
      return result;
    },
    alerts: () => [...byId.values()],
    counts,
  };
}
