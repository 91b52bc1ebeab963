/** The message store in flash: what survives, what is given up, what flash may do. */
import { beforeAll, describe, expect, it } from "vitest";
import { E_BAD_RECORD, OK } from "../assembly/abi.ts";
import { createFlash } from "../host/flash.ts";
import { type Geometry, HIGH, LOW, type StoreBoard, startStore } from "./support/store-board.ts";
import { buildStore } from "./support/store-core.ts";
import { checkSum, copyFlash, countersOf, drain } from "./support/store-workload.ts";

const GEOMETRY: Geometry = { sectorBytes: 2048, sectors: 6, unitBytes: 8 };

let flashModule: WebAssembly.Module;

beforeAll(async () => {
  flashModule = await WebAssembly.compile(await buildStore({ STORE_FLASH: 1 }));
}, 60_000);

describe("in flash", () => {
  const start = (flash = createFlash({ ...GEOMETRY, seed: 1 }), seed = 1): StoreBoard =>
    startStore(flashModule, GEOMETRY, flash, seed);

  it.each<[Geometry, number]>([
    [{ sectorBytes: 2048, sectors: 3, unitBytes: 8 }, E_BAD_RECORD],
    [{ sectorBytes: 2048, sectors: 4, unitBytes: 8 }, OK],
    [{ sectorBytes: 2048, sectors: 4, unitBytes: 0 }, E_BAD_RECORD],
    [{ sectorBytes: 2048, sectors: 4, unitBytes: 12 }, E_BAD_RECORD],
    [{ sectorBytes: 2048, sectors: 4, unitBytes: 32 }, OK],
    [{ sectorBytes: 2048, sectors: 4, unitBytes: 64 }, E_BAD_RECORD],
    [{ sectorBytes: 2052, sectors: 4, unitBytes: 8 }, E_BAD_RECORD],
    [{ sectorBytes: 721, sectors: 4, unitBytes: 1 }, E_BAD_RECORD],
    [{ sectorBytes: 722, sectors: 4, unitBytes: 1 }, OK],
    [{ sectorBytes: 0, sectors: 4, unitBytes: 1 }, E_BAD_RECORD],
    [{ sectorBytes: 0xfffffff8, sectors: 65535, unitBytes: 8 }, E_BAD_RECORD],
  ])("store: answers to the geometry %j", (geometry, result) => {
    const size = result === OK ? geometry : GEOMETRY;
    const flash = createFlash({ ...size, seed: 1 });
    expect(startStore(flashModule, geometry, flash, 1).mounted).toBe(result);
  });

  it("store: brings events, numbers, counters and epoch through a restart", () => {
    const flash = createFlash({ ...GEOMETRY, seed: 1 });
    let board = start(flash, 5);
    const epoch = board.store.storeEpoch();
    for (let i = 0; i < 20; i++) board.append(i % 2, `event ${i}`);
    board.send(LOW, 60);
    board.acknowledge(LOW);
    const before = [countersOf(board, HIGH), countersOf(board, LOW)];
    for (let boots = 2; boots < 60; boots++) {
      board = start(flash, 100 + boots);
      expect(board.store.bootCount()).toBe(boots);
      expect(board.store.storeEpoch()).toBe(epoch);
      expect([countersOf(board, HIGH), countersOf(board, LOW)]).toEqual(before);
    }
    expect(board.send(LOW)[0]).toEqual({ sequence: 4, text: "event 9" });
    board.append(HIGH, "new");
    expect(board.send(HIGH).at(-1)).toEqual({ sequence: 10, text: "new" });
  });

  it("store: sends what is in flight at a restart again", () => {
    const flash = createFlash({ ...GEOMETRY, seed: 1 });
    const board = start(flash);
    for (let i = 0; i < 5; i++) board.append(HIGH, `event ${i}`);
    const sent = board.send(HIGH);
    expect(start(flash).send(HIGH)).toEqual(sent);
  });

  it("store: gives up the oldest low sector when full, and no high one for a low event", () => {
    const board = start();
    for (let i = 0; i < 400; i++) board.append(LOW, `low ${i} ${"x".repeat(40)}`);
    const low = countersOf(board, LOW);
    expect(low.dropped).toBeGreaterThan(0);
    expect(low.stored).toBeGreaterThan(90);
    expect(board.store.firstSequence(LOW)).toBe(low.dropped);
    for (let i = 0; i < 100; i++) board.append(HIGH, `high ${i} ${"x".repeat(40)}`);
    expect(countersOf(board, HIGH).dropped).toBe(0);
    expect(countersOf(board, LOW).dropped).toBeGreaterThan(low.dropped);
    for (let i = 0; i < 400; i++) board.append(HIGH, `high ${i} ${"x".repeat(40)}`);
    expect(countersOf(board, LOW).stored).toBe(0);
    const high = countersOf(board, HIGH).dropped;
    for (let i = 0; i < 50; i++) board.append(LOW, `late ${i}`);
    expect(countersOf(board, HIGH).dropped).toBe(high);
    checkSum(board);
    expect(drain(board)[HIGH].size).toBe(500 - high);
  });

  it("store: gives up its only low sector when all the others are full of high events", () => {
    const geometry: Geometry = { sectorBytes: 1024, sectors: 4, unitBytes: 8 };
    const flash = createFlash({ ...geometry, seed: 1 });
    let board = startStore(flashModule, geometry, flash, 1);
    const text = (name: string, i: number): string => `${name} ${i} ${"x".repeat(40)}`;
    for (let i = 0; i < 10; i++) board.append(LOW, text("low", i));
    board.send(LOW); // Is not dropped while it is in flight.
    for (let i = 0; board.store.droppedCount(HIGH) === 0; i++) board.append(HIGH, text("high", i));
    for (let i = 0; i < 11; i++) board.append(HIGH, text("more", i));
    // Each start takes of the room that the sectors have for counters.
    for (let i = 0; i < 10; i++) board = startStore(flashModule, geometry, flash, 2 + i);
    const high = countersOf(board, HIGH);
    for (let i = 0; i < 10; i++) board.append(LOW, text("late", i));
    expect(countersOf(board, HIGH)).toEqual(high);
    expect(countersOf(board, LOW)).toMatchObject({ collected: 20, dropped: 10, stored: 10 });
    board = startStore(flashModule, geometry, flash, 20);
    const late = [...Array(10).keys()].map((i) => text("late", i));
    expect([...drain(board)[LOW].values()]).toEqual(late);
    checkSum(board);
  });

  it("store: keeps the sector of what is in flight", () => {
    const board = start();
    for (let i = 0; i < 20; i++) board.append(LOW, `low ${i} ${"x".repeat(40)}`);
    const sent = board.send(LOW, 400);
    for (let i = 20; i < 500; i++) board.append(LOW, `low ${i} ${"x".repeat(40)}`);
    expect(board.store.droppedCount(LOW)).toBeGreaterThan(0);
    board.fail(LOW);
    expect(board.send(LOW, 400)).toEqual(sent);
    board.acknowledge(LOW);
    checkSum(board);
    const rest = drain(board)[LOW];
    expect(rest.has(sent.length)).toBe(true);
    expect(rest.has(499)).toBe(true);
  });

  it("store: obeys a cache limit in whole sectors, two at least", () => {
    const board = start();
    expect(board.store.setCacheLimit(0xffffffff)).toBe(5 * 2048);
    expect(board.store.setCacheLimit(100)).toBe(2 * 2048);
    expect(board.store.setCacheLimit(3 * 2048 + 5)).toBe(3 * 2048 + 5);
    for (let i = 0; i < 300; i++) {
      board.append(LOW, `low ${i} ${"x".repeat(40)}`);
      expect(countersOf(board, LOW).stored * 64).toBeLessThanOrEqual(3 * 2048);
    }
    expect(countersOf(board, LOW).stored * 64).toBeGreaterThan(2048);
  });

  it("store: sends nothing that is not programmed, and loses only that in a power cut", () => {
    const flash = createFlash({ ...GEOMETRY, seed: 1, isDelayed: true });
    const board = start(flash);
    expect(flash.isPending).toBe(true);
    board.append(HIGH, "first");
    expect(board.store.canSend(HIGH)).toBe(0);
    expect(board.store.storedCount(HIGH)).toBe(1);
    board.settle();
    expect(board.store.canSend(HIGH)).toBe(1);
    board.append(HIGH, "second"); // Being programmed.
    board.append(HIGH, "third"); // Waits for it.
    expect(board.send(HIGH).length).toBe(1);
    const again = start(copyFlash(GEOMETRY, flash.snapshot()));
    expect([...drain(again)[HIGH].values()]).toEqual(["first"]);
    board.settle();
    board.acknowledge(HIGH);
    board.settle();
    expect(board.send(HIGH)).toEqual([
      { sequence: 1, text: "second" },
      { sequence: 2, text: "third" },
    ]);
  });

  it("store: sends nothing before the start has been written down", () => {
    const flash = createFlash({ ...GEOMETRY, seed: 1 });
    start(flash).append(HIGH, "event");
    const slow = createFlash({ ...GEOMETRY, seed: 1, isDelayed: true });
    slow.restore(flash.snapshot());
    const board = start(slow);
    expect(board.store.storedCount(HIGH)).toBe(1);
    expect(board.store.canSend(HIGH)).toBe(0);
    board.settle();
    expect(board.store.canSend(HIGH)).toBe(1);
    expect(start(copyFlash(GEOMETRY, slow.snapshot())).store.bootCount()).toBe(3);
  });

  it("store: drops and counts when flash is too slow for the events", () => {
    const flash = createFlash({ ...GEOMETRY, seed: 1, isDelayed: true });
    const board = start(flash);
    for (let i = 0; i < 200; i++) board.append(i % 2, `event ${i} ${"x".repeat(40)}`);
    checkSum(board);
    expect(board.store.droppedCount(LOW)).toBeGreaterThan(0);
    board.settle();
    const stored = board.store.storedCount(HIGH) + board.store.storedCount(LOW);
    const sent = drain(board);
    expect(sent[HIGH].size + sent[LOW].size).toBe(stored);
    checkSum(board);
  });
});
