/** One agent: a core on an engine, and what surrounds it on a board. */
import * as abi from "../assembly/abi.ts";
import { checkCoreModule } from "./core-module.ts";
import type { CoreInstance, Engine } from "./engines/engine.ts";
import { v8 } from "./engines/v8.ts";
import { createRingWriter, type RingWriter } from "./ring-writer.ts";

export interface AgentOptions {
  /** The core module. */
  readonly wasm: Uint8Array;
  /** What errors call the module. */
  readonly wasmName?: string | undefined;
  readonly engine?: Engine | undefined;
  /** 8 random bytes, the same for the life of the device. */
  readonly agentId: Uint8Array;
  /** Random at every start, 0 to 65,535. */
  readonly epoch: number;
  /** Collection and sending intervals, ms, 1,000 or more. */
  readonly highIntervalMs: number;
  readonly lowIntervalMs: number;
  /** Monotonic clock at the start, ms. */
  readonly nowMs: number;
  /** Seconds since 1970 UTC; 0: not known. */
  readonly wallS: number;
  /**
   * Takes a message; called after `poll` has returned. Answer with `published`.
   *
   * @param bytes a copy, the receiver's own
   */
  readonly publish: (id: number, bytes: Uint8Array) => void;
}

export interface Agent {
  /** Where packets are offered, from any place but within `publish`. */
  readonly ring: RingWriter;
  /**
   * Drains the ring, collects and sends what is due.
   *
   * @returns packets taken
   */
  poll(nowMs: number, wallS: number): number;
  /** Ends the interval of a priority now; the next `poll` sends. */
  flush(priority: number): void;
  /** Milliseconds until `poll` has something to do beside packets. */
  nextMs(): number;
  /** A message was delivered and acknowledged, or has failed; false if it is not in flight. */
  published(id: number, isDelivered: boolean): boolean;
  /** The application received cloud-to-device messages. */
  observeCloudToDevice(count: number): void;
  /** All state: a copy of the core's memory. */
  snapshot(): Uint8Array;
  /** Continues from a snapshot of the same core module. */
  restore(snapshot: Uint8Array): void;
}

/**
 * Starts an agent.
 *
 * @throws Error with one line when the module is no core, or an option is out of range
 */
export function createAgent(options: AgentOptions): Agent {
  checkCoreModule(options.wasm, options.wasmName ?? "the core module");
  const parts: Uint8Array[] = [];
  const ready: { id: number; bytes: Uint8Array }[] = [];
  const engine = options.engine ?? v8;
  const core: CoreInstance = engine(options.wasm, {
    publish(id, pointer, bytes, more) {
      parts.push(memory.slice(pointer, pointer + bytes));
      if (more) return abi.OK;
      ready.push({ id, bytes: Buffer.concat(parts) });
      parts.length = 0;
      return abi.OK;
    },
  });
  const { exports } = core;
  const memory = new Uint8Array(core.memory);
  if (exports.abi_version() !== abi.ABI_VERSION) {
    throw new Error(`the core has ABI ${exports.abi_version()}, the host ${abi.ABI_VERSION}`);
  }
  const input = new DataView(core.memory, exports.input_address(), abi.INPUT_BYTES);
  writeStart(input, options);
  const result = exports.start(abi.START_BYTES, options.nowMs >>> 0, options.wallS >>> 0);
  if (result !== abi.OK)
    throw new Error("the core refuses its start: intervals of 1,000 ms or more");
  const used = exports.memory_bytes();

  return {
    ring: createRingWriter(core.memory, exports.ring_address()),
    poll(nowMs, wallS) {
      const taken = exports.poll(nowMs >>> 0, wallS >>> 0);
      while (ready.length > 0) {
        const message = ready.shift() as (typeof ready)[number];
        options.publish(message.id, message.bytes);
      }
      return taken;
    },
    flush(priority) {
      exports.flush(priority);
    },
    nextMs: () => exports.next_ms(),
    published: (id, isDelivered) => exports.published(id, isDelivered ? 0 : 1) === abi.OK,
    observeCloudToDevice(count) {
      input.setUint32(abi.OBSERVE_KIND, abi.OBSERVE_CLOUD_TO_DEVICE, true);
      input.setUint32(abi.OBSERVE_CLOUD_TO_DEVICE_COUNT, count, true);
      exports.observe(abi.OBSERVE_CLOUD_TO_DEVICE_BYTES);
    },
    snapshot: () => memory.slice(0, used),
    restore(snapshot) {
      if (snapshot.length !== used) {
        throw new Error(`a snapshot of ${snapshot.length} bytes for a core of ${used}`);
      }
      memory.set(snapshot);
    },
  };
}

function writeStart(input: DataView, options: AgentOptions): void {
  if (options.agentId.length !== 8) throw new Error("an agent id has 8 bytes");
  for (const [i, byte] of options.agentId.entries()) input.setUint8(abi.START_AGENT_ID + i, byte);
  input.setUint16(abi.START_EPOCH, options.epoch, true);
  input.setUint16(abi.START_EPOCH + 2, 0, true);
  input.setUint32(abi.START_HIGH_INTERVAL_MS, options.highIntervalMs, true);
  input.setUint32(abi.START_LOW_INTERVAL_MS, options.lowIntervalMs, true);
}
