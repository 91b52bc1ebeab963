/** What a run gives: the model behind all reports. */
import type { SecurityEvent } from "../wire/events.ts";
import type { FlashPlan } from "./board-flash.ts";

/** An alert as detection hands it out (`detect/alerts.ts`, which fits as it is). */
export interface SimAlert {
  readonly id: string;
  readonly type: string;
  readonly displayName: string;
  readonly severity: string;
  readonly deviceId: string;
  readonly rule: string;
  readonly cause: string;
  readonly explanation: string;
  readonly time: string;
  readonly count: number;
  readonly state: string;
}

/** An operation that the hub logs (`detect/inputs.ts`). */
export interface SimOperation {
  readonly timeMs: number;
  readonly category: string;
  readonly operationName: string;
  readonly result: "Success" | "Failure";
  readonly deviceId: string;
  readonly moduleId: string | null;
  readonly statusCode: number;
  readonly reason: string | null;
  readonly protocol: string;
  readonly properties: Readonly<Record<string, string | number | boolean | null>>;
}

/** Detection, as the simulator uses it; the command hands in the real one. */
export interface Detector {
  message(message: {
    readonly deviceId: string;
    readonly moduleId: string;
    readonly body: Uint8Array;
    readonly systemProperties: Readonly<Record<string, string>>;
    readonly enqueuedTimeMs: number;
  }): readonly SimAlert[];
  operation(entry: SimOperation): readonly SimAlert[];
  /** The hub's clock, ms since 1970. */
  tick(nowMs: number): readonly SimAlert[];
  setGroup(deviceId: string, group: string): void;
}

/** Something to see on the timeline. */
export interface TimelineEntry {
  /** Virtual ms since the start of the run. */
  readonly timeMs: number;
  readonly deviceId: string;
  readonly kind: "message" | "alert" | "fault" | "action" | "restart";
  readonly text: string;
  /** A fault that lasts: so long, ms. */
  readonly forMs?: number;
}

/** The board that was simulated. */
export interface BoardProfileNote {
  readonly name: string;
  readonly title: string;
  /** How the core runs there. */
  readonly backend: string;
  readonly agentRamBytes: number;
}

export interface BoardResult {
  readonly deviceId: string;
  readonly board: string;
  /** Absent: no board in particular. */
  readonly profile?: BoardProfileNote | undefined;
  /** Absent: events are kept in memory. */
  readonly flash?: FlashPlan | undefined;
  readonly counters: Readonly<Record<string, number>>;
  readonly missing: number;
  /** The longest time from the end of a fault to the next acknowledgement, ms; 0: none needed. */
  readonly recoveryMs: number;
}

/** One check, of what was expected or of what must always hold. */
export interface Check {
  readonly name: string;
  readonly isMet: boolean;
  /** What was found; for people. */
  readonly found: string;
  /** Where the scenario expects it: the path in its document; absent: it must always hold. */
  readonly place?: readonly string[] | undefined;
}

export interface RunResult {
  readonly scenario: string;
  readonly file: string;
  /** Words that the command to repeat the run needs beside file and seed. */
  readonly repeatWith: readonly string[];
  readonly purpose: string;
  readonly seed: number;
  readonly durationMs: number;
  readonly boards: readonly BoardResult[];
  readonly totals: Readonly<Record<string, number>>;
  readonly alerts: readonly SimAlert[];
  readonly checks: readonly Check[];
  readonly timeline: readonly TimelineEntry[];
  /** SHA-256 of all messages with device and time, hexadecimal: equal runs, equal digests. */
  readonly digest: string;
}

/** Times at which events and alerts came, for expectations. */
export interface Observed {
  readonly events: readonly {
    readonly deviceId: string;
    readonly board: string;
    readonly timeMs: number;
    readonly event: SecurityEvent;
  }[];
  readonly alerts: readonly {
    readonly board: string;
    readonly timeMs: number;
    readonly alert: SimAlert;
  }[];
}

export function isPassed(result: RunResult): boolean {
  return result.checks.every(({ isMet }) => isMet);
}

/** Counters of which a whole has the greatest of its boards, not the sum. */
const GREATEST: ReadonlySet<string> = new Set(["recoveryMs", "flashErasesMax"]);

/** The counter of all boards together. */
export function totalOf(boards: readonly BoardResult[], name: string): number {
  const counts = boards.map(({ counters }) => counters[name] ?? 0);
  if (GREATEST.has(name)) return Math.max(0, ...counts);
  return counts.reduce((sum, count) => sum + count, 0);
}
