/** The agent as the simulator uses it; the only file of sim/ that knows how an agent is made. */
import { createAgent } from "../host/agent.ts";
import type { Engine } from "../host/engines/engine.ts";
import type { RingWriter } from "../host/ring-writer.ts";
import { PRIORITY_HIGH, PRIORITY_LOW } from "../wire/picket-keys.ts";

export interface CoreOptions {
  readonly wasm: Uint8Array;
  readonly engine?: Engine | undefined;
  /** 8 bytes, the same for the life of the device. */
  readonly agentId: Uint8Array;
  /** Random at every start, u32. */
  readonly seed: number;
  readonly intervals: Intervals;
  readonly nowMs: number;
  readonly wallS: number;
  readonly publish: (id: number, bytes: Uint8Array) => void;
}

/** Collection intervals of the build, ms. */
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
  /** Ends the intervals of both priorities. */
  flush(): void;
  published(id: number, isDelivered: boolean): void;
  cloudToDevice(count: number): void;
  snapshot(): Uint8Array;
  restore(snapshot: Uint8Array): void;
}

/** @throws Error with one line when the module is no core */
export function createCore(options: CoreOptions): Core {
  const agent = createAgent({
    wasm: options.wasm,
    engine: options.engine,
    agentId: options.agentId,
    epoch: options.seed & 0xffff,
    highIntervalMs: options.intervals.highMs,
    lowIntervalMs: options.intervals.lowMs,
    nowMs: options.nowMs,
    wallS: options.wallS,
    publish: options.publish,
  });
  return {
    ring: agent.ring,
    poll: (nowMs, wallS) => void agent.poll(nowMs, wallS),
    nextMs: agent.nextMs,
    flush() {
      agent.flush(PRIORITY_HIGH);
      agent.flush(PRIORITY_LOW);
    },
    published: (id, isDelivered) => void agent.published(id, isDelivered),
    cloudToDevice: agent.observeCloudToDevice,
    snapshot: agent.snapshot,
    restore: agent.restore,
  };
}
