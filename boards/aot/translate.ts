/**
 * A wasm module as C source, by wabt's wasm2c, fitted to `wasm-rt.h`: static memory of exactly the
 * size asked for, and bounds checks that compare with constants.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findRecursion } from "./call-graph.ts";

export interface TranslateOptions {
  /** Prefix of all C names: exports are `w2c_<name>_<export>`. A C identifier. */
  readonly name: string;
  /** Linear memory, bytes, 1 to what the module declares; need not be a multiple of a page. */
  readonly memoryBytes: number;
}

/** Contents of `<name>.c` and `<name>.h`, which belong into one folder. */
export interface Translation {
  readonly c: string;
  readonly h: string;
}

const PAGE_BYTES = 65536;
const NAME = /^[a-z][a-z0-9]*$/;

/** wabt 1.0.39 writes these parts into every file; a part that is missing is an error. */
const INCLUDES = /#include <assert\.h>\n[\s\S]*?#endif\n(?=\n#include ")/;
const LOAD_STORE = /#define DEFINE_LOAD\(name[\s\S]*?(?=DEFINE_LOAD\(i32_load, )/;
const ALLOCATE = /wasm_rt_allocate_memory\(&instance->\w+, (\d+),/;
/** A memory access as wasm2c writes it: 32-bit base, constant offset. */
const ACCESS = /_default32\((&instance->\w+), \(u64\)\((\w+)\)(?: \+ (\d+)u?)?([,)])/g;

function replaceOnce(text: string, what: RegExp, by: string): string {
  if (!what.test(text)) throw new Error(`wasm2c's output has no ${what.source}: other version?`);
  return text.replace(what, by);
}

function runWasm2c(wasm: Uint8Array, name: string): Translation {
  const require = createRequire(import.meta.url);
  const tool = join(dirname(require.resolve("wabt")), "bin", "wasm2c");
  const directory = mkdtempSync(join(tmpdir(), "picket-aot-"));
  try {
    const output = join(directory, `${name}.c`);
    writeFileSync(join(directory, "in.wasm"), wasm);
    const args = [tool, join(directory, "in.wasm"), "-o", output, "-n", name, "--no-debug-names"];
    execFileSync(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    return {
      c: readFileSync(output, "utf8"),
      h: readFileSync(join(directory, `${name}.h`), "utf8"),
    };
  } catch (cause) {
    const text = String((cause as { stderr?: unknown }).stderr ?? (cause as Error).message);
    throw new Error(`wasm2c: ${text.trim().split("\n")[0]}`, { cause });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function fitSource(c: string): string {
  let text = replaceOnce(
    c,
    INCLUDES,
    "#include <math.h>\n#include <stdarg.h>\n#define assert(x)\n",
  );
  const own = "#define DEFINE_LOAD(name, t1, t2, t3, read) WASM_RT_DEFINE_LOAD(name, t1, t2, t3)\n";
  text = replaceOnce(text, LOAD_STORE, `${own}#define DEFINE_STORE WASM_RT_DEFINE_STORE\n\n`);
  return text.replace(
    ACCESS,
    (_all, memory, base, offset = "0", end) => `_at(${memory}, ${base}, ${offset}u${end}`,
  );
}

/**
 * Translates a module to C.
 *
 * @throws Error on an invalid module, a name or size out of range, and on what boards do not run:
 * recursion and indirect calls (the stack could not be bounded), memories that are imported
 */
export function translate(wasm: Uint8Array, options: TranslateOptions): Translation {
  const { name, memoryBytes } = options;
  if (!NAME.test(name)) throw new Error(`translate: name "${name}" is not lower-case C`);
  if (!WebAssembly.validate(Uint8Array.from(wasm))) throw new Error("translate: invalid module");
  const { c, h } = runWasm2c(wasm, name);
  const pages = ALLOCATE.exec(c)?.[1];
  if (pages === undefined) throw new Error("translate: the module has no memory of its own");
  const declaredBytes = Number(pages) * PAGE_BYTES;
  if (!Number.isInteger(memoryBytes) || memoryBytes < 1 || memoryBytes > declaredBytes) {
    throw new Error(`translate: memoryBytes ${memoryBytes} is outside 1 to ${declaredBytes}`);
  }
  const recursive = findRecursion(c, name);
  if (recursive !== undefined) throw new Error(`translate: ${recursive}`);
  const size = `#define WASM_RT_MEMORY_BYTES ${memoryBytes}u\n`;
  return {
    c: fitSource(c),
    h: replaceOnce(h, /#include "wasm-rt\.h"\n/, `${size}#include "wasm-rt.h"\n`),
  };
}
