import { beforeAll, describe, expect, it } from "vitest";
import { available, load, unavailableReason } from "wasm3-node";
import { buildCore } from "../boards/build.ts";
import { BASE_OPTIONS, FULL_OPTIONS } from "../boards/feature-sets.ts";
import type { CoreInstance, Engine } from "../host/engines/engine.ts";
import { readWasmFunctions } from "../host/engines/wasm-functions.ts";
import { wasm3 } from "../host/engines/wasm3.ts";
import { wasm3StackBytes } from "../host/engines/wasm3-stack.ts";
import { runScript } from "./support/engine-script.ts";
import { wasmOf } from "./support/wat.ts";

/** Sums of `operands` values that all wait at once, in functions that call each other. */
function chain(depth: number, operands: number, type: "i32" | "i64"): Uint8Array {
  const functions = Array.from({ length: depth }, (_, i) => {
    const values = Array.from({ length: operands }, (_, n) =>
      n % 3 === 0 ? `local.get ${n % 4}` : `${type}.const ${i * 1000 + n}`,
    );
    const next = i + 1 < depth ? `local.get 1 local.get 0 call ${i + 1}` : "local.get 0";
    const sum = `${type}.add `.repeat(operands);
    return `(func (param ${type} ${type}) (result ${type}) (local ${type} ${type})
      local.get 0 local.set 2 local.get 1 local.set 3 ${values.join(" ")} ${next} ${sum})`;
  });
  return wasmOf(`(module ${functions.join("\n")} (export "run" (func 0)))`);
}

function runOn(wasm: Uint8Array, stackBytes: number, wide: boolean): unknown {
  const instance = load(wasm, { memoryBytes: 8, stackBytes });
  try {
    return instance.exports.run?.(...((wide ? [3n, 5n] : [3, 5]) as number[]));
  } finally {
    instance.dispose();
  }
}

describe("wasm3 stack", () => {
  it("wasm3 stack: operands, locals and callees of a function are read", () => {
    const wasm = wasmOf(`(module
      (import "host" "f" (func $f (param i32 i32) (result i32)))
      (func $g (param i32) (local i32 i64) local.get 0 br_if 0 i32.const 1 local.set 1)
      (func (export "run") (result i32)
        (block (br 0) (drop (i32.add (i32.const 1) (i32.const 2))))
        (call $g (i32.const 1))
        (if (result i32) (i32.const 1) (then (call $f (i32.const 1) (i32.const 2)))
          (else (i32.add (i32.const 1) (i32.add (i32.const 2) (i32.const 3))))))
      (memory 1))`);
    const { imported, functions } = readWasmFunctions(wasm);
    expect(imported).toEqual([{ parameters: 2, results: 1, isWide: false }]);
    const [first, second] = functions;
    expect(first).toMatchObject({
      parameters: 1,
      results: 0,
      locals: 2,
      operands: 1,
      isWide: true,
    });
    expect(second).toMatchObject({ results: 1, locals: 0, operands: 3, isWide: false });
    expect([...(second?.callees ?? [])]).toEqual([1, 0]);
  });

  it("wasm3 stack: recursion and calls through a table have no bound", () => {
    expect(() => wasm3StackBytes(wasmOf("(module (func $f (call $f)))"))).toThrow("recurs");
    const table = wasmOf(`(module (table 1 funcref) (type $t (func))
      (func (call_indirect (type $t) (i32.const 0))))`);
    expect(() => wasm3StackBytes(table)).toThrow("through a table");
  });
});

const suite = available || process.env.CI ? describe : describe.skip;
suite(`wasm3 stack, run (${available ? "here" : unavailableReason})`, () => {
  let full: Uint8Array;
  beforeAll(async () => {
    full = (await buildCore(FULL_OPTIONS)).wasm;
  });

  it.each([
    ["i32", 20, 20],
    ["i32", 40, 3],
    ["i32", 5, 100],
    ["i64", 20, 20],
    ["i64", 30, 5],
  ] as const)("wasm3 stack: %s, %i calls of %i operands run within it", (type, depth, operands) => {
    const wasm = chain(depth, operands, type);
    const bytes = wasm3StackBytes(wasm);
    expect(bytes).toBeGreaterThan(1024);
    const wide = type === "i64";
    expect(runOn(wasm, bytes, wide)).toEqual(runOn(wasm, 65_536, wide));
    expect(() => runOn(wasm, Math.max(1024, Math.floor(bytes / 4)), wide)).toThrow(
      "stack overflow",
    );
  });

  it("wasm3 stack: a core that does everything traps with half of it, and not with all", () => {
    const withStack =
      (stackBytes: number): Engine =>
      (wasm, imports): CoreInstance => {
        const memoryBytes = 2 ** 20;
        const host = { ...imports } as never;
        const { exports, memory } = load(wasm, { memoryBytes, stackBytes, imports: { host } });
        return { exports: exports as never, memory };
      };
    const bytes = wasm3StackBytes(full);
    const least = (stackBytes: number) => {
      for (let seed = 1; seed <= 20; seed++) runScript(withStack(stackBytes), full, seed, 12);
    };
    expect(() => least(bytes)).not.toThrow();
    expect(() => least(bytes / 2)).toThrow("stack overflow");
    for (let seed = 1; seed <= 20; seed++) runScript(wasm3, full, seed, 12);
  });

  it("wasm3 stack: a module that is cut off anywhere ends in one line or in a bound", () => {
    for (let length = 8; length < full.length; length += 61) {
      try {
        expect(wasm3StackBytes(full.subarray(0, length))).toBeGreaterThan(0);
      } catch (error) {
        expect((error as Error).message).toMatch(/^wasm3?: [^\n]+$/);
      }
    }
    const endless = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 0xff, 0xff, 0xff, 0xff);
    expect(() => wasm3StackBytes(endless)).toThrow("wasm: the module is cut off");
  });

  it("wasm3 stack: a core of few features needs little", async () => {
    const { wasm } = await buildCore(BASE_OPTIONS);
    expect(wasm3StackBytes(wasm)).toBeLessThanOrEqual(1536);
  });
});
