import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { available, load } from "wasm3-node";
import * as abi from "../assembly/abi.ts";
import { buildCore } from "../boards/build.ts";
import { type Backend, buildFirmware } from "../boards/firmware/build.ts";
import { MACHINES, type MachineName } from "../boards/firmware/machines.ts";
import type { CoreExports } from "../host/engines/engine.ts";
import { v8 } from "../host/engines/v8.ts";
import { openRemoteCore } from "../host/qemu/core.ts";
import { openLink } from "../host/qemu/link.ts";
import { startMachine } from "../host/qemu/machine.ts";

const has = (program: string) => spawnSync(program, ["--version"]).status === 0;
const isComplete = has("arm-none-eabi-gcc") && has("qemu-system-arm") && available;
const suite = isComplete || process.env.CI ? describe : describe.skip;
const names = Object.keys(MACHINES) as MachineName[];
const WASM3_STACK_BYTES = 2048;

/** A core on any engine, as far as this comparison needs it. */
interface Driver {
  call(name: keyof CoreExports, ...values: number[]): number;
  read(address: number, bytes: number): Uint8Array;
  write(address: number, bytes: Uint8Array): void;
  close(): void;
}

type Publish = (id: number, part: Uint8Array, more: boolean) => void;

function onMemory(
  exports: Readonly<Record<string, (...values: number[]) => unknown>>,
  memory: ArrayBuffer,
  close: () => void,
): Driver {
  const bytes = new Uint8Array(memory);
  return {
    close,
    call: (name, ...values) => exports[name]?.(...values) as number,
    read: (address, count) => bytes.slice(address, address + count),
    write: (address, data) => bytes.set(data, address),
  };
}

/** One TCP packet over IPv4 of `bytes` bytes, of which the headers are there. */
function makePacket(port: number, bytes: number): Uint8Array {
  const packet = Buffer.alloc(40);
  packet.set([0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6]);
  packet.writeUInt16BE(bytes, 2);
  packet.set([10, 0, 0, 2, 10, 0, 0, 9], 12);
  packet.writeUInt16BE(49_152 + port, 20);
  packet.writeUInt16BE(8883, 22);
  packet.set([0x50, 0x10], 32);
  return packet;
}

/** Starts, offers packets of more flows than slots are free, sends, acknowledges. */
function runScript(core: Driver): Uint8Array {
  const input = core.call("input_address");
  const start = new DataView(new ArrayBuffer(abi.START_BYTES));
  for (let i = 0; i < 8; i++) start.setUint8(abi.START_AGENT_ID + i, 17 * i);
  start.setUint32(abi.START_SEED, 777, true);
  start.setUint32(abi.START_HIGH_INTERVAL_S, 5, true);
  start.setUint32(abi.START_LOW_INTERVAL_S, 9, true);
  core.write(input, new Uint8Array(start.buffer));
  expect(core.call("start", abi.START_BYTES, 1000, 1_700_000_000)).toBe(abi.OK);
  const ring = core.call("ring_address");
  const header = new DataView(core.read(ring, abi.RING_SLOTS).buffer);
  const slots = header.getUint16(abi.RING_SLOTS_COUNT, true);
  const slotBytes = header.getUint16(abi.RING_HEAD_BYTES_MAX, true) + abi.SLOT_HEAD;
  const reserved = new DataView(new ArrayBuffer(4));

  for (let round = 0; round < 12; round++) {
    const block = new DataView(new ArrayBuffer(slots * slotBytes));
    for (let i = 0; i < slots; i++) {
      const packet = makePacket((round * 7 + i * 3) % 100, 60 + i);
      const word = ((60 + i) << 16) | (packet.length << abi.SLOT_HEAD_SHIFT) | abi.SLOT_READY;
      block.setUint32(i * slotBytes, word | (i % 3 === 0 ? abi.SLOT_IN : 0), true);
      new Uint8Array(block.buffer).set(packet, i * slotBytes + abi.SLOT_HEAD);
    }
    core.write(ring + abi.RING_SLOTS, new Uint8Array(block.buffer));
    reserved.setUint32(0, (round + 1) * slots, true);
    core.write(ring + abi.RING_RESERVED, new Uint8Array(reserved.buffer));
    expect(core.call("poll", 2000 + round * 1000, 1_700_000_000 + round)).toBeGreaterThanOrEqual(0);
    if (round % 4 === 3) core.call("flush", round % 2);
  }
  core.call("poll", 20_000, 0);
  return core.read(0, core.call("memory_bytes"));
}

suite(isComplete ? "firmware core" : "firmware core (run `npm run setup:firmware`)", () => {
  const directory = mkdtempSync(join(tmpdir(), "picket-core-test-"));
  const wasmPath = join(directory, "core.wasm");
  let wasm: Uint8Array;
  let memoryBytes = 0;
  let expected: { messages: string[]; memory: Uint8Array };

  function run(open: (publish: Publish) => Driver): typeof expected {
    const messages = new Map<number, string>();
    const done: string[] = [];
    const core = open((id, part, more) => {
      const text = (messages.get(id) ?? "") + Buffer.from(part).toString("hex");
      messages.set(id, text);
      if (more) return;
      done.push(`${id}: ${text}`);
      messages.delete(id);
    });
    try {
      return { memory: runScript(core), messages: done };
    } finally {
      core.close();
    }
  }

  beforeAll(async () => {
    ({ wasm } = await buildCore());
    writeFileSync(wasmPath, wasm);
    expected = run((publish) => {
      let memory = new Uint8Array();
      const core = v8(wasm, {
        publish(id, pointer, bytes, more) {
          publish(id, memory.slice(pointer, pointer + bytes), more !== 0);
          return abi.OK;
        },
        report: () => abi.OK,
        flash_read: () => abi.E_FLASH,
        flash_program: () => abi.E_FLASH,
        flash_erase: () => abi.E_FLASH,
      });
      memory = new Uint8Array(core.memory);
      memoryBytes = Math.ceil(core.exports.memory_bytes() / 8) * 8;
      return onMemory({ ...core.exports }, core.memory, () => {});
    });
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function onBoard(name: MachineName, backend: Backend, publish: Publish): Driver {
    const { elfPath, machine } = buildFirmware(name, backend);
    const images = [{ path: wasmPath, address: machine.slots[0].origin }];
    const link = openLink(startMachine({ machine: name, elfPath, images }));
    const core = openRemoteCore(link, {
      wasmBytes: backend.kind === "wasm3" ? wasm.length : 0,
      memoryBytes,
      stackBytes: WASM3_STACK_BYTES,
      publish,
    });
    return {
      close: link.close,
      call: (export_, ...values) => core.call(export_, ...values).result,
      read: core.readMemory,
      write: core.writeMemory,
    };
  }

  it("firmware core: the script makes the core send", () => {
    expect(expected.messages.length).toBeGreaterThan(1);
    expect(new Set(expected.messages).size).toBe(expected.messages.length);
  });

  it("firmware core: wasm3 under Node equals v8, with no byte more than the core says", () => {
    const found = run((publish) => {
      const instance = load(wasm, {
        memoryBytes,
        stackBytes: WASM3_STACK_BYTES,
        imports: {
          host: {
            publish(id: number, pointer: number, bytes: number, more: number) {
              publish(id, new Uint8Array(instance.memory).slice(pointer, pointer + bytes), !!more);
              return abi.OK;
            },
          },
        },
      });
      return onMemory(instance.exports, instance.memory, instance.dispose);
    });
    expect(found).toEqual(expected);
  });

  it.each(names)("firmware core: %s with wasm3 equals v8", (name) => {
    expect(run((publish) => onBoard(name, { kind: "wasm3" }, publish))).toEqual(expected);
  });

  it.each(names)("firmware core: %s ahead of time equals v8", (name) => {
    const backend: Backend = { kind: "aot", wasm, memoryBytes };
    expect(run((publish) => onBoard(name, backend, publish))).toEqual(expected);
  });

  it.each(["wasm3", "aot"] as const)("firmware core: wrong use under %s is refused", (kind) => {
    const backend: Backend = kind === "aot" ? { kind, wasm, memoryBytes } : { kind };
    const core = onBoard("mps2-an386", backend, () => {});
    try {
      core.write(core.call("input_address"), new Uint8Array(abi.INPUT_BYTES).fill(0xff));
      expect(core.call("start", 1, 0, 0)).toBe(abi.E_BAD_RECORD);
      expect(core.call("poll", 0, 0)).toBe(abi.E_NOT_STARTED);
      expect(() => core.read(memoryBytes - 1, 2)).toThrow("status 2");
      expect(() => core.write(memoryBytes, Uint8Array.of(1))).toThrow("status 2");
    } finally {
      core.close();
    }
  });
});
