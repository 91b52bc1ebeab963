/** Bit flips, any bytes at all, wear, and flash that fails. */
import { beforeAll, describe, expect, it } from "vitest";
import { E_FLASH } from "../assembly/abi.ts";
import { createFlash, type Flash, PowerCutError } from "../host/flash.ts";
import { type Geometry, HIGH, LOW, startStore } from "./support/store-board.ts";
import { buildStore } from "./support/store-core.ts";
import {
  checkSum,
  copyFlash,
  createRandom,
  createWorkload,
  drain,
  record,
} from "./support/store-workload.ts";

const IS_LONG = process.env.STORE_CUTS === "long";
const GEOMETRIES: readonly Geometry[] = [
  { sectorBytes: 1024, sectors: 4, unitBytes: 1 },
  { sectorBytes: 2048, sectors: 6, unitBytes: 8 },
  { sectorBytes: 4096, sectors: 4, unitBytes: 32 },
];

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await WebAssembly.compile(await buildStore({ STORE_FLASH: 1 }));
}, 60_000);

it("store: has dropped no fewer events when one behind a gap is cut off", () => {
  const geometry: Geometry = { sectorBytes: 1024, sectors: 4, unitBytes: 32 };
  const flash = createFlash({ ...geometry, seed: 1 });
  let last = { before: flash.snapshot(), address: 0, data: new Uint8Array() };
  const program = {
    value: (address: number, data: Uint8Array) => {
      last = { before: flash.snapshot(), address, data: data.slice() };
      return flash.program(address, data);
    },
  };
  const board = startStore(module, geometry, Object.create(flash, { program }), 1);
  board.append(LOW, "a".repeat(400));
  board.append(LOW, "b".repeat(200));
  board.send(LOW); // In flight: its sector is not given up for what comes.
  for (let i = 0; board.store.droppedCount(HIGH) === 0; i++) {
    board.append(HIGH, `high ${i} ${"x".repeat(40)}`);
  }
  board.append(LOW, "c".repeat(300)); // Has no room.
  expect(board.store.droppedCount(LOW)).toBe(1);
  board.append(LOW, "d");
  expect(Buffer.from(last.data).includes("d\n")).toBe(true);
  for (const part of ["none", "prefix", "bits", "whole"] as const) {
    for (let seed = 1; seed <= 20; seed++) {
      const torn = createFlash({ ...geometry, seed, cut: { operation: 0, part } });
      torn.restore(last.before);
      expect(() => torn.program(last.address, last.data)).toThrow(PowerCutError);
      const again = startStore(module, geometry, copyFlash(geometry, torn.snapshot()), 9);
      expect(again.store.droppedCount(LOW)).toBeGreaterThanOrEqual(1);
      checkSum(again);
    }
  }
});

it("store: goes on behind a place that can never be read, not behind one that can later", () => {
  const geometry: Geometry = { sectorBytes: 2048, sectors: 8, unitBytes: 8 };
  const flash = createFlash({ ...geometry, seed: 1 });
  let unreadable = -1;
  const read = {
    value: (at: number, to: Uint8Array) =>
      at <= unreadable && unreadable < at + to.length ? E_FLASH : flash.read(at, to),
  };
  const port: Flash = Object.create(flash, { read });
  const board = startStore(module, geometry, port, 3);
  const texts = (): string[] => board.send(HIGH).map(({ text }) => text);
  for (let i = 0; i < 6; i++) board.append(HIGH, `high ${i}`);
  unreadable = Buffer.from(flash.bytes).indexOf("high 0");
  expect([texts(), texts()]).toEqual([[], []]);
  unreadable = Buffer.from(flash.bytes).indexOf("high 2");
  expect(texts()).toEqual(["high 0", "high 1"]);
  board.acknowledge(HIGH); // Searches for the next one: the first time.
  expect([texts(), texts()]).toEqual([[], []]);
  expect(board.store.droppedCount(HIGH)).toBe(0);
  expect(texts()).toEqual(["high 3", "high 4", "high 5"]);
  board.acknowledge(HIGH);
  expect([board.store.droppedCount(HIGH), board.store.damagedCount()]).toEqual([1, 1]);
  checkSum(board);
  const again = startStore(module, geometry, port, 4);
  expect(again.store.storedCount(HIGH)).toBe(0);
  expect([again.store.droppedCount(HIGH), again.store.damagedCount()]).toEqual([1, 1]);
});

describe.each(GEOMETRIES)("$sectors × $sectorBytes B, unit $unitBytes B", (geometry) => {
  it("store: a damaged record is skipped and counted, never sent, at a flip of any bit", () => {
    const random = createRandom(geometry.unitBytes);
    const flash = createFlash({ ...geometry, seed: 1 });
    const board = startStore(module, geometry, flash, 9);
    const texts = [new Set<string>(), new Set<string>()];
    for (let i = 0; i < 24; i++) {
      const priority = i % 2;
      const text = `${i}/${"abc".repeat(random(8))}`;
      texts[priority]?.add(text);
      board.append(priority, text);
    }
    const whole = flash.snapshot();
    const isBlank = (from: number, to: number): boolean =>
      whole.bytes.subarray(from, to).every((byte) => byte === 0xff);
    let damaged = 0;
    for (let at = 0; at < flash.bytes.length; at++) {
      if (flash.bytes[at] === 0xff && random(16) !== 0) continue; // Mostly blank ones.
      const copy = copyFlash(geometry, whole);
      copy.flip(at, random(8));
      const again = startStore(module, geometry, copy, 10 + at);
      checkSum(again);
      const sent = drain(again);
      checkSum(again);
      const { store } = again;
      const dropped = store.droppedCount(HIGH) + store.droppedCount(LOW);
      for (const priority of [HIGH, LOW] as const) {
        for (const text of sent[priority].values()) {
          if (!texts[priority]?.has(text)) throw new Error(`byte ${at}: "${text}" is sent`);
        }
        const lost = 12 - sent[priority].size;
        if (lost > 1) throw new Error(`byte ${at}: ${lost} events are lost`);
        // A bit in blank flash looks like the beginning of an event that was cut off.
        const isBehind = isBlank(
          at,
          Math.ceil((at + 1) / geometry.sectorBytes) * geometry.sectorBytes,
        );
        if (isBehind && store.droppedCount(priority) <= 1) continue;
        if (lost !== store.droppedCount(priority)) {
          throw new Error(`byte ${at}: ${lost} lost, ${store.droppedCount(priority)} counted`);
        }
      }
      if (store.damagedCount() > 0 && dropped === 0) throw new Error(`byte ${at}: not counted`);
      damaged += store.damagedCount();
      // What was found is written down once.
      const third = startStore(module, geometry, copyFlash(geometry, copy.snapshot()), 11 + at);
      expect(third.store.damagedCount()).toBe(store.damagedCount());
      expect(drain(third)).toEqual([new Map(), new Map()]);
    }
    expect(damaged).toBeGreaterThan(300);
  }, 60_000);

  it("store: ends a message at a damaged record and goes on behind it while it runs", () => {
    const flash = createFlash({ ...geometry, seed: 1 });
    const board = startStore(module, geometry, flash, 9);
    for (let i = 0; i < 6; i++) board.append(HIGH, `event ${i}`);
    const at = Buffer.from(flash.bytes).indexOf("event 3");
    flash.flip(at, 0);
    expect(board.send(HIGH).map(({ text }) => text)).toEqual(["event 0", "event 1", "event 2"]);
    board.acknowledge(HIGH);
    expect(board.store.storedCount(HIGH)).toBe(2);
    expect(board.send(HIGH)).toEqual([
      { sequence: 4, text: "event 4" },
      { sequence: 5, text: "event 5" },
    ]);
    board.acknowledge(HIGH);
    checkSum(board);
    expect(board.store.damagedCount()).toBe(1);
    expect(board.store.droppedCount(HIGH)).toBe(1);
    expect(board.store.deliveredCount(HIGH)).toBe(5);
  });

  it("store: goes on behind a record that is damaged after it was found to be the next", () => {
    const flash = createFlash({ ...geometry, seed: 1 });
    const board = startStore(module, geometry, flash, 9);
    for (let i = 0; i < 3; i++) board.append(HIGH, `event ${i}`);
    expect(board.store.canSend(HIGH)).toBe(1);
    flash.flip(Buffer.from(flash.bytes).indexOf("event 0"), 0);
    expect(board.send(HIGH)).toEqual([]);
    board.fail(HIGH);
    expect(board.send(HIGH).map(({ text }) => text)).toEqual(["event 1", "event 2"]);
    board.acknowledge(HIGH);
    expect(board.store.canSend(HIGH)).toBe(0);
    expect([board.store.damagedCount(), board.store.droppedCount(HIGH)]).toEqual([1, 1]);
    checkSum(board);
  });

  it("store: starts and goes on at any bytes, random and half random", () => {
    const random = createRandom(77 + geometry.unitBytes);
    const workload = createWorkload(random, 120, 400);
    const { flash } = record(module, geometry, workload, false);
    for (let round = 0; round < (IS_LONG ? 5000 : 250); round++) {
      const copy = copyFlash(geometry, flash.snapshot());
      const flips = round % 3 === 0 ? 0 : 1 + random(200);
      if (flips === 0) copy.bytes.set(copy.bytes.map(() => random(256)));
      for (let i = 0; i < flips; i++) copy.flip(random(copy.bytes.length), random(8));
      const board = startStore(module, geometry, copy, round);
      checkSum(board);
      drain(board);
      checkSum(board);
      board.append(HIGH, "high");
      board.append(LOW, "low");
      const sent = drain(board);
      expect([...sent[HIGH].values(), ...sent[LOW].values()]).toEqual(["high", "low"]);
      checkSum(board);
    }
  }, 600_000);

  it("store: wears its sectors alike, two erases apart at most", () => {
    const flash = createFlash({ ...geometry, seed: 1 });
    let board = startStore(module, geometry, flash, 9);
    for (let i = 0; i < 6000; i++) {
      board.append(i % 3 ? LOW : HIGH, `event ${i} ${"x".repeat(i % 90)}`);
      if (i % 12 === 0) drain(board);
      if (i % 500 === 0) board = startStore(module, geometry, flash, i);
    }
    const least = Math.min(...flash.wear);
    expect(least).toBeGreaterThan(20);
    expect(Math.max(...flash.wear) - least).toBeLessThanOrEqual(2);
  }, 60_000);

  it("store: erases no blank sector, and uses none that an erase has left as it was", () => {
    const flash = createFlash({ ...geometry, seed: 1 });
    const erase = { value: (at: number) => (at === geometry.sectorBytes ? 0 : flash.erase(at)) };
    const board = startStore(module, geometry, Object.create(flash, { erase }), 9);
    for (let i = 0; i < 300; i++) {
      board.append(i % 2, `event ${i} ${"x".repeat(i % 90)}`);
      board.poll(100);
      if (i % 2) drain(board);
      checkSum(board);
      if (i === 5) expect([...flash.wear].join("")).toMatch(/^0+$/);
    }
    expect(flash.wear[2]).toBeGreaterThan(0);
    expect(board.store.droppedCount(HIGH) + board.store.droppedCount(LOW)).toBe(0);
  });

  it("store: goes on with three sectors when one fails, and in memory when all do", () => {
    const flash = createFlash({ ...geometry, seed: 1 });
    const used: Geometry = { ...geometry, sectors: 4 };
    const board = startStore(module, used, flash, 9);
    const epoch = board.store.storeEpoch();
    flash.broken.add(2);
    for (let i = 0; i < 300; i++) {
      board.append(i % 2, `event ${i} ${"x".repeat(i % 90)}`);
      board.poll(100);
      if (i % 2) drain(board);
      checkSum(board);
    }
    expect(board.store.droppedCount(HIGH) + board.store.droppedCount(LOW)).toBe(0);
    expect(board.store.storeEpoch()).toBe(epoch);
    for (let i = 0; i < 4; i++) flash.broken.add(i);
    for (let i = 0; i < 200; i++) {
      board.append(i % 2, `late ${i} ${"x".repeat(i % 90)}`);
      board.poll(100);
    }
    checkSum(board);
    expect(board.store.storeEpoch()).not.toBe(epoch);
    const late = drain(board);
    expect([...late[HIGH].values()].at(-1)).toMatch(/^late 198 /);
    checkSum(board);
  });
});
