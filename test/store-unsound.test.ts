/** Flash that refuses at random, before or within an operation: no event vanishes uncounted. */
import { beforeAll, describe, expect, it } from "vitest";
import { E_FLASH } from "../assembly/abi.ts";
import { createFlash, type Flash, type PowerCut } from "../host/flash.ts";
import { type Geometry, HIGH, LOW, type StoreBoard, startStore } from "./support/store-board.ts";
import { buildStore } from "./support/store-core.ts";
import {
  addEvents,
  checkSum,
  copyFlash,
  countersOf,
  createRandom,
  createWorkload,
  drain,
  type Random,
  type Step,
  type Stored,
} from "./support/store-workload.ts";

const IS_LONG = process.env.STORE_CUTS === "long";
const SEEDS = IS_LONG ? 3000 : 60;
const STEPS = 400;
const PARTS: readonly PowerCut["part"][] = ["none", "prefix", "bits", "whole"];
/** Longer than the longest pause after a failure, s. */
const PAUSE_S = 64;
const PRIORITIES = [HIGH, LOW] as const;

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await WebAssembly.compile(await buildStore({ STORE_FLASH: 1, STORE_BYTES: 1024 }));
}, 60_000);

/** Refuses operations, in percent: half of them at once, the others part of the way. */
function createUnsound(geometry: Geometry, isDelayed: boolean, random: Random) {
  const state = { percent: 0 };
  const hits = (): boolean => random(200) < state.percent;
  const flash = createFlash({
    ...geometry,
    seed: random(1 << 30),
    isDelayed,
    failing: () => (hits() ? PARTS[random(PARTS.length)] : undefined),
  });
  const port: Flash = Object.create(flash, {
    program: {
      value: (at: number, data: Uint8Array) => (hits() ? E_FLASH : flash.program(at, data)),
    },
    erase: { value: (at: number) => (hits() ? E_FLASH : flash.erase(at)) },
  });
  return { state, flash, port };
}

/** What a run has offered, and what it knows to be delivered. */
interface Run {
  readonly board: StoreBoard;
  readonly offered: readonly [string[], string[]];
  readonly delivered: Stored;
}

function doStep({ board, offered, delivered }: Run, step: Step): void {
  if (step.do === "append") {
    const number = board.store.collectedCount(step.priority);
    offered[step.priority as 0][number] = step.text;
    board.append(step.priority, step.text);
  }
  if (step.do !== "acknowledge" && step.do !== "fail") return;
  const events = board.send(step.priority, step.bytesMax);
  checkSent({ offered }, step.priority, events);
  if (events.length === 0) return;
  board[step.do](step.priority);
  if (step.do === "acknowledge") addEvents(delivered, step.priority, events);
}

function checkSent(
  { offered }: Pick<Run, "offered">,
  priority: number,
  events: Iterable<{ readonly sequence: number; readonly text: string }>,
): void {
  for (const { sequence, text } of events) {
    const was = offered[priority as 0][sequence];
    if (was !== text) throw new Error(`${priority}/${sequence} is ${text}, was ${was}`);
  }
}

/** Starts a copy: what it takes for stored is what it sends, nothing is false or sent again. */
function checkCopy(run: Run, geometry: Geometry, flash: Flash): void {
  const copy = startStore(module, geometry, copyFlash(geometry, flash.snapshot()), 2);
  const counters = PRIORITIES.map((priority) => countersOf(copy, priority));
  const stored = drain(copy);
  for (const priority of PRIORITIES) {
    const { stored: count, collected } = counters[priority] ?? { stored: 0, collected: 0 };
    if (count !== stored[priority].size) {
      throw new Error(`copy: ${count} of ${priority} stored, ${stored[priority].size} sent`);
    }
    if (collected > run.board.store.collectedCount(priority)) {
      throw new Error(`copy: ${collected} of ${priority} collected`);
    }
    const events = [...stored[priority]].map(([sequence, text]) => ({ sequence, text }));
    checkSent(run, priority, events);
  }
  checkSum(copy);
}

/** What was neither delivered nor counted as dropped must come now. */
function checkEnd({ board, offered, delivered }: Run): void {
  for (let i = 0; i < 12; i++) {
    board.settle();
    board.poll(PAUSE_S);
  }
  const rest = drain(board);
  for (const priority of PRIORITIES) {
    const { dropped, stored } = countersOf(board, priority);
    const events = [...rest[priority]].map(([sequence, text]) => ({ sequence, text }));
    checkSent({ offered }, priority, events);
    addEvents(delivered, priority, events);
    const missing = offered[priority].length - delivered[priority].size;
    if (stored !== 0 || missing !== dropped) {
      throw new Error(`${missing} of ${priority} missing, ${dropped} dropped, ${stored} stay`);
    }
  }
}

function check(geometry: Geometry, isDelayed: boolean, random: Random): void {
  const { state, flash, port } = createUnsound(geometry, isDelayed, random);
  const board = startStore(module, geometry, port, random(1 << 30));
  const run: Run = { board, offered: [[], []], delivered: [new Map(), new Map()] };
  const epoch = board.store.storeEpoch();
  const dropped = [0, 0];
  board.settle();
  for (const step of createWorkload(random, STEPS, 480)) {
    if (random(50) === 0) state.percent = random(2) ? 10 + random(51) : 0;
    doStep(run, step);
    if (random(3) === 0) board.settle();
    else if (flash.isPending && random(2)) board.store.flashDone(flash.complete());
    if (random(3) === 0) board.poll(random(80));
    checkSum(board);
    if (board.store.storeEpoch() !== epoch) return; // Flash is left.
    for (const priority of PRIORITIES) {
      const now = board.store.droppedCount(priority);
      if (now < (dropped[priority] ?? 0)) throw new Error(`dropped ${now} < ${dropped[priority]}`);
      dropped[priority] = now;
    }
    if (!flash.isPending && random(10) === 0) checkCopy(run, geometry, flash);
  }
  state.percent = 0;
  board.settle();
  checkEnd(run);
}

describe.each([1, 8, 32])("unit %s", (unitBytes) => {
  it.each([false, true])(
    "store: every event is sent or counted whenever operations fail, delayed %s",
    (isDelayed) => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const random = createRandom(Math.imul(seed, 0x9e3779b1));
        const sectorBytes = 1024 * (1 + random(3));
        const geometry: Geometry = { sectorBytes, sectors: 4 + random(5), unitBytes };
        try {
          check(geometry, isDelayed, random);
        } catch (error) {
          expect.fail(`seed ${seed}: ${(error as Error).message}`);
        }
      }
    },
    3_600_000,
  );
});
