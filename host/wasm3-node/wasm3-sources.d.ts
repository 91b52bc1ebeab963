/** Where the packed package has wasm3's sources, see scripts/vendor-wasm3.mjs. */
export const VENDOR: string;

/** The addon's own C sources; the firmware shares wasm3-compat.h. */
export const OWN_SOURCES: string;

/** The sources that npm installed. */
export function installedWasm3(): string;

/** WASM3_DIR (a checkout's `source/`, or its root), or the sources that came with the package. */
export function wasm3Directory(): string;

/** All of wasm3's C files but those of host APIs (libc, WASI, tracer). Absolute, sorted. */
export function listWasm3Sources(directory: string): string[];
