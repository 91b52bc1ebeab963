/** What a scenario says, as `scenario-read.ts` gives it. */
import type { REFUSALS } from "./fault-kinds.ts";
import type { COUNTER_NAMES, HUB_OPERATIONS, THREAD_ACTIONS } from "./scenario-schema.ts";

export interface BoardEntry {
  readonly name: string;
  readonly count?: number;
  readonly profile?: string;
  readonly engine?: "v8" | "wasm3";
  readonly options?: Readonly<Record<string, number>>;
  readonly addresses?: readonly string[];
  readonly intervals?: {
    readonly high?: string;
    readonly low?: string;
    readonly snapshot?: string;
  };
  readonly group?: string;
  readonly twin?: object;
  readonly startAfter?: string;
  readonly flash?: FlashEntry;
  readonly threads?: readonly ThreadEntry[];
  readonly agentPriority?: number;
  readonly snapshots?: Readonly<Record<string, readonly object[]>>;
}

/** A geometry, or none of it: the profile's store partition. */
export interface FlashEntry {
  readonly sectorBytes?: number;
  readonly sectors?: number;
  readonly unitBytes?: number;
  readonly programTakes?: string;
  readonly eraseTakes?: string;
}

export interface ThreadEntry {
  readonly name: string;
  readonly entry?: string;
  readonly priority: number;
  readonly stackBytes: number;
  readonly atStart?: boolean;
}

/** One entry of `traffic`; which fields a kind has: `TRAFFIC` in traffic-kinds.ts. */
export interface TrafficEntry {
  readonly kind: string;
  readonly board?: string;
  readonly from?: string;
  readonly until?: string;
  readonly peer?: string;
  readonly every?: string;
  readonly count?: number;
  readonly bytes?: number;
  readonly port?: number;
  readonly jitter?: number;
  readonly direction?: "in" | "out";
  readonly style?: "syn" | "fin" | "connect";
  readonly ports?: number;
  readonly file?: string;
  readonly repeat?: number;
}

/** One entry of `faults`; which fields a kind has: `FAULTS` in fault-kinds.ts. */
export interface FaultEntry {
  readonly kind: string;
  readonly board?: string;
  readonly from?: string;
  readonly for?: string;
  readonly probability?: number;
  readonly delay?: string;
  readonly by?: string;
  readonly every?: string;
  readonly count?: number;
  readonly bytes?: number;
  readonly duringFlash?: boolean;
  readonly cycles?: number;
  readonly sector?: number;
  readonly reason?: keyof typeof REFUSALS;
}

/** When something happens, and to which boards. */
export interface Timed {
  readonly board?: string;
  readonly at: string;
  readonly every?: string;
  readonly count?: number;
}

export interface ObservationEntry extends Timed {
  readonly event: string;
  readonly item: Readonly<Record<string, unknown>>;
}

/** What a thread of the board does. */
export interface ThreadActionEntry extends Timed {
  readonly thread: string;
  readonly do: (typeof THREAD_ACTIONS)[number];
  readonly bytes?: number;
  readonly for?: string;
}

/** Something else that the hub logs of the device. */
export interface OperationActionEntry extends Timed {
  readonly operation: keyof typeof HUB_OPERATIONS;
}

export interface TwinEntry extends Timed {
  readonly desired: object;
  readonly patch?: boolean;
}

export interface MethodEntry extends Timed {
  readonly name: string;
  readonly payload?: unknown;
}

interface Bounds {
  readonly board?: string;
  readonly min?: number;
  readonly max?: number;
}

export interface Expectations {
  readonly alerts?: readonly (Bounds & { type: string; cause?: string; by?: string })[];
  readonly events?: readonly (Bounds & { name: string; where?: object; by?: string })[];
  readonly counters?: readonly (Bounds & { name: CounterName })[];
  readonly reported?: readonly { property: string; board?: string; value: unknown }[];
  readonly nothingElse?: readonly ("alerts" | "events" | "losses")[];
}

export type CounterName = (typeof COUNTER_NAMES)[number];

/** What a scenario says of detection; sim hands it on as it is. */
export interface DetectionEntry {
  readonly groups?: Readonly<Record<string, object>>;
  readonly suspicious?: readonly string[];
  readonly warmUp?: string;
}

export interface Scenario {
  readonly name: string;
  readonly purpose: string;
  readonly duration: string;
  readonly seed?: number;
  readonly start?: string;
  readonly boards: readonly BoardEntry[];
  readonly peers?: Readonly<Record<string, string>>;
  readonly traffic?: readonly TrafficEntry[];
  readonly faults?: readonly FaultEntry[];
  readonly observations?: readonly ObservationEntry[];
  readonly threads?: readonly ThreadActionEntry[];
  readonly twin?: readonly TwinEntry[];
  readonly methods?: readonly MethodEntry[];
  readonly operations?: readonly OperationActionEntry[];
  readonly detection?: DetectionEntry;
  readonly expect?: Expectations;
}

/** A scenario that cannot be used: one line, `FILE:LINE: where: what was expected`. */
export class ScenarioError extends Error {
  override readonly name = "ScenarioError";
}

export const DEFAULT_START = "2026-01-01T00:00:00Z";
