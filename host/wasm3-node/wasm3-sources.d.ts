/** WASM3_DIR (a checkout's `source/`, or its root), or the sources that npm installed. */
export function wasm3Directory(): string;

/** All of wasm3's C files but those of host APIs (libc, WASI, tracer). Absolute, sorted. */
export function listWasm3Sources(directory: string): string[];
