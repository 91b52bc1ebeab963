import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import createWabt from "wabt";
import { ABI_VERSION } from "../assembly/abi.ts";
import { buildCore } from "../boards/build.ts";
import { BASE_OPTIONS, FULL_OPTIONS } from "../boards/feature-sets.ts";
import { CORE_EXPORTS, CORE_IMPORTS } from "../host/engines/engine.ts";
import { v8 } from "../host/engines/v8.ts";

/** Ceilings of the module and of its memory, B; sizes have their defaults (DESIGN, budgets). */
const CEILINGS = {
  base: { options: BASE_OPTIONS, wasmBytesMax: 8 * 1024, memoryBytesMax: 13_000 },
  default: { options: {}, wasmBytesMax: 17 * 1024, memoryBytesMax: 17_000 },
  full: { options: FULL_OPTIONS, wasmBytesMax: 20 * 1024, memoryBytesMax: 17_500 },
};
const cores = join(import.meta.dirname, "../build/cores");

let wasm: Uint8Array;
let module: WebAssembly.Module;
let text: string;

beforeAll(async () => {
  ({ wasm } = await buildCore());
  module = new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>);
  text = (await createWabt()).readWasm(wasm, {}).toText({ foldExprs: false });
});

function importsOf(bytes: Uint8Array): string[] {
  const source = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  return WebAssembly.Module.imports(source).map(({ module: from, name, kind }) => {
    expect(kind).toBe("function");
    return `${from}.${name}`;
  });
}

it("abi: the release core has exactly the imports that the engines give it", async () => {
  const all = CORE_IMPORTS.map((name) => `host.${name}`).sort();
  const withFlash = await buildCore({ STORE_FLASH: 1 });
  expect(importsOf(withFlash.wasm).sort()).toEqual(all);
  const withoutFlash = all.filter((name) => !name.startsWith("host.flash_"));
  expect(importsOf(wasm).sort()).toEqual(withoutFlash);
});

it("abi: the release core has exactly the exports that the host calls, and its memory", () => {
  const exports = WebAssembly.Module.exports(module).map(({ name }) => name);
  expect(exports.sort()).toEqual(["memory", ...CORE_EXPORTS].sort());
});

it("abi: the release core never grows its memory, and has no heap", () => {
  expect(text).toMatch(/\(memory \(;0;\) (\d+) \1\)/); // As much at the start as at most.
  expect(text).not.toMatch(/memory\.grow/);
  expect(sourceText()).not.toMatch(/~lib\/(rt|array|string|map|set|typedarray|arraybuffer)/);
});

it("abi: the release core keeps no state outside of its memory", () => {
  expect(text).not.toMatch(/\(global [^\n]*\(mut /);
  expect(text).not.toMatch(/\(table /);
});

it("abi: the core says the version of the ABI that it was built with", () => {
  const refuse = () => -1;
  const imports = Object.fromEntries(CORE_IMPORTS.map((name) => [name, refuse]));
  const core = v8(wasm, imports as never);
  expect(core.exports.abi_version()).toBe(ABI_VERSION);
});

it.each(Object.entries(CEILINGS))("abi: the %s core is within its ceilings", async (_, ceiling) => {
  const { wasm: bytes } = await buildCore(ceiling.options);
  expect(bytes.length).toBeLessThanOrEqual(ceiling.wasmBytesMax);
  const imports = Object.fromEntries(CORE_IMPORTS.map((name) => [name, () => -1]));
  const core = v8(bytes, imports as never);
  expect(core.exports.memory_bytes()).toBeLessThanOrEqual(ceiling.memoryBytesMax);
});

it("abi: the same options build the same bytes", async () => {
  const again = await buildCore();
  expect(Buffer.from(again.wasm).equals(wasm)).toBe(true);
});

/** The compiler's own text of this build, which has the names that the module has not. */
function sourceText(): string {
  const name = readdirSync(cores)
    .filter((file) => file.endsWith(".wasm"))
    .find((file) => readFileSync(join(cores, file)).equals(wasm));
  const path = join(cores, `${name}.wat`);
  expect(existsSync(path)).toBe(true);
  return readFileSync(path, "utf8");
}
