/** Everything at once: power cuts, sectors that fail, slow flash, changing limits. */
import { expect, it } from "vitest";
import { createFlash, type FlashSnapshot, type PowerCut, PowerCutError } from "../host/flash.ts";
import { type Geometry, type StoreBoard, startStore } from "./support/store-board.ts";
import { buildStore } from "./support/store-core.ts";
import {
  checkSum,
  createRandom,
  createWorkload,
  type Random,
  type Step,
} from "./support/store-workload.ts";

const RUNS = process.env.STORE_CUTS === "long" ? 20_000 : 150;
const PARTS: readonly PowerCut["part"][] = ["none", "prefix", "bits", "whole"];
const UNITS = [1, 2, 4, 8, 16, 32];

/** Texts that were sent, by epoch, priority and sequence number. */
type Sent = Map<string, string>;

function doStep(board: StoreBoard, step: Step, texts: ReadonlySet<string>, sent: Sent): void {
  if (step.do === "append") board.append(step.priority, step.text);
  if (step.do !== "acknowledge" && step.do !== "fail") return;
  const events = board.send(step.priority, step.bytesMax);
  for (const { sequence, text } of events) {
    const name = `${board.store.storeEpoch()} ${step.priority} ${sequence}`;
    if (!texts.has(text)) throw new Error(`${name} was never offered: ${text}`);
    const was = sent.get(name) ?? text;
    if (was !== text) throw new Error(`${name} is used twice`);
    sent.set(name, text);
  }
  if (events.length) board[step.do](step.priority);
}

/** Runs a workload over many lives of a board. */
function run(module: WebAssembly.Module, random: Random): void {
  const geometry: Geometry = {
    sectorBytes: 1024 + 512 * random(3),
    sectors: 4 + random(4),
    unitBytes: UNITS[random(UNITS.length)] ?? 1,
  };
  const steps = createWorkload(random, 300, 480);
  const texts = new Set(steps.map((step) => (step.do === "append" ? step.text : "")));
  const sent: Sent = new Map();
  const broken = new Set<number>();
  let snapshot: FlashSnapshot | undefined;
  let at = 0;
  while (at < steps.length) {
    const cut = { operation: random(200), part: PARTS[random(4)] ?? "none" };
    const isDelayed = random(2) === 0;
    const flash = createFlash({ ...geometry, seed: random(1 << 30), isDelayed, cut });
    if (snapshot) flash.restore(snapshot);
    for (const sector of broken) flash.broken.add(sector);
    try {
      const board = startStore(module, geometry, flash, random(0xffffffff));
      while (at < steps.length) {
        const step = steps[at++] as Step;
        const sector = random(30 * geometry.sectors);
        if (flash.broken.delete(sector)) broken.delete(sector);
        else if (sector < geometry.sectors && broken.size < 2) flash.broken.add(sector);
        if (random(3) === 0) board.settle();
        else if (flash.isPending && random(2)) board.store.flashDone(flash.complete());
        if (random(3) === 0) board.poll(random(100));
        if (random(50) === 0) board.store.setCacheLimit(random(10_000));
        if (step.do === "restart") break;
        doStep(board, step, texts, sent);
        checkSum(board);
      }
    } catch (error) {
      if (!(error instanceof PowerCutError)) throw error;
    }
    snapshot = flash.snapshot();
    for (const sector of flash.broken) broken.add(sector);
  }
}

it("store: sends nothing false and keeps its sums whatever happens at once", async () => {
  const module = await WebAssembly.compile(await buildStore({ STORE_FLASH: 1, STORE_BYTES: 1024 }));
  for (let seed = 1; seed <= RUNS; seed++) {
    try {
      run(module, createRandom(Math.imul(seed, 0x9e3779b1)));
    } catch (error) {
      expect.fail(`seed ${seed}: ${(error as Error).message}`);
    }
  }
}, 3_600_000);
