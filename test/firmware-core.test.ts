import { spawnSync } from "node:child_process";
import { beforeAll, describe, expect, it } from "vitest";
import * as abi from "../assembly/abi.ts";
import { buildCore } from "../boards/build.ts";
import { qemuEngine } from "../boards/engines.ts";
import { buildFirmware } from "../boards/firmware/build.ts";
import { MACHINES, type MachineName } from "../boards/firmware/machines.ts";
import { v8 } from "../host/engines/v8.ts";
import { openRemoteCore } from "../host/qemu/core.ts";
import { openLink } from "../host/qemu/link.ts";
import { startMachine } from "../host/qemu/machine.ts";
import { firstDifference, runScript, type Trace } from "./support/engine-script.ts";

const has = (program: string) => spawnSync(program, ["--version"]).status === 0;
const isComplete = has("arm-none-eabi-gcc") && has("qemu-system-arm");
const suite = isComplete || process.env.CI ? describe : describe.skip;
const names = Object.keys(MACHINES) as MachineName[];
const SEED = 20_251_121;
const STEPS = 60;

suite(isComplete ? "firmware core" : "firmware core (run `npm run setup:firmware`)", () => {
  let wasm: Uint8Array;
  let expected: Trace;

  beforeAll(async () => {
    ({ wasm } = await buildCore({ STORE_FLASH: 1 }));
    expected = runScript(v8, wasm, SEED, STEPS);
  });

  it("firmware core: the script makes the core say something of all", () => {
    for (const what of ["publish ", "report ", "observe ", "twin ", "answer "]) {
      expect(expected.lines.filter((line) => line.startsWith(what)).length).toBeGreaterThan(0);
    }
    expect(expected.flash).not.toMatch(/^(ff)*$/);
  });

  for (const backend of ["wasm3", "aot"] as const) {
    it.each(names)(`firmware core: %s with ${backend} equals v8`, (name) => {
      const engine = qemuEngine(name, backend);
      try {
        expect(firstDifference(runScript(engine, wasm, SEED, STEPS), expected)).toBeUndefined();
      } finally {
        engine.close();
      }
    });

    it(`firmware core: wrong use under ${backend} is refused`, () => {
      const engine = qemuEngine("mps2-an386", backend);
      const imports = { publish: () => 0, report: () => 0, flash_erase: () => 0 };
      const flash = { flash_read: () => 0, flash_program: () => 0 };
      try {
        const core = engine(wasm, { ...imports, ...flash });
        new Uint8Array(core.memory, core.exports.input_address(), abi.INPUT_BYTES).fill(0xff);
        expect(core.exports.start(1, 0, 0)).toBe(abi.E_BAD_RECORD);
        expect(core.exports.poll(0, 0)).toBe(abi.E_NOT_STARTED);
      } finally {
        engine.close();
      }
    });
  }

  it("firmware core: memory beyond the core's is refused, and a core without a slot", () => {
    const { elfPath } = buildFirmware("mps2-an386", { kind: "aot", wasm, memoryBytes: 65_536 });
    const options = { memoryBytes: 0, stackBytes: 0, publish: () => {}, report: () => {} };
    const link = openLink(startMachine({ machine: "mps2-an386", elfPath }));
    try {
      const core = openRemoteCore(link, options);
      expect(() => core.readMemory(65_535, 2)).toThrow("status 2");
      expect(() => core.writeMemory(65_536, Uint8Array.of(1))).toThrow("status 2");
    } finally {
      link.close();
    }
    const empty = buildFirmware("mps2-an386", { kind: "wasm3" });
    const other = openLink(startMachine({ machine: "mps2-an386", elfPath: empty.elfPath }));
    try {
      expect(() => openRemoteCore(other, options)).toThrow("no slot holds a core that runs");
    } finally {
      other.close();
    }
  });
});
