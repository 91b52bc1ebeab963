/** Power cuts in every operation of recorded workloads. STORE_CUTS=long takes minutes. */
import { beforeAll, describe, expect, it } from "vitest";
import type { PowerCut } from "../host/flash.ts";
import type { Geometry } from "./support/store-board.ts";
import { buildStore } from "./support/store-core.ts";
import { type Cut, checkCut } from "./support/store-cut.ts";
import { createRandom, createWorkload, record } from "./support/store-workload.ts";

const IS_LONG = process.env.STORE_CUTS === "long";
const STEPS = IS_LONG ? 1000 : 160;
const PARTS: readonly PowerCut["part"][] = ["none", "prefix", "bits", "whole"];

const GEOMETRIES: readonly Geometry[] = [
  { sectorBytes: 1024, sectors: 4, unitBytes: 1 },
  { sectorBytes: 1024, sectors: 4, unitBytes: 8 },
  { sectorBytes: 1024, sectors: 4, unitBytes: 32 },
  { sectorBytes: 2048, sectors: 7, unitBytes: 8 },
  { sectorBytes: 4096, sectors: 5, unitBytes: 32 },
  { sectorBytes: 1024, sectors: 16, unitBytes: 1 },
];

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await WebAssembly.compile(await buildStore({ STORE_FLASH: 1 }));
}, 60_000);

describe.each([false, true])("delayed %s", (isDelayed) => {
  it.each(GEOMETRIES)(
    "store: nothing is lost, repeated or reused at a cut of any operation, $sectors × $sectorBytes B, unit $unitBytes B",
    (geometry) => {
      for (let seed = 1; seed <= (IS_LONG ? 5 : 1); seed++) {
        const random = createRandom(seed * 77 + geometry.unitBytes + geometry.sectors);
        const workload = createWorkload(random, STEPS, 480);
        const recording = record(module, geometry, workload, isDelayed);
        const failures: string[] = [];
        recording.operations.forEach((operation, index) => {
          for (const part of PARTS) {
            const agains = IS_LONG || index % 4 === 0 ? [undefined, 0, 1, 2] : [undefined];
            for (const again of agains) {
              const cut: Cut = { part, seed: index, ...(again !== undefined && { again }) };
              try {
                checkCut(module, geometry, recording, operation, cut);
              } catch (error) {
                const where = `seed ${seed}, operation ${index}, step ${operation.step}`;
                failures.push(`${where}, ${part}, again ${again}: ${(error as Error).message}`);
              }
            }
          }
        });
        expect(recording.operations.length).toBeGreaterThan(STEPS / 2);
        expect(failures.slice(0, 5)).toEqual([]);
      }
    },
    3_600_000,
  );
});
