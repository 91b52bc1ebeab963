/** An engine between host and core on which faults can be laid. */
import { E_BUSY } from "../host/abi.ts";
import type { CoreImports, Engine } from "../host/engines/engine.ts";
import { v8 } from "../host/engines/v8.ts";

export interface EngineFaults {
  /** The next `poll` traps. */
  trapNext: boolean;
  /** No memory for messages, now. */
  hasPressure(): boolean;
}

/** What an injected trap throws; every other trap is a fault of the core. */
export class InjectedTrap extends Error {
  override readonly name = "InjectedTrap";
}

export function createFaultyEngine(faults: EngineFaults, inner: Engine = v8): Engine {
  return (wasm, imports) => {
    let isInMessage = false;
    const wrapped: CoreImports = {
      ...imports,
      publish(id, pointer, bytes, more) {
        if (!isInMessage && faults.hasPressure()) return E_BUSY;
        isInMessage = more !== 0;
        return imports.publish(id, pointer, bytes, more);
      },
    };
    const core = inner(wasm, wrapped);
    return {
      memory: core.memory,
      exports: {
        ...core.exports,
        poll(nowMs, wallS) {
          if (faults.trapNext) {
            faults.trapNext = false;
            throw new InjectedTrap("the core trapped, as the scenario asks");
          }
          return core.exports.poll(nowMs, wallS);
        },
      },
    };
  };
}
