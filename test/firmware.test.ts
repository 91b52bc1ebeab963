import { execFileSync, spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { buildFirmware } from "../boards/firmware/build.ts";
import { MACHINES, type MachineName } from "../boards/firmware/machines.ts";
import { createFrameReader, encodeFrame, type Frame } from "../host/qemu/frame.ts";
import { type Link, openLink } from "../host/qemu/link.ts";
import { type SerialLine, startMachine } from "../host/qemu/machine.ts";
import {
  COMMAND_ECHO,
  COMMAND_FAULT,
  COMMAND_TICKS,
  DATA_BYTES_MAX,
  FAULT_BAD_ADDRESS,
  FAULT_STACK,
  KIND_REQUEST,
} from "../host/qemu/protocol.ts";

const FIRMWARE = fileURLToPath(new URL("../boards/firmware", import.meta.url));
const has = (program: string) => spawnSync(program, ["--version"]).status === 0;
const isComplete = has("arm-none-eabi-gcc") && has("qemu-system-arm");
const suite = isComplete || process.env.CI ? describe : describe.skip;
const title = isComplete ? "firmware" : "firmware (run `npm run setup:firmware`)";
const names = Object.keys(MACHINES) as MachineName[];

function readAll(bytes: Iterable<number>): { frames: Frame[]; damaged: number } {
  const reader = createFrameReader();
  const frames: Frame[] = [];
  for (const byte of bytes) {
    const frame = reader.push(byte);
    if (frame !== undefined) frames.push(frame);
  }
  return { frames, damaged: reader.damaged() };
}

const anyFrame = fc.record({
  kind: fc.integer({ min: 0, max: 255 }),
  sequence: fc.integer({ min: 0, max: 255 }),
  code: fc.integer({ min: 0, max: 65_535 }),
  data: fc.uint8Array({ maxLength: 300 }),
});

describe("frame", () => {
  it("frame: every frame comes back as it was, after any noise", () => {
    const noise = fc.uint8Array({ maxLength: 50 });
    fc.assert(
      fc.property(fc.array(fc.tuple(noise, anyFrame), { maxLength: 5 }), (items) => {
        const bytes = items.flatMap(([before, frame]) => [...before, ...encodeFrame(frame)]);
        expect(readAll(bytes).frames.slice(-items.length)).toEqual(items.map(([, frame]) => frame));
      }),
    );
  });

  it("frame: one changed byte loses that frame, is counted, and no other is lost", () => {
    fc.assert(
      fc.property(anyFrame, fc.nat(), fc.integer({ min: 1, max: 255 }), (frame, at, change) => {
        const bytes = encodeFrame(frame);
        const index = 1 + (at % (bytes.length - 2)); // Not the ends that part frames.
        bytes[index] = (bytes[index] ?? 0) ^ change;
        const { frames, damaged } = readAll([...bytes, ...encodeFrame(frame)]);
        expect(frames).toEqual([frame]);
        expect(damaged).toBeGreaterThan(0);
      }),
    );
  });

  it("frame: holds DATA_BYTES_MAX bytes and refuses one more", () => {
    const frame = (length: number) => ({
      kind: 1,
      sequence: 2,
      code: 3,
      data: new Uint8Array(length).fill(0xc0),
    });
    const most = frame(DATA_BYTES_MAX);
    expect(readAll(encodeFrame(most)).frames).toEqual([most]);
    expect(() => encodeFrame(frame(DATA_BYTES_MAX + 1))).toThrow("do not fit a frame");
  });
});

suite(title, () => {
  const open: { close(): void }[] = [];
  afterEach(() => {
    for (const it of open.splice(0)) it.close();
  });

  function start(name: MachineName, tap?: (line: SerialLine) => void): Link {
    const { elfPath } = buildFirmware(name, { kind: "wasm3" });
    const line = startMachine({ machine: name, elfPath });
    tap?.(line);
    const link = openLink(line);
    open.push(link);
    return link;
  }

  const ticks = (link: Link) => {
    const data = link.request(COMMAND_TICKS);
    const view = new DataView(data.buffer, data.byteOffset);
    return { ticks: view.getUint32(0, true), damaged: view.getUint32(4, true) };
  };

  it.each(names)("firmware: %s boots and echoes every byte value", (name) => {
    const link = start(name);
    expect(link.info).toMatchObject({ board: name, clockHz: MACHINES[name].clockHz });
    const data = Uint8Array.from({ length: DATA_BYTES_MAX }, (_, i) => i & 255);
    expect(link.request(COMMAND_ECHO, data)).toEqual(data);
    expect(link.request(COMMAND_ECHO)).toEqual(new Uint8Array());
    expect(() => link.request(0xffff)).toThrow("refused with status 1");
  });

  it("firmware: drops damaged frames, counts them and goes on", () => {
    let serial: SerialLine | undefined;
    const link = start("mps2-an386", (line) => {
      serial = line;
    });
    const good = encodeFrame({ kind: KIND_REQUEST, sequence: 9, code: 2, data: Uint8Array.of(1) });
    const damaged = Uint8Array.from(good);
    damaged[6] = (damaged[6] ?? 0) ^ 1;
    const tooLong = new Uint8Array(5000).fill(7);
    serial?.write(Uint8Array.from([...damaged, ...tooLong, 0xc0, 0xdb, 0, 0xc0]));
    expect(ticks(link).damaged).toBe(3);
    expect(link.request(COMMAND_ECHO, Uint8Array.of(5))).toEqual(Uint8Array.of(5));
  });

  it("firmware: a request that comes again is answered alike and not done again", () => {
    let serial: SerialLine | undefined;
    const link = start("mps2-an386", (line) => {
      serial = line;
    });
    const same = encodeFrame({
      kind: KIND_REQUEST,
      sequence: 200,
      code: COMMAND_TICKS,
      data: new Uint8Array(),
    });
    const answers: Frame[] = [];
    const reader = createFrameReader();
    for (const bytes of [same, same]) serial?.write(bytes);
    while (answers.length < 2) {
      for (const byte of serial?.read(5000) ?? []) {
        const frame = reader.push(byte);
        if (frame !== undefined) answers.push(frame);
      }
    }
    expect(answers[1]).toEqual(answers[0]);
    expect(ticks(link).ticks).toBeGreaterThan(0);
  });

  it("firmware: the timer counts on", () => {
    const link = start("mps2-an386");
    const before = ticks(link).ticks;
    link.request(COMMAND_ECHO, new Uint8Array(200));
    expect(ticks(link).ticks).toBeGreaterThan(before);
  });

  it.each(names)("firmware: %s reports a fault and a stack that is used up", (name) => {
    for (const what of [FAULT_BAD_ADDRESS, FAULT_STACK]) {
      const link = start(name);
      const data = Uint8Array.of(what, 0, 0, 0);
      expect(() => link.request(COMMAND_FAULT, data)).toThrow(/^firmware: fault at 0x/);
      link.close();
    }
  });

  it("firmware: what is not tied to a board compiles without warnings under clang", () => {
    if (!has("clang")) return;
    const { elfPath } = buildFirmware("mps2-an386", { kind: "wasm3" }); // Brings the generated headers.
    const flags = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsyntax-only"];
    const includes = ["-I", FIRMWARE, "-I", dirname(elfPath)];
    for (const name of ["commands.c", "frame.c", "session.c"]) {
      execFileSync("clang", [...flags, ...includes, join(FIRMWARE, name)]);
    }
  });
});
