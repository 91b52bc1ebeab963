/** Builds the core with its default options: `build/core.wasm` and, to read, `build/core.wat`. */
import { mkdirSync, writeFileSync } from "node:fs";
import createWabt from "wabt";
import { buildCore } from "../boards/build.ts";

const { wasm, digest } = await buildCore();
const folder = new URL("../build/", import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL("core.wasm", folder), wasm);
const module = (await createWabt()).readWasm(wasm, {});
writeFileSync(new URL("core.wat", folder), module.toText({ foldExprs: true }));
process.stdout.write(`build/core.wasm: ${wasm.length} bytes, sha256 ${digest}\n`);
