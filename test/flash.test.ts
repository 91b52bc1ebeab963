/** The NOR flash model: what it forbids and what it leaves behind. */
import { describe, expect, it } from "vitest";
import { E_FLASH, OK, PENDING } from "../assembly/abi.ts";
import { createFlash, type FlashOptions, PowerCutError } from "../host/flash.ts";

const GEOMETRY = { sectorBytes: 256, sectors: 4, unitBytes: 8, seed: 7 } as const;

function contents(options: Partial<FlashOptions> = {}) {
  const flash = createFlash({ ...GEOMETRY, ...options });
  return { flash, read: (at: number, bytes: number) => [...flash.bytes.subarray(at, at + bytes)] };
}

describe("flash: programs and erases", () => {
  it("flash: keeps what is programmed, and is ones before and after", () => {
    const { flash, read } = contents();
    expect(read(0, 8)).toEqual(Array(8).fill(0xff));
    expect(flash.program(8, new Uint8Array(8).fill(5))).toBe(OK);
    const target = new Uint8Array(9);
    expect(flash.read(8, target)).toBe(OK);
    expect([...target]).toEqual([...Array(8).fill(5), 0xff]);
    expect(flash.erase(0)).toBe(OK);
    expect(read(0, 256)).toEqual(Array(256).fill(0xff));
    expect([...flash.wear]).toEqual([1, 0, 0, 0]);
    expect(flash.operations).toBe(2);
  });

  it.each([
    [4, 8, "flash: program at 0x4, 8 B: not whole units"],
    [8, 4, "flash: program at 0x8, 4 B: not whole units"],
    [248, 16, "flash: program at 0xf8: over the end of a sector"],
    [1024, 8, "flash: program at 0x400: outside"],
  ])("flash: refuses a program at %i of %i B", (address, bytes, message) => {
    const { flash } = contents();
    expect(() => flash.program(address, new Uint8Array(bytes))).toThrow(message);
  });

  it("flash: refuses the second program of a unit, be it all ones", () => {
    const { flash } = contents();
    flash.program(16, new Uint8Array(16).fill(0xff));
    expect(() => flash.program(24, new Uint8Array(8))).toThrow("flash: 0x18 is programmed twice");
    flash.erase(0);
    expect(flash.program(24, new Uint8Array(8))).toBe(OK);
  });

  it("flash: refuses an erase that does not begin a sector", () => {
    expect(() => contents().flash.erase(8)).toThrow("flash: erase at 0x8: no sector begins there");
  });

  it("flash: answers E_FLASH without effect for a broken sector", () => {
    const { flash, read } = contents();
    flash.broken.add(1);
    expect(flash.program(256, new Uint8Array(8))).toBe(E_FLASH);
    expect(flash.erase(256)).toBe(E_FLASH);
    expect(read(256, 8)).toEqual(Array(8).fill(0xff));
  });
});

describe("flash: delayed operations", () => {
  it("flash: ends a program when it is completed", () => {
    const { flash, read } = contents({ isDelayed: true });
    expect(flash.program(0, new Uint8Array(8))).toBe(PENDING);
    expect(flash.isPending).toBe(true);
    expect(() => flash.erase(0)).toThrow("flash: erase at 0x0 while program of sector 0 goes on");
    expect(flash.complete()).toBe(OK);
    expect(read(0, 8)).toEqual(Array(8).fill(0));
  });

  it("flash: notices bytes that change while they are programmed", () => {
    const { flash } = contents({ isDelayed: true });
    const bytes = new Uint8Array(8);
    flash.program(0, bytes);
    bytes[3] = 1;
    expect(() => flash.complete()).toThrow("flash: bytes for 0x0 changed");
  });
});

describe("flash: power cuts", () => {
  it.each(["none", "prefix", "bits", "whole"] as const)("flash: leaves %s of a program", (part) => {
    const { flash, read } = contents({ cut: { operation: 1, part } });
    flash.program(0, new Uint8Array(8));
    expect(() => flash.program(64, new Uint8Array(64))).toThrow(PowerCutError);
    const left = read(64, 64);
    if (part === "none") expect(left).toEqual(Array(64).fill(0xff));
    if (part === "whole") expect(left).toEqual(Array(64).fill(0));
    if (part === "prefix") expect(left.join()).toMatch(/^(0,)*(255,)*(0|255)$/);
    if (part === "bits") expect(new Set(left).size).toBeGreaterThan(8);
  });

  it("flash: leaves a mixture of an erase, which must be erased again", () => {
    const { flash, read } = contents({ cut: { operation: 1, part: "bits" } });
    flash.program(0, new Uint8Array(256));
    expect(() => flash.erase(0)).toThrow(PowerCutError);
    expect(new Set(read(0, 256)).size).toBeGreaterThan(100);
    expect(() => flash.program(0, new Uint8Array(8))).toThrow("programmed");
    flash.erase(0);
    expect(flash.program(0, new Uint8Array(8))).toBe(OK);
    expect(flash.wear[0]).toBe(2);
  });

  it("flash: does the same for the same seed, and not for another", () => {
    const left = (seed: number): string => {
      const { flash, read } = contents({ seed, cut: { operation: 0, part: "bits" } });
      expect(() => flash.program(0, new Uint8Array(64))).toThrow(PowerCutError);
      return read(0, 64).join();
    };
    expect(left(1)).toBe(left(1));
    expect(left(1)).not.toBe(left(2));
  });
});

it("flash: a snapshot brings back contents, marks and wear", () => {
  const { flash } = contents();
  flash.erase(0);
  flash.program(0, new Uint8Array(8));
  const snapshot = flash.snapshot();
  flash.flip(1, 3);
  expect(flash.bytes[1]).toBe(8);
  const other = contents().flash;
  other.restore(snapshot);
  expect(other.bytes[1]).toBe(0);
  expect([...other.wear]).toEqual([1, 0, 0, 0]);
  expect(() => other.program(0, new Uint8Array(8))).toThrow("programmed twice");
});
