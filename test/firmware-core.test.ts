import { spawnSync } from "node:child_process";
import { beforeAll, describe, expect, it } from "vitest";
import * as abi from "../assembly/abi.ts";
import { buildCore } from "../boards/build.ts";
import { qemuEngine } from "../boards/engines.ts";
import { buildFirmware } from "../boards/firmware/build.ts";
import { MACHINES, type MachineName } from "../boards/firmware/machines.ts";
import { usedMemoryBytes } from "../host/engines/qemu.ts";
import { v8 } from "../host/engines/v8.ts";
import { createReceiver, openRemoteCore } from "../host/qemu/core.ts";
import { openLink } from "../host/qemu/link.ts";
import { startMachine } from "../host/qemu/machine.ts";
import {
  COMMAND_KIT_ACKNOWLEDGE,
  COMMAND_KIT_FLUSH,
  COMMAND_KIT_INIT,
  COMMAND_KIT_PACKETS,
  COMMAND_KIT_POLL,
  STORE_BOARD,
} from "../host/qemu/protocol.ts";
import { decodePicket } from "../wire/picket.ts";
import { firstDifference, runScript, type Trace } from "./support/engine-script.ts";
import { SYN, tcpPacket } from "./support/packets.ts";

const has = (program: string) => spawnSync(program, ["--version"]).status === 0;
const isComplete = has("arm-none-eabi-gcc") && has("qemu-system-arm");
const suite = isComplete || process.env.CI ? describe : describe.skip;
const names = Object.keys(MACHINES) as MachineName[];
const words = (...values: number[]) => new Uint8Array(Uint32Array.from(values).buffer);
/** PICKET_OUT of boards/glue/picket.h. */
const OUTBOUND = 0;
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

  it("firmware core: the kit takes packets and acknowledgements over the serial line", () => {
    const { elfPath } = buildFirmware("mps2-an386", {
      kind: "aot",
      wasm,
      memoryBytes: usedMemoryBytes(wasm),
    });
    const link = openLink(startMachine({ machine: "mps2-an386", elfPath }));
    const ids: number[] = [];
    const messages: Uint8Array[] = [];
    const onEvent = createReceiver((id, message) => {
      ids.push(id);
      messages.push(message);
    });
    try {
      expect(link.request(COMMAND_KIT_INIT, words(0, 0, STORE_BOARD), onEvent)).toEqual(words(0));
      const packet = tcpPacket({
        from: "10.0.0.2",
        fromPort: 5000,
        to: "10.0.0.9",
        toPort: 8883,
        flags: SYN,
      });
      const one = [words(packet.length), packet, new Uint8Array(-packet.length & 3)];
      link.request(COMMAND_KIT_PACKETS, Buffer.concat([words(OUTBOUND), ...one, ...one]));
      link.request(COMMAND_KIT_POLL, words(), onEvent);
      link.request(COMMAND_KIT_FLUSH, words(0), onEvent);
      for (let i = 0; i < 4; i++) {
        link.request(COMMAND_KIT_POLL, words(), onEvent);
        for (const id of ids.splice(0)) link.request(COMMAND_KIT_ACKNOWLEDGE, words(id));
      }
      const flows = messages.flatMap((bytes) => decodePicket(bytes).events);
      expect(JSON.stringify(flows)).toContain("10.0.0.9");
      expect(() => link.request(COMMAND_KIT_PACKETS, words(0, 99))).toThrow("status 2");
    } finally {
      link.close();
    }
  });

  it("firmware core: memory beyond the core's is refused, and a core without a slot", () => {
    const { elfPath } = buildFirmware("mps2-an386", { kind: "aot", wasm, memoryBytes: 65_536 });
    const options = { memoryBytes: 0, stackBytes: 0, publish: () => 0, report: () => 0 };
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
