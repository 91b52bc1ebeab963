/** A board's flash partition: what lasts over power cuts, and the faults that hit it. */
import { E_FLASH, PENDING } from "../host/abi.ts";
import { createFlash, type Flash, type FlashOperation, type PowerCut } from "../host/flash.ts";
import type { FlashPort } from "../host/flash-port.ts";
import type { BoardFaults } from "./fault-plan.ts";
import type { Prng } from "./prng.ts";

export interface FlashGeometry {
  readonly sectorBytes: number;
  readonly sectors: number;
  /** Program unit, B. */
  readonly unitBytes: number;
}

/** Geometry, and how long operations take, ms; 0: they are done when they return. */
export interface FlashPlan extends FlashGeometry {
  readonly programMs: number;
  readonly eraseMs: number;
}

export interface BoardFlashOptions {
  readonly plan: FlashPlan;
  readonly random: Prng;
  readonly faults: BoardFaults;
  /** Calls `action` so much later. */
  readonly later: (ms: number, action: () => void) => void;
}

export interface BoardFlash {
  readonly port: FlashPort;
  /** An operation goes on. */
  readonly isPending: boolean;
  /** Programs or erases have failed: the store waits before it tries again. */
  readonly hasFailed: boolean;
  /** Called when an operation that answered PENDING has ended. */
  onEnd(listener: (isDone: boolean) => void): void;
  /** Power fails during the next program or erase: it throws `PowerCutError`. */
  cutNext(): void;
  /** Power fails now: what goes on is done in part. */
  powerLost(): void;
  /** Ends what goes on, and tells nobody: the driver waits before the agent starts again. */
  finish(): void;
  /** Flips so many bits at random places. */
  flipBits(count: number): void;
  counters(): Readonly<Record<"flashOperations" | "flashErasesMax" | "flashSectorsLost", number>>;
}

/** Places looked at for each bit. */
const FLIP_TRIES = 50;
const PARTS: readonly PowerCut["part"][] = ["none", "prefix", "bits", "whole"];

export function createBoardFlash({ plan, random, faults, later }: BoardFlashOptions): BoardFlash {
  const worn = new Set<number>();
  let operationsBefore = 0;
  let listener: (isDone: boolean) => void = () => {};
  /** Counts what was pending: a deadline is for one operation. */
  let pendings = 0;
  let hasFailed = false;

  function make(cut?: PowerCut): Flash {
    const isDelayed = plan.programMs > 0 || plan.eraseMs > 0;
    const seed = random.next();
    return createFlash({ ...plan, seed, isDelayed, failing, ...(cut && { cut }) });
  }

  /** Worn sectors stay so; how much of a failed operation is done nobody knows. */
  function failing({ sector, erases }: FlashOperation): PowerCut["part"] | undefined {
    const fault = faults.active("flashWear");
    if (fault !== undefined && !worn.has(sector)) {
      const { cycles = 0, sector: only = sector, count = plan.sectors } = fault.entry;
      const isHit = erases >= cycles && only === sector && worn.size < count;
      if (isHit && random.chance(fault.probability)) worn.add(sector);
    }
    if (!worn.has(sector)) return undefined;
    hasFailed = true;
    return random.pick(PARTS);
  }

  function begin(takesMs: number, operate: () => number): number {
    if (faults.hits("flashFull")) {
      hasFailed = true;
      return E_FLASH;
    }
    const result = operate();
    if (result !== PENDING) return result;
    if (takesMs === 0) return flash.complete();
    const own = ++pendings;
    later(takesMs, () => {
      if (own === pendings && flash.isPending) listener(flash.complete() === 0);
    });
    return PENDING;
  }

  let flash = make();
  return {
    port: {
      sectorBytes: plan.sectorBytes,
      sectors: plan.sectors,
      programBytes: plan.unitBytes,
      read: (address, to) => flash.read(address, to),
      program: (address, from) => begin(plan.programMs, () => flash.program(address, from)),
      erase: (address) => begin(plan.eraseMs, () => flash.erase(address)),
    },
    get isPending() {
      return flash.isPending;
    },
    get hasFailed() {
      return hasFailed;
    },
    onEnd(own) {
      listener = own;
    },
    cutNext() {
      const content = flash.snapshot();
      operationsBefore += flash.operations;
      flash = make({ operation: 0, part: random.pick(PARTS) });
      flash.restore(content);
    },
    powerLost() {
      if (flash.isPending) flash.cutPending(random.pick(PARTS));
    },
    finish() {
      if (flash.isPending) flash.complete();
    },
    flipBits(count) {
      let flipped = 0;
      for (let i = 0; i < count * FLIP_TRIES; i++) {
        const address = random.below(flash.bytes.length);
        const bit = random.below(8);
        // Cells that are erased keep: only what was programmed loses its charge.
        const now = flash.bytes[address] as number;
        if (now === 0xff || (now ^ (1 << bit)) === 0xff) continue;
        flash.flip(address, bit);
        if (++flipped === count) return;
      }
    },
    counters: () => ({
      flashOperations: operationsBefore + flash.operations,
      flashErasesMax: flash.wear.reduce((most, erases) => Math.max(most, erases), 0),
      flashSectorsLost: worn.size,
    }),
  };
}
