/** The core on wasm3, the interpreter that boards run: package `wasm3-node`. */
import { available, load, unavailableReason, type Wasm3Import } from "wasm3-node";
import type { CoreExports, CoreImports, CoreInstance } from "./engine.ts";
import { wasm3StackBytes } from "./wasm3-stack.ts";

/** For asking a module how much memory it uses; more than any core declares. */
const MEMORY_BYTES_MAX = 256 * 1024 * 1024;
const ROUND_BYTES = 8;

/**
 * Runs a core with no byte more of memory and stack than it needs: what a board has, so that an
 * access beyond it traps here as it does there.
 *
 * @see Engine
 * @throws Error with one line when the addon is not built
 */
export function wasm3(wasm: Uint8Array, imports: CoreImports): CoreInstance {
  if (!available) throw new Error(unavailableReason);
  const host = { ...imports } as unknown as Record<string, Wasm3Import>;
  const stackBytes = wasm3StackBytes(wasm);
  const probe = load(wasm, { memoryBytes: MEMORY_BYTES_MAX, stackBytes, imports: { host } });
  const usedBytes = Number(probe.exports.memory_bytes?.());
  probe.dispose();
  const memoryBytes = Math.ceil(usedBytes / ROUND_BYTES) * ROUND_BYTES;
  const instance = load(wasm, { memoryBytes, stackBytes, imports: { host } });
  return { exports: instance.exports as unknown as CoreExports, memory: instance.memory };
}
