/** When which fault acts on which board: fixed before the run begins. */
import { durationMs } from "./duration.ts";
import type { Prng } from "./prng.ts";
import type { FaultEntry } from "./scenario.ts";
import type { Scheduler } from "./scheduler.ts";

export interface PlannedFault {
  readonly entry: FaultEntry;
  readonly fromMs: number;
  /** First moment without the fault. */
  readonly untilMs: number;
  readonly probability: number;
}

export interface FaultPlan {
  readonly faults: readonly PlannedFault[];
  /** The fault of a kind that acts on a board entry now; undefined: none. */
  active(kind: string, board: string, nowMs: number): PlannedFault | undefined;
}

/** The faults of one board at the time that it is. */
export interface BoardFaults {
  active(kind: string): PlannedFault | undefined;
  /** As `active`; and its probability lets it act this time. */
  hits(kind: string): PlannedFault | undefined;
}

const NOW_AND_THEN_MS = 60_000;
/** What happens in a moment; the other faults last. */
export const MOMENTARY: ReadonlySet<string> = new Set([
  "powerCut",
  "clockJump",
  "trap",
  "hostileTwin",
  "flashBitFlip",
]);
/** Faults that keep messages from being delivered. */
export const BLOCKING: ReadonlySet<string> = new Set([
  "linkDown",
  "loss",
  "refuse",
  "tokenExpiry",
  "badCredential",
  "acknowledgeLate",
  "acknowledgeNever",
  "delay",
  "memoryPressure",
  "slowAgent",
  "flashFull",
]);

/** @param durationMs length of the run: faults without an end last so long */
export function planFaults(entries: readonly FaultEntry[], runMs: number): FaultPlan {
  const faults = entries.flatMap((entry): PlannedFault[] => {
    const fromMs = durationMs(entry.from ?? "0s");
    const length = entry.for === undefined ? undefined : durationMs(entry.for);
    const probability = entry.probability ?? 1;
    const times = entry.every === undefined ? 1 : (entry.count ?? 1);
    const everyMs = durationMs(entry.every ?? `${NOW_AND_THEN_MS}ms`);
    return Array.from({ length: times }, (_, i) => {
      const startMs = fromMs + i * everyMs;
      const endMs = length === undefined ? runMs : startMs + length;
      return { entry, fromMs: startMs, untilMs: Math.min(endMs, runMs), probability };
    }).filter(({ fromMs: startMs }) => startMs < runMs);
  });
  const lasting = faults.filter(({ entry }) => !MOMENTARY.has(entry.kind));

  return {
    faults,
    active(kind, board, nowMs) {
      for (const fault of lasting) {
        const { entry, fromMs, untilMs } = fault;
        if (entry.kind !== kind || nowMs < fromMs || nowMs >= untilMs) continue;
        if (entry.board === undefined || entry.board === board) return fault;
      }
      return undefined;
    },
  };
}

export function boardFaults(
  plan: FaultPlan,
  board: string,
  scheduler: Scheduler,
  random: Prng,
): BoardFaults {
  const active = (kind: string) => plan.active(kind, board, scheduler.nowMs);
  return {
    active,
    hits(kind) {
      const fault = active(kind);
      // What is certain draws nothing.
      if (fault === undefined || fault.probability >= 1) return fault;
      return random.chance(fault.probability) ? fault : undefined;
    },
  };
}
