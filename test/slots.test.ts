import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ABI_VERSION } from "../assembly/abi.ts";
import { buildCore } from "../boards/build.ts";
import { buildFirmware } from "../boards/firmware/build.ts";
import { MACHINES } from "../boards/firmware/machines.ts";
import { activeSlot, buildIdOf, encodeSlot, readSlot } from "../boards/slot.ts";
import * as layout from "../boards/slot-layout.ts";
import { type Info, openLink } from "../host/qemu/link.ts";
import { startMachine } from "../host/qemu/machine.ts";

const has = (program: string) => spawnSync(program, ["--version"]).status === 0;
const isComplete = has("arm-none-eabi-gcc") && has("qemu-system-arm");
const onBoard = isComplete || process.env.CI ? describe : describe.skip;
const SLOT_BYTES = 65_536;

/** A slot of a board, erased behind the image. */
function slotOf(image: Uint8Array): Uint8Array {
  const slot = new Uint8Array(SLOT_BYTES).fill(0xff);
  slot.set(image);
  return slot;
}

/** Puts the digest right again, as an attacker or another tool could. */
function seal(image: Uint8Array): Uint8Array {
  const head = image.subarray(0, layout.IMAGE_AT_DIGEST);
  const module = image.subarray(layout.IMAGE_HEAD_BYTES);
  image.set(createHash("sha256").update(head).update(module).digest(), layout.IMAGE_AT_DIGEST);
  return image;
}

function changed(image: Uint8Array, at: number, value: number): Uint8Array {
  const copy = image.slice();
  copy[at] = value;
  return copy;
}

describe("slots", () => {
  const wasm = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
  const image = encodeSlot(wasm, ABI_VERSION, 7);

  it("slots: an image comes back as it was made", () => {
    const found = readSlot(slotOf(image), ABI_VERSION);
    expect(found).toEqual({ abiVersion: ABI_VERSION, sequence: 7, buildId: buildIdOf(wasm), wasm });
  });

  it("slots: any changed byte of an image is found", () => {
    for (let at = 0; at < image.length; at++) {
      const damaged = changed(image, at, (image[at] ?? 0) ^ 1);
      expect(typeof readSlot(slotOf(damaged), ABI_VERSION)).toBe("number");
    }
  });

  it("slots: each fault has its own answer", () => {
    const read = (slot: Uint8Array) => readSlot(slot, ABI_VERSION);
    expect(read(slotOf(new Uint8Array()))).toBe(layout.IMAGE_EMPTY);
    expect(read(new Uint8Array(SLOT_BYTES))).toBe(layout.IMAGE_NO_MAGIC);
    expect(read(image.subarray(0, layout.IMAGE_HEAD_BYTES - 1))).toBe(layout.IMAGE_NO_MAGIC);
    const other = (at: number, value: number) => read(slotOf(seal(changed(image, at, value))));
    expect(other(layout.IMAGE_AT_FORMAT, 2)).toBe(layout.IMAGE_OTHER_FORMAT);
    expect(other(layout.IMAGE_AT_ABI, ABI_VERSION + 1)).toBe(layout.IMAGE_OTHER_ABI);
    expect(other(layout.IMAGE_AT_LENGTH + 3, 1)).toBe(layout.IMAGE_BAD_LENGTH);
    expect(read(slotOf(changed(image, 70, 0)))).toBe(layout.IMAGE_BAD_DIGEST);
    expect(read(image.subarray(0, image.length - 1))).toBe(layout.IMAGE_BAD_LENGTH);
  });

  it("slots: the later of two valid ones runs, also when the number has wrapped", () => {
    const at = (sequence: number) => readSlot(encodeSlot(wasm, ABI_VERSION, sequence), ABI_VERSION);
    expect(activeSlot([at(1), at(2)])).toBe(1);
    expect(activeSlot([at(2), at(1)])).toBe(0);
    expect(activeSlot([at(0), at(0xffff_ffff)])).toBe(0);
    expect(activeSlot([layout.IMAGE_EMPTY, at(1)])).toBe(1);
    expect(activeSlot([layout.IMAGE_EMPTY, layout.IMAGE_BAD_DIGEST])).toBe(-1);
  });
});

onBoard(isComplete ? "slots on a board" : "slots on a board (`npm run setup:firmware`)", () => {
  const machine = MACHINES["mps2-an386"];
  const directory = mkdtempSync(join(tmpdir(), "picket-slots-"));
  let one: Uint8Array;
  let two: Uint8Array;
  let elfPath: string;

  beforeAll(async () => {
    one = (await buildCore()).wasm;
    two = (await buildCore({ RING_SLOTS: 32 })).wasm;
    ({ elfPath } = buildFirmware("mps2-an386", { kind: "wasm3" }));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function boot(a: Uint8Array, b: Uint8Array): Info {
    const images = [a, b].map((slot, i) => {
      const path = join(directory, `${i}.bin`);
      writeFileSync(path, slot);
      return { path, address: machine.slots[i]?.origin ?? 0 };
    });
    const link = openLink(startMachine({ machine: machine.name, elfPath, images }));
    link.close();
    return link.info;
  }

  it("slots: the firmware runs the later one, and says which build it is", () => {
    const first = slotOf(encodeSlot(one, ABI_VERSION, 1));
    const second = slotOf(encodeSlot(two, ABI_VERSION, 2));
    expect(boot(first, second)).toMatchObject({ slot: 1, buildId: buildIdOf(two) });
    expect(boot(second, first)).toMatchObject({ slot: 0, buildId: buildIdOf(two) });
  });

  it("slots: a wrong digest, length or ABI makes the firmware fall back, as the tool expects", () => {
    const good = slotOf(encodeSlot(one, ABI_VERSION, 1));
    const image = encodeSlot(two, ABI_VERSION, 2);
    const last = image.length - 1;
    const bad = [
      changed(image, last, (image[last] ?? 0) ^ 1),
      changed(image, layout.IMAGE_AT_SEQUENCE, 9),
      changed(image, layout.IMAGE_AT_DIGEST, (image[layout.IMAGE_AT_DIGEST] ?? 0) ^ 1),
      seal(changed(image, layout.IMAGE_AT_ABI, ABI_VERSION + 1)),
      seal(changed(image, layout.IMAGE_AT_LENGTH + 3, 0xff)),
      seal(changed(image, layout.IMAGE_AT_FORMAT, 9)),
      changed(image, 0, 0),
      new Uint8Array(0),
    ].map(slotOf);
    for (const slot of bad) {
      const info = boot(good, slot);
      expect(info).toMatchObject({ slot: 0, buildId: buildIdOf(one) });
      expect(info.slotsFound).toEqual([layout.IMAGE_VALID, readSlot(slot, ABI_VERSION)]);
    }
    expect(boot(bad[0] as Uint8Array, bad[3] as Uint8Array).slot).toBeUndefined();
  });
});
