/** What a core module needs by itself, asked of the module. */
import { wasm3StackBytes } from "../host/engines/wasm3-stack.ts";

export interface CoreSize {
  /** Bytes of the module. */
  readonly wasmBytes: number;
  /** Linear memory that it uses, a multiple of 8 bytes: what its `memory_bytes` tells. */
  readonly memoryBytes: number;
  /** wasm3's value stack. */
  readonly stackBytes: number;
}

const ALIGNMENT = 8;

/** @throws Error when the bytes are no core */
export function measureCore(wasm: Uint8Array): CoreSize {
  const module = new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>);
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] = { ...imports[from], [name]: () => 0 };
  }
  const { exports } = new WebAssembly.Instance(module, imports);
  const memoryBytes = (exports.memory_bytes as () => number)();
  return {
    wasmBytes: wasm.length,
    memoryBytes: Math.ceil(memoryBytes / ALIGNMENT) * ALIGNMENT,
    stackBytes: wasm3StackBytes(wasm),
  };
}
