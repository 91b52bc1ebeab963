/**
 * A function that a module imports. i64 is a bigint, all other types are numbers, in its arguments
 * and in its result; a result of a wrong type is a `TypeError` out of the export.
 */
export type Wasm3Import = (...values: never[]) => unknown;

/** An exported function; throws `TypeError` on a wrong number or type of arguments. */
export type Wasm3Export = (...values: (number | bigint)[]) => number | bigint | undefined;

export interface Wasm3Options {
  /**
   * Cap on linear memory, bytes, 1 to 256 MiB, default 1 MiB: the module has the smaller of this and
   * what it declares, and it need not be a multiple of a page. An access beyond it traps; a data
   * segment beyond it is refused at loading.
   */
  readonly memoryBytes?: number;
  /** wasm3's value stack, bytes, 1 KiB to 64 KiB, default 16 KiB. */
  readonly stackBytes?: number;
  /**
   * By module and name. They may read `memory`, but not call back into the same instance. What they
   * throw leaves the export that was called.
   */
  readonly imports?: Readonly<Record<string, Readonly<Record<string, Wasm3Import>>>>;
}

export interface Wasm3Instance {
  /** A trap is a `WebAssembly.RuntimeError`, "<function>: <reason>"; memory stays readable. */
  readonly exports: Readonly<Record<string, Wasm3Export>>;
  /** Linear memory itself, no copy. Detached by `dispose()` and when the memory grows. */
  readonly memory: ArrayBuffer;
  /** The value of an exported global. Throws `TypeError` when there is none of that name. */
  readGlobal(name: string): number | bigint;
  /** Frees all native memory now; all other uses throw from then on. May be called again. */
  dispose(): void;
}

/** Whether the native addon is there. */
export const available: boolean;
/** One line that says what to do, or "". */
export const unavailableReason: string;
/** wasm3's version, or "". */
export const version: string;

/**
 * Loads a module, links it and runs its start function.
 *
 * wasm3 before 0.9 checks no module and has faults on hostile ones. Modules that
 * `WebAssembly.validate` refuses are not loaded, which is not all of the remedy: load modules whose
 * digest you know.
 *
 * @throws TypeError, RangeError on wrong arguments
 * @throws WebAssembly.CompileError on an invalid module, LinkError on a missing import
 * @throws Error when wasm3 cannot run the module (code `ERR_WASM3_LOAD`) or is not built
 */
export function load(wasm: Uint8Array, options?: Wasm3Options): Wasm3Instance;
