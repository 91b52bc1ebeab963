/** Where wasm3's C sources are; the addon and the firmware are built from the same ones. */
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";

/** WASM3_DIR (a checkout's `source/`, or its root), or the sources that npm installed. */
export function wasm3Directory() {
  const given = process.env.WASM3_DIR;
  if (given) {
    const directory = resolve(given);
    return readdirSync(directory).includes("wasm3.h") ? directory : join(directory, "source");
  }
  const require = createRequire(import.meta.url);
  return join(dirname(require.resolve("react-native-webassembly/package.json")), "cpp");
}

/** All of wasm3's C files but those of host APIs (libc, WASI, tracer). Absolute, sorted. */
export function listWasm3Sources(directory) {
  return readdirSync(directory)
    .filter((name) => /^m3_(?!api_)\w+\.c$/.test(name))
    .sort()
    .map((name) => join(directory, name));
}
