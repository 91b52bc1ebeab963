/** The core on Node's own WebAssembly; the only file that knows the loader. */
import { instantiateSync } from "@assemblyscript/loader";
import type { CoreExports, CoreImports, CoreInstance } from "./engine.ts";

/** @see Engine */
export function v8(wasm: Uint8Array, imports: CoreImports): CoreInstance {
  const { exports } = instantiateSync(wasm, { host: { ...imports } });
  const { memory } = exports as unknown as { memory: WebAssembly.Memory };
  return { exports: exports as unknown as CoreExports, memory: memory.buffer };
}
