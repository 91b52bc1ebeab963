/** Where wasm3's C sources are; the addon and the firmware are built from the same ones. */
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Where the packed package has them, see scripts/vendor-wasm3.mjs; not in a clone. */
export const VENDOR = fileURLToPath(new URL("vendor", import.meta.url));

/** The addon's own C sources; the firmware shares wasm3-compat.h. */
export const OWN_SOURCES = fileURLToPath(new URL("src", import.meta.url));

/** The sources that npm installed. */
export function installedWasm3() {
  const require = createRequire(import.meta.url);
  return join(dirname(require.resolve("react-native-webassembly/package.json")), "cpp");
}

/** WASM3_DIR (a checkout's `source/`, or its root), or the sources that came with the package. */
export function wasm3Directory() {
  const given = process.env.WASM3_DIR;
  if (given) {
    const directory = resolve(given);
    return readdirSync(directory).includes("wasm3.h") ? directory : join(directory, "source");
  }
  try {
    return installedWasm3();
  } catch {
    return VENDOR;
  }
}

/** All of wasm3's C files but those of host APIs (libc, WASI, tracer). Absolute, sorted. */
export function listWasm3Sources(directory) {
  return readdirSync(directory)
    .filter((name) => /^m3_(?!api_)\w+\.c$/.test(name))
    .sort()
    .map((name) => join(directory, name));
}
