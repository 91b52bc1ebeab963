/** A board's flash partition: what lasts over power cuts, and the faults that hit it. */
import { E_FLASH } from "../host/abi.ts";
import { createFlash, type Flash } from "../host/flash.ts";
import type { FlashPort } from "../host/flash-port.ts";
import type { Prng } from "./prng.ts";

export interface FlashGeometry {
  readonly sectorBytes: number;
  readonly sectors: number;
  /** Program unit, B. */
  readonly unitBytes: number;
}

export interface BoardFlash {
  readonly port: FlashPort;
  /** Power fails during the next program or erase: it throws `PowerCutError`. */
  cutNext(): void;
  /** Flips so many bits at random places. */
  flipBits(count: number): void;
  /** Erases of the sector that has had most. */
  wearMax(): number;
  readonly operations: number;
}

/** Places looked at for each bit. */
const FLIP_TRIES = 50;
const CUT_PARTS = ["none", "prefix", "bits", "whole"] as const;

/** @param isFull true: the flash takes nothing now */
export function createBoardFlash(
  geometry: FlashGeometry,
  random: Prng,
  isFull: () => boolean,
): BoardFlash {
  let flash: Flash = createFlash({ ...geometry, seed: random.next() });
  let operationsBefore = 0;

  return {
    port: {
      sectorBytes: geometry.sectorBytes,
      sectors: geometry.sectors,
      programBytes: geometry.unitBytes,
      read: (address, to) => flash.read(address, to),
      program: (address, from) => (isFull() ? E_FLASH : flash.program(address, from)),
      erase: (address) => (isFull() ? E_FLASH : flash.erase(address)),
    },
    cutNext() {
      const content = flash.snapshot();
      operationsBefore += flash.operations;
      const cut = { operation: 0, part: random.pick(CUT_PARTS) };
      flash = createFlash({ ...geometry, seed: random.next(), cut });
      flash.restore(content);
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
    wearMax: () => flash.wear.reduce((most, erases) => Math.max(most, erases), 0),
    get operations() {
      return operationsBefore + flash.operations;
    },
  };
}
