/** Checks that bytes are a core module before an engine gets them. */
import { CORE_EXPORTS, CORE_IMPORTS } from "./engines/engine.ts";

const MAGIC = [0x00, 0x61, 0x73, 0x6d];
const IMPORT_MODULE = "host";

/**
 * @param name what errors call the module
 * @throws Error with one line: what is wrong with it
 */
export function checkCoreModule(wasm: Uint8Array, name: string): void {
  if (!MAGIC.every((byte, i) => wasm[i] === byte)) {
    throw new Error(`${name} is not a WebAssembly module: build it with \`npm run build\``);
  }
  const source = wasm as Uint8Array<ArrayBuffer>;
  if (!WebAssembly.validate(source)) {
    throw new Error(`${name} is a damaged WebAssembly module: build it again, \`npm run build\``);
  }
  const module = new WebAssembly.Module(source);
  const exported = new Set(WebAssembly.Module.exports(module).map((entry) => entry.name));
  const missing = ["memory", ...CORE_EXPORTS].filter((entry) => !exported.has(entry));
  if (missing.length > 0) {
    throw new Error(`${name} is not a Picket core: it has no export ${missing.join(", ")}`);
  }
  const known: readonly string[] = CORE_IMPORTS;
  for (const { module: from, name: wanted } of WebAssembly.Module.imports(module)) {
    if (from !== IMPORT_MODULE || !known.includes(wanted)) {
      throw new Error(`${name} is not a Picket core: it wants the import ${from}.${wanted}`);
    }
  }
}
