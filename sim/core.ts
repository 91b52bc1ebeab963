/** The agent as the simulator uses it; the only file of sim/ that knows how an agent is made. */
import { createAgent } from "../host/agent.ts";
import type { Engine } from "../host/engines/engine.ts";
import type { FlashPort } from "../host/flash-port.ts";
import type { RingWriter } from "../host/ring-writer.ts";
import { OBSERVATIONS, type ObservedName } from "../wire/observations.ts";
import { PRIORITY_HIGH, PRIORITY_LOW } from "../wire/picket-keys.ts";

export interface CoreOptions {
  readonly wasm: Uint8Array;
  readonly engine?: Engine | undefined;
  /** 8 bytes, the same for the life of the device. */
  readonly agentId: Uint8Array;
  /** Random at every start, u32; 0: deadlines are not spread. */
  readonly seed: number;
  readonly intervals: Intervals;
  readonly nowMs: number;
  readonly wallS: number;
  readonly flash?: FlashPort | undefined;
  readonly publish: (id: number, bytes: Uint8Array) => void;
  /** Takes the reported properties of the module twin, JSON. */
  readonly report?: ((json: Uint8Array) => void) | undefined;
  /** Items of a snapshot that is due. */
  readonly items?: ((event: string) => readonly object[]) | undefined;
}

/** Collection intervals of the build, ms, whole seconds. */
export interface Intervals {
  readonly highMs: number;
  readonly lowMs: number;
  readonly snapshotMs: number;
}

/** The documented defaults: PT7M, PT5H, PT13H. */
export const DEFAULT_INTERVALS: Intervals = {
  highMs: 7 * 60_000,
  lowMs: 5 * 3_600_000,
  snapshotMs: 13 * 3_600_000,
};

export interface Core {
  readonly ring: RingWriter;
  poll(nowMs: number, wallS: number): void;
  nextMs(): number;
  /** Moves the clocks on: what is observed from now on bears this time. `poll` does it too. */
  advanceClock(nowMs: number, wallS: number): void;
  /** Ends the intervals of both priorities. */
  flush(): void;
  published(id: number, isDelivered: boolean): void;
  /** A flash operation that answered PENDING has ended. */
  flashDone(isDone: boolean): void;
  cloudToDevice(count: number): void;
  /** @throws Error with one line for an event that boards do not observe, or a bad field */
  observe(event: string, item: object): void;
  twin(json: Uint8Array, isPatch: boolean): void;
  snapshot(): Uint8Array;
  restore(snapshot: Uint8Array): void;
}

/** Events that boards observe, and those of them that are snapshots. */
export const OBSERVED_EVENTS = Object.keys(OBSERVATIONS) as ObservedName[];
export const SNAPSHOT_EVENTS = OBSERVED_EVENTS.filter((name) => OBSERVATIONS[name].snapshot);

/** @throws Error with one line when the module is no core */
export function createCore(options: CoreOptions): Core {
  const { highMs, lowMs, snapshotMs } = options.intervals;
  const agent = createAgent({
    wasm: options.wasm,
    engine: options.engine,
    agentId: options.agentId,
    seed: options.seed,
    highIntervalS: Math.ceil(highMs / 1000),
    lowIntervalS: Math.ceil(lowMs / 1000),
    snapshotIntervalS: Math.ceil(snapshotMs / 1000),
    nowMs: options.nowMs,
    wallS: options.wallS,
    flash: options.flash,
    publish: options.publish,
    report: options.report,
    snapshot: (name) => options.items?.(name) ?? [],
  });
  return {
    ring: agent.ring,
    poll: agent.poll,
    advanceClock: agent.advanceClock,
    nextMs: agent.nextMs,
    flush() {
      agent.flush(PRIORITY_HIGH);
      agent.flush(PRIORITY_LOW);
    },
    published: (id, isDelivered) => void agent.published(id, isDelivered),
    flashDone: agent.flashDone,
    cloudToDevice: agent.observeCloudToDevice,
    observe: (event, item) => void agent.observe(event as ObservedName, item),
    twin: (json, isPatch) => void agent.twin(json, { isPatch }),
    snapshot: agent.snapshot,
    restore: agent.restore,
  };
}
