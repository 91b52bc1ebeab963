/** What a simulated board needs, tells, and does. */
import type { Engine } from "../host/engines/engine.ts";
import type { DeviceAddress } from "../host/netx/address.ts";
import type { Netx } from "../host/netx/netx.ts";
import type { BoardFlash } from "./board-flash.ts";
import type { Intervals } from "./core.ts";
import type { BoardFaults } from "./fault-plan.ts";
import type { HubLink } from "./hub-link.ts";
import type { Prng } from "./prng.ts";
import type { ThreadActionEntry, ThreadEntry } from "./scenario.ts";
import type { Scheduler } from "./scheduler.ts";

export interface DeviceOptions {
  readonly deviceId: string;
  /** Name of the board entry. */
  readonly board: string;
  readonly addresses: readonly DeviceAddress[];
  readonly wasm: Uint8Array;
  readonly engine?: Engine | undefined;
  readonly intervals: Intervals;
  /** Wall clock at the start of the run, s. */
  readonly startWallS: number;
  readonly scheduler: Scheduler;
  readonly faults: BoardFaults;
  readonly random: Prng;
  readonly link: HubLink;
  /** Absent: events are kept in memory. */
  readonly flash?: BoardFlash | undefined;
  /** Threads beside the agent's. */
  readonly threads: readonly ThreadEntry[];
  readonly agentPriority: number;
  /** Items of a snapshot that is due. */
  readonly items: (event: string) => readonly object[];
  /** Desired properties that the hub has for the board's module, as a whole. */
  readonly desired: () => object | undefined;
  readonly watch: DeviceWatch;
}

/** Told what happens on the board, for reports and invariants. */
export interface DeviceWatch {
  published(bytes: Uint8Array): void;
  /** The agent knows of the last message: acknowledged, or it failed. */
  settled(bytes: Uint8Array, isDelivered: boolean): void;
  /** The agent's memory is gone. */
  restarted(cause: "power" | "trap"): void;
  /** The module twin's reported properties. */
  reported(json: Uint8Array): void;
  /** A fault of ours: it ends the run as failed. */
  failed(what: string): void;
}

export interface Device {
  readonly deviceId: string;
  readonly board: string;
  readonly isOn: boolean;
  readonly netx: Netx;
  /** Frames that reached the board's network interface. */
  readonly frames: number;
  start(): void;
  frame(bytes: Uint8Array): void;
  /** @param duringFlash true: in the middle of the next flash operation */
  powerCut(offMs: number, duringFlash: boolean): void;
  trap(): void;
  moveClock(byMs: number): void;
  observe(event: string, item: object): void;
  thread(action: ThreadActionEntry): void;
  /** Hands the agent its whole twin, or a patch of it. */
  twin(json: Uint8Array, isPatch: boolean): void;
  /** Ends the intervals and sends. */
  flush(): void;
  /** Messages on their way. */
  readonly inFlight: number;
  /** Messages wait for another attempt, for the flash, or for the agent's turn. */
  readonly isUnsent: boolean;
}
