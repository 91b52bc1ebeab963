import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import wabt from "wabt";
import { available, load } from "wasm3-node";
import { type Translation, translate } from "../boards/aot/translate.ts";

const RUNTIME = fileURLToPath(new URL("../boards/aot", import.meta.url));
const hasCompiler = spawnSync("gcc", ["--version"]).status === 0;
const suite = (hasCompiler && available) || process.env.CI ? describe : describe.skip;
const tools = await wabt();

/** Every export takes three i32 and returns one, so that one driver fits all. */
const SOURCE = `
@external("host", "note") declare function note(value: i32): i32;
const table: usize = memory.data(512, 8);
let sum: u64 = 7;
export function tally(a: i32, b: i32, c: i32): i32 {
  const at = table + ((a & 63) << 3);
  store<u64>(at, load<u64>(at) * 0x9e3779b97f4a7c15 + u64(u32(b)));
  sum = rotl(sum, c) ^ load<u64>(at);
  return i32(sum >> 32) ^ clz(a) ^ popcnt(b) ^ ctz(c);
}
export function divide(a: i32, b: i32, c: i32): i32 {
  return c & 1 ? a / b : c & 2 ? i32(u32(a) % u32(b)) : i32(i64(a) * i64(c) / i64(b));
}
export function peek(a: i32, b: i32, c: i32): i32 {
  return b & 1 ? load<i16>(a, 3) : b & 2 ? i32(load<u64>(a, 8) >> 7) : load<i8>(a) + load<i32>(a, 1);
}
export function poke(a: i32, b: i32, c: i32): i32 {
  if (c & 1) store<u64>(a, u64(u32(b)) << 17, 24);
  else if (c & 2) store<u16>(a, u16(b));
  else store<u8>(a, u8(b), 5);
  return b;
}
export function move(a: i32, b: i32, c: i32): i32 { memory.copy(a, b, c); return c; }
export function wipe(a: i32, b: i32, c: i32): i32 { memory.fill(a, u8(b), c); return a; }
export function call(a: i32, b: i32, c: i32): i32 { return note(a ^ b) - c; }
export function refuse(a: i32, b: i32, c: i32): i32 { if (a < b) unreachable(); return c; }
`;
const EXPORTS = ["tally", "divide", "peek", "poke", "move", "wipe", "call", "refuse"] as const;
const TRAPS = ["", "memory", "overflow", "zero", "conversion", "unreachable"];
const PAGE_BYTES = 65536;

type Call = readonly [index: number, a: number, b: number, c: number];

async function compile(): Promise<Uint8Array> {
  const flags = { runtime: "stub", optimizeLevel: 3, shrinkLevel: 1, initialMemory: 1 };
  const { binary, error, stderr } = await asc.compileString(SOURCE, flags);
  if (error || binary === null) throw new Error(stderr.toString());
  return binary;
}

/** Seeded (xorshift32), with many addresses around both ends of a memory of `bytes`. */
function makeCalls(seed: number, count: number, bytes: number): Call[] {
  let state = seed;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const value = () => {
    const kind = next() % 8;
    if (kind < 3) return next() | 0;
    if (kind < 5) return (bytes - (next() % 40)) | 0;
    if (kind < 7) return next() % 700;
    return [0, -1, 1, -(2 ** 31), 2 ** 31 - 1][next() % 5] ?? 0;
  };
  return Array.from({ length: count }, () => [next() % EXPORTS.length, value(), value(), value()]);
}

function kindOfTrap(message: string): string {
  const words: [RegExp, string][] = [
    [/out of bounds/, "memory"],
    [/divide result unrepresentable|integer overflow/, "overflow"],
    [/by zero/, "zero"],
    [/unreachable/, "unreachable"],
  ];
  return words.find(([pattern]) => pattern.test(message))?.[1] ?? message;
}

type Exports = Readonly<Record<string, (...values: number[]) => unknown>>;

/** One line a call ("result" or "trap kind"), then the memory in hex. */
function runInProcess(exports: Exports, memory: () => ArrayBuffer, calls: Call[]): string[] {
  const lines = calls.map(([index, a, b, c]) => {
    try {
      return String(exports[EXPORTS[index] ?? ""]?.(a, b, c));
    } catch (error) {
      return `trap ${kindOfTrap((error as Error).message)}`;
    }
  });
  return [...lines, Buffer.from(memory()).toString("hex")];
}

const note = (value: number) => (value * 31 + 5) | 0;

function runV8(wasm: Uint8Array, calls: Call[]): string[] {
  const module = new WebAssembly.Module(Uint8Array.from(wasm));
  const { exports } = new WebAssembly.Instance(module, { host: { note } });
  const memory = exports.memory as { readonly buffer: ArrayBuffer };
  return runInProcess(exports as Exports, () => memory.buffer, calls);
}

function runWasm3(wasm: Uint8Array, calls: Call[], memoryBytes: number): string[] {
  const instance = load(wasm, { memoryBytes, imports: { host: { note } } });
  try {
    return runInProcess(instance.exports as Exports, () => instance.memory, calls);
  } finally {
    instance.dispose();
  }
}

const DRIVER = `
#include <stdio.h>
#include "core.h"
static w2c_core core;
u32 w2c_host_note(struct w2c_host *host, u32 value) { (void)host; return value * 31u + 5u; }
static struct { unsigned index; u32 a, b, c, result; } now;
static u32 (*const exports[])(w2c_core *, u32, u32, u32) = {
  ${EXPORTS.map((name) => `w2c_core_${name}`).join(", ")}};
static void start(void *context) { (void)context; wasm2c_core_instantiate(&core, 0); }
static void call(void *context) {
  (void)context;
  now.result = exports[now.index](&core, now.a, now.b, now.c);
}
int main(void) {
  wasm_rt_trap_t trap = wasm_rt_catch(start, 0);
  if (trap != WASM_RT_TRAP_NONE) { printf("trap %d at start\\n", trap); return 0; }
  while (scanf("%u %u %u %u", &now.index, &now.a, &now.b, &now.c) == 4) {
    trap = wasm_rt_catch(call, 0);
    if (trap == WASM_RT_TRAP_NONE) printf("%d\\n", (int)now.result);
    else printf("trap %d\\n", trap);
  }
  for (size_t i = 0; i < sizeof core.w2c_memory.data; i++) printf("%02x", core.w2c_memory.data[i]);
  printf("\\n");
  return 0;
}`;

suite("aot", () => {
  const directory = mkdtempSync(join(tmpdir(), "picket-aot-test-"));
  let wasm: Uint8Array;

  beforeAll(async () => {
    wasm = await compile();
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function build({ c, h }: Translation, flags: string[] = []): string {
    const program = join(directory, "driver");
    writeFileSync(join(directory, "core.c"), c);
    writeFileSync(join(directory, "core.h"), h);
    writeFileSync(join(directory, "driver.c"), DRIVER);
    const sources = [join(directory, "core.c"), join(directory, "driver.c")];
    const options = ["-O2", "-g", "-w", "-I", RUNTIME, ...flags, "-lm", "-o", program];
    execFileSync("gcc", [...sources, join(RUNTIME, "wasm-rt.c"), ...options]);
    return program;
  }

  function runAot(calls: Call[], memoryBytes: number, flags?: string[]): string[] {
    const program = build(translate(wasm, { name: "core", memoryBytes }), flags);
    const input = calls.map((call) => call.map((value) => value >>> 0).join(" ")).join("\n");
    const output = execFileSync(program, { input, encoding: "utf8", maxBuffer: 2 ** 26 });
    return output
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(/^trap (\d)$/, (_all, code) => `trap ${TRAPS[code]}`));
  }

  it("aot: equals v8 and wasm3 in results, traps and memory for a full page", () => {
    const calls = makeCalls(20251, 20_000, PAGE_BYTES);
    const expected = runV8(wasm, calls);
    expect(new Set(expected.filter((line) => line.startsWith("trap")))).toEqual(
      new Set(["trap memory", "trap overflow", "trap zero", "trap unreachable"]),
    );
    expect(runAot(calls, PAGE_BYTES)).toEqual(expected);
    expect(runWasm3(wasm, calls, PAGE_BYTES)).toEqual(expected);
  });

  it("aot: equals wasm3 when memory ends inside a page", () => {
    for (const memoryBytes of [5001, 4096, 700]) {
      const calls = makeCalls(77 + memoryBytes, 5000, memoryBytes);
      const found = runAot(calls, memoryBytes, ["-fsanitize=address,undefined"]);
      expect(found.at(-1)).toHaveLength(2 * memoryBytes);
      expect(found).toEqual(runWasm3(wasm, calls, memoryBytes));
    }
  });

  it("aot: the last byte of memory is reachable and the next one traps", () => {
    const peek = EXPORTS.indexOf("peek");
    const found = runAot(
      [
        [peek, 5001 - 5, 0, 0],
        [peek, 5001 - 4, 0, 0],
        [peek, 5001 - 16, 2, 0],
        [peek, 5001 - 15, 2, 0],
        [peek, -1, 1, 0],
        [peek, -4, 1, 0],
      ],
      5001,
    );
    const traps = found.slice(0, -1).map((line) => line.startsWith("trap memory"));
    expect(traps).toEqual([false, true, false, true, true, true]);
  });

  it("aot: a data segment beyond the memory traps at the start", () => {
    const module = tools.parseWat(
      "data.wat",
      `(module (import "host" "note" (func (param i32) (result i32))) (memory (export "memory") 1)
        (data (i32.const 100) "picket")
        ${EXPORTS.map(
          (name) => `(func (export "${name}") (param i32 i32 i32) (result i32)
          (i32.load8_u (local.get 0)))`,
        ).join("")})`,
    );
    const bytes = module.toBinary({}).buffer;
    const starts = [106, 105].map((memoryBytes) => {
      const program = build(translate(bytes, { name: "core", memoryBytes }));
      return execFileSync(program, { input: "", encoding: "utf8" }).startsWith("trap 1 at start");
    });
    expect(starts).toEqual([false, true]);
  });

  it("aot: the translated code needs nothing of libc but memcpy and memset", () => {
    const { c, h } = translate(wasm, { name: "core", memoryBytes: 4096 });
    writeFileSync(join(directory, "core.c"), c);
    writeFileSync(join(directory, "core.h"), h);
    const object = join(directory, "all.o");
    const sources = [join(directory, "core.c"), join(RUNTIME, "wasm-rt.c")];
    const flags = ["-Os", "-w", "-ffreestanding", "-fno-stack-protector", "-I", RUNTIME];
    execFileSync("gcc", [...flags, "-r", "-nostdlib", ...sources, "-o", object]);
    const symbols = execFileSync("nm", ["-u", object], { encoding: "utf8" });
    const names = [...symbols.matchAll(/U (\w+)/g)].map(([, name]) => name);
    const allowed = ["_GLOBAL_OFFSET_TABLE_", "memcpy", "memset", "w2c_host_note"];
    const compilerOwn = /^__[a-z]+[sdt]i\d$/; // Arithmetic helpers in libgcc.
    const others = names.filter((name = "") => !allowed.includes(name) && !compilerOwn.test(name));
    expect(others).toEqual([]);
  });

  it("aot: the runtime compiles without warnings on every compiler found", () => {
    const strict = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O2", "-c"];
    const source = join(RUNTIME, "wasm-rt.c");
    const compilers = [["gcc"], ["clang"], ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb"]];
    for (const [compiler = "", ...flags] of compilers) {
      if (spawnSync(compiler, ["--version"]).status !== 0) continue;
      execFileSync(compiler, [...flags, ...strict, source, "-o", join(directory, "rt.o")]);
    }
  });

  it("aot: translates deterministically", () => {
    const options = { name: "core", memoryBytes: 4096 };
    expect(translate(wasm, options)).toEqual(translate(wasm, options));
  });

  it.each([
    ["recursion", `(func $a (call $b)) (func $b (call $a))`, /recursion through/],
    ["itself", `(func $a (param i32) (if (local.get 0) (then (call $a (i32.const 0)))))`, /recurs/],
    [
      "indirect calls",
      `(type $t (func)) (table 1 funcref) (func (export "x") (call_indirect (type $t) (i32.const 0)))`,
      /indirect call in/,
    ],
  ])("aot: refuses %s", (_what, body, message) => {
    const module = tools.parseWat("bad.wat", `(module (memory 1) ${body})`);
    const bytes = module.toBinary({}).buffer;
    expect(() => translate(bytes, { name: "core", memoryBytes: 100 })).toThrow(message);
  });

  it("aot: refuses sizes, names and modules that do not fit", () => {
    for (const memoryBytes of [0, -1, 1.5, PAGE_BYTES + 1, Number.NaN]) {
      expect(() => translate(wasm, { name: "core", memoryBytes })).toThrow("outside 1 to 65536");
    }
    for (const name of ["", "Core", "a-b", "1a", "a;b"]) {
      expect(() => translate(wasm, { name, memoryBytes: 100 })).toThrow("name");
    }
    const half = wasm.subarray(0, 50);
    expect(() => translate(half, { name: "core", memoryBytes: 100 })).toThrow("invalid module");
    const bare = tools.parseWat("bare.wat", "(module (func))").toBinary({}).buffer;
    expect(() => translate(bare, { name: "core", memoryBytes: 100 })).toThrow("no memory");
  });
});
