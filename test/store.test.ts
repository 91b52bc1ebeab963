/** The message store in memory and in flash: order, limits, what is dropped, what survives. */
import { beforeAll, describe, expect, it } from "vitest";
import { E_UNKNOWN_ID, OK } from "../assembly/abi.ts";
import { OPTIONS } from "../boards/options.ts";
import { createFlash } from "../host/flash.ts";
import { type Geometry, HIGH, LOW, type StoreBoard, startStore } from "./support/store-board.ts";
import { buildStore } from "./support/store-core.ts";
import {
  checkSum,
  countersOf,
  createRandom,
  createWorkload,
  drain,
} from "./support/store-workload.ts";

/** Bytes of the smallest modules there may be; the queue's code is in both. */
const RAM_WASM_BYTES_MAX = 1500;
const FLASH_WASM_BYTES_MAX = 6300;
const RECORD_HEAD_BYTES = 6;
const GEOMETRY: Geometry = { sectorBytes: 2048, sectors: 6, unitBytes: 8 };
const QUEUE_BYTES = OPTIONS.STORE_BYTES.default;

let ram: WebAssembly.Module;
let flashModule: WebAssembly.Module;
let sizes: number[];

beforeAll(async () => {
  const built = [await buildStore({}), await buildStore({ STORE_FLASH: 1 })] as const;
  sizes = built.map(({ length }) => length);
  ram = await WebAssembly.compile(built[0]);
  flashModule = await WebAssembly.compile(built[1]);
}, 60_000);

const startRam = (seed = 1): StoreBoard => startStore(ram, undefined, undefined, seed);

it("store: is small, and without flash has no flash imports", () => {
  expect(WebAssembly.Module.imports(ram).map(({ name }) => name)).toEqual(["publish"]);
  expect(sizes[0]).toBeLessThanOrEqual(RAM_WASM_BYTES_MAX);
  expect(sizes[1]).toBeLessThanOrEqual(FLASH_WASM_BYTES_MAX);
});

describe.each(["memory", "memory of a build with flash", "flash"])("in %s", (where) => {
  const start = (): StoreBoard => {
    if (where === "memory") return startRam();
    if (where !== "flash") return startStore(flashModule, undefined, undefined, 1);
    return startStore(flashModule, GEOMETRY, createFlash({ ...GEOMETRY, seed: 1 }), 1);
  };

  it("store: sends the events of a priority in order, with their sequence numbers", () => {
    const board = start();
    expect(board.mounted).toBe(OK);
    for (let i = 0; i < 10; i++) board.append(i % 2, `event ${i}`);
    expect(board.store.storedCount(LOW)).toBe(5);
    const events = board.send(LOW);
    expect(events).toEqual(
      [0, 1, 2, 3, 4].map((n) => ({ sequence: n, text: `event ${2 * n + 1}` })),
    );
    expect(board.store.storedCount(LOW)).toBe(5);
    board.append(LOW, "event 10");
    expect(board.store.storedCount(LOW)).toBe(6);
    board.acknowledge(LOW);
    expect(board.send(LOW)).toEqual([{ sequence: 5, text: "event 10" }]);
    expect(countersOf(board, LOW)).toEqual({ collected: 6, delivered: 5, dropped: 0, stored: 1 });
    expect(board.send(HIGH).length).toBe(5);
  });

  it("store: sends again what failed", () => {
    const board = start();
    for (let i = 0; i < 3; i++) board.append(HIGH, `event ${i}`);
    const first = board.send(HIGH);
    board.fail(HIGH);
    expect(board.store.storedCount(HIGH)).toBe(3);
    expect(board.send(HIGH)).toEqual(first);
    expect(countersOf(board, HIGH).delivered).toBe(0);
  });

  it("store: fills a message to its last byte and not beyond", () => {
    const board = start();
    for (let i = 0; i < 3; i++) board.append(HIGH, "x".repeat(99)); // 100 B with the line's end.
    const full = 20 + 200 + 1;
    expect(board.send(HIGH, full - 1).length).toBe(1);
    board.fail(HIGH);
    expect(board.send(HIGH, full).length).toBe(2);
    expect(board.store.roomLeft()).toBe(1); // For the end.
  });

  it("store: releases nothing twice", () => {
    const board = start();
    for (let i = 0; i < 3; i++) board.append(HIGH, `event ${i}`);
    board.send(HIGH);
    board.acknowledge(HIGH);
    board.acknowledge(HIGH);
    expect(countersOf(board, HIGH)).toEqual({ collected: 3, delivered: 3, dropped: 0, stored: 0 });
    expect(board.store.flashDone(OK)).toBe(E_UNKNOWN_ID);
  });

  it("store: takes the longest event at any time, and its counters always add up", () => {
    const random = createRandom(5);
    const board = start();
    const longest = OPTIONS.EVENT_BYTES_MAX.default - 1;
    for (const step of createWorkload(random, 2000, longest)) {
      if (step.do === "append") board.append(step.priority, step.text.padEnd(random(longest), "y"));
      else if (step.do === "acknowledge" || step.do === "fail") {
        if (board.send(step.priority).length) board[step.do](step.priority);
      }
      checkSum(board);
    }
    board.append(HIGH, "z".repeat(longest));
    expect([...drain(board)[HIGH].values()].at(-1)).toBe("z".repeat(longest));
  });
});

describe("in memory", () => {
  const recordBytes = 100;
  const fits = Math.floor(QUEUE_BYTES / recordBytes);
  const text = (i: number): string => `event ${i}`.padEnd(recordBytes - RECORD_HEAD_BYTES - 1, ".");

  it("store: keeps what fits, then drops the oldest low events, then the oldest high ones", () => {
    const board = startRam();
    board.append(HIGH, text(0));
    for (let i = 1; i < fits; i++) board.append(LOW, text(i));
    expect(board.store.droppedCount(LOW)).toBe(0);
    board.append(HIGH, text(fits));
    expect(board.store.droppedCount(LOW)).toBe(1);
    expect(board.store.firstSequence(LOW)).toBe(1);
    for (let i = 0; i < fits; i++) board.append(HIGH, text(i));
    expect(countersOf(board, LOW).stored).toBe(0);
    expect(countersOf(board, HIGH)).toEqual({
      collected: fits + 2,
      delivered: 0,
      dropped: 2,
      stored: fits,
    });
    board.append(LOW, text(0)); // No low event may go for it.
    expect(board.store.droppedCount(HIGH)).toBe(2);
    expect(countersOf(board, LOW)).toMatchObject({ collected: fits, dropped: fits, stored: 0 });
  });

  it("store: never drops what is in flight, but the next ones, and leaves a gap in no message", () => {
    const board = startRam();
    for (let i = 0; i < fits; i++) board.append(LOW, text(i));
    const inFlight = board.send(LOW, 20 + 3 * recordBytes);
    expect(inFlight.length).toBe(3);
    board.append(LOW, text(fits));
    expect(board.store.droppedCount(LOW)).toBe(1);
    board.fail(LOW);
    expect(board.send(LOW)).toEqual(inFlight);
    board.acknowledge(LOW);
    const rest = board.send(LOW);
    expect(rest[0]?.sequence).toBe(4);
    expect(rest.length).toBe(fits - 3);
    board.append(LOW, text(1)); // All is in flight; there is room.
    board.append(LOW, text(2));
    board.append(LOW, text(3));
    expect(board.store.droppedCount(LOW)).toBe(1);
    board.append(LOW, text(4));
    expect(board.store.droppedCount(LOW)).toBe(2);
    expect(board.store.storedCount(LOW)).toBe(rest.length + 3);
    board.acknowledge(LOW);
    checkSum(board);
  });

  it("store: drops a new event when all others are in flight", () => {
    const board = startRam();
    for (let i = 0; i < fits; i++) board.append(HIGH, text(i));
    expect(board.send(HIGH).length).toBe(fits);
    board.append(HIGH, text(fits));
    expect(countersOf(board, HIGH)).toMatchObject({ stored: fits, dropped: 1 });
    board.acknowledge(HIGH);
    board.append(HIGH, text(fits));
    expect(board.send(HIGH)[0]?.sequence).toBe(fits + 1);
  });

  it("store: has an epoch for each seed, and one start", () => {
    const epochs = new Set(
      [1, 2, 0x10000, 0x20000].map((seed) => startRam(seed).store.storeEpoch()),
    );
    expect(epochs.size).toBe(2); // Of 32 bits, 16 are left.
    expect(startRam(0x12340000).store.storeEpoch()).not.toBe(startRam(0).store.storeEpoch());
    expect(startRam().store.bootCount()).toBe(1);
  });

  it("store: obeys a cache limit, from the longest event to what there is", () => {
    const board = startRam();
    expect(board.store.setCacheLimit(0xffffffff)).toBe(QUEUE_BYTES);
    expect(board.store.setCacheLimit(0)).toBe(OPTIONS.EVENT_BYTES_MAX.default + RECORD_HEAD_BYTES);
    expect(board.store.setCacheLimit(10 * recordBytes)).toBe(10 * recordBytes);
    for (let i = 0; i < 11; i++) board.append(LOW, text(i));
    expect(countersOf(board, LOW)).toMatchObject({ stored: 10, dropped: 1 });
  });
});
