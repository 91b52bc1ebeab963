/** What runs the core. All engines give the same bytes for the same calls. */

/** The core's exports, see `assembly/index.ts`. */
export interface CoreExports {
  abi_version(): number;
  memory_bytes(): number;
  ring_address(): number;
  input_address(): number;
  start(bytes: number, nowMs: number, wallS: number): number;
  advance_clock(nowMs: number, wallS: number): number;
  poll(nowMs: number, wallS: number): number;
  flush(priority: number): number;
  next_ms(): number;
  published(id: number, status: number): number;
  flash_done(status: number): number;
  twin_begin(isPatch: number): number;
  twin_chunk(bytes: number): number;
  twin_end(): number;
  observe(bytes: number): number;
}

/** The core's imports, see `assembly/host.ts`. */
export interface CoreImports {
  publish(id: number, pointer: number, bytes: number, more: number): number;
  report(pointer: number, bytes: number, more: number): number;
  flash_read(address: number, pointer: number, bytes: number): number;
  flash_program(address: number, pointer: number, bytes: number): number;
  flash_erase(address: number): number;
}

/** One running core. */
export interface CoreInstance {
  readonly exports: CoreExports;
  /** Linear memory: all state there is. It never grows, so views of it stay valid. */
  readonly memory: ArrayBuffer;
  /** Where the core's memory is elsewhere, `memory` is a copy: brings all of it, sends all of it. */
  readonly pull?: () => void;
  readonly push?: () => void;
}

/** @throws Error with one line when the bytes are no core that fits */
export type Engine = (wasm: Uint8Array, imports: CoreImports) => CoreInstance;

export const CORE_EXPORTS = [
  "abi_version",
  "memory_bytes",
  "ring_address",
  "input_address",
  "start",
  "advance_clock",
  "poll",
  "flush",
  "next_ms",
  "published",
  "flash_done",
  "observe",
  "twin_begin",
  "twin_chunk",
  "twin_end",
] as const satisfies readonly (keyof CoreExports)[];

export const CORE_IMPORTS = [
  "publish",
  "report",
  "flash_read",
  "flash_program",
  "flash_erase",
] as const satisfies readonly (keyof CoreImports)[];
