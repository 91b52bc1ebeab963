/** One core instance that is many boards in turn: its memory is swapped. */
import * as abi from "../../host/abi.ts";
import type { CoreExports, CoreImports, CoreInstance, Engine } from "../../host/engines/engine.ts";
import { v8 } from "../../host/engines/v8.ts";
import { type Core, createCore, type Intervals } from "../core.ts";

export interface FleetCore {
  readonly core: Core;
  /** The core's memory as far as it is used: words. */
  readonly memory: Uint32Array;
  /** Makes the instance a board that has just been switched on. */
  start(agentId: Uint8Array, seed: number, wallS: number): void;
}

export interface FleetCoreOptions {
  readonly wasm: Uint8Array;
  readonly engine?: Engine | undefined;
  readonly intervals: Intervals;
  readonly publish: (id: number, bytes: Uint8Array) => void;
}

export function createFleetCore(options: FleetCoreOptions): FleetCore {
  const inner = options.engine ?? v8;
  const record = new Uint8Array(abi.START_BYTES);
  let instance: CoreInstance | undefined;
  let pristine = new Uint8Array(0);

  /** Notes the memory before the start, and the start record. */
  const noting: Engine = (wasm: Uint8Array, imports: CoreImports) => {
    const made = inner(wasm, imports);
    const used = made.exports.memory_bytes();
    pristine = new Uint8Array(made.memory, 0, used).slice();
    instance = made;
    const exports: CoreExports = {
      ...made.exports,
      start(bytes, nowMs, wallS) {
        record.set(new Uint8Array(made.memory, made.exports.input_address(), bytes));
        return made.exports.start(bytes, nowMs, wallS);
      },
    };
    return { memory: made.memory, exports };
  };
  const core = createCore({
    wasm: options.wasm,
    engine: noting,
    agentId: new Uint8Array(8),
    seed: 1,
    intervals: options.intervals,
    nowMs: 0,
    wallS: 0,
    publish: options.publish,
  });
  const { exports, memory } = instance as unknown as CoreInstance;
  const used = exports.memory_bytes();
  const bytes = new Uint8Array(memory, 0, used);

  return {
    core,
    memory: new Uint32Array(memory, 0, used >> 2),
    start(agentId, seed, wallS) {
      bytes.set(pristine);
      const input = exports.input_address();
      bytes.set(record, input);
      bytes.set(agentId, input + abi.START_AGENT_ID);
      new DataView(memory).setUint32(input + abi.START_SEED, seed, true);
      const result = exports.start(abi.START_BYTES, 0, wallS);
      if (result !== abi.OK) throw new Error(`the core refuses its start (${result})`);
    },
  };
}
