import { describe, expect, it } from "vitest";
import { BoardError } from "../boards/board-error.ts";
import { buildCore } from "../boards/build.ts";
import { measureCore } from "../boards/core-size.ts";
import { CACHES, fitBoard } from "../boards/fit.ts";
import { loadBoard } from "../boards/profile.ts";

const TIMEOUT_MS = 240_000;
/** Its C code is not compiled here, so that this runs without a compiler. */
const board = loadBoard("rx65n-cloud-kit");
const RAM_BYTES = 24_000;

describe("fit", () => {
  it(
    "fit: the caches fit, and none of them can be made larger",
    async () => {
      const profile = { ...board, agent_ram_bytes: RAM_BYTES };
      const { options, footprint, spareBytes, builds } = await fitBoard(profile);
      expect(footprint.total.ram + spareBytes).toBe(RAM_BYTES);
      expect(spareBytes).toBeGreaterThanOrEqual(0);
      expect(builds).toBeLessThan(20);
      for (const name of CACHES) {
        const more = { ...options, [name]: options[name] + (name === "STORE_BYTES" ? 4 : 1) };
        const { memoryBytes } = measureCore((await buildCore(more)).wasm);
        expect(memoryBytes, name).toBeGreaterThan(RAM_BYTES);
      }
      expect((await fitBoard(profile)).options).toEqual(options);
    },
    TIMEOUT_MS,
  );

  it(
    "fit: what is left out stays left out",
    async () => {
      const options = { ...board.options, FLOW_SLOTS_IPV6: 0 };
      const fit = await fitBoard({ ...board, options, agent_ram_bytes: RAM_BYTES });
      expect(fit.options.FLOW_SLOTS_IPV6).toBe(0);
      expect(fit.options.FLOW_SLOTS_IPV4).toBeGreaterThan(64);
    },
    TIMEOUT_MS,
  );

  it(
    "fit: too little RAM or flash is one line",
    async () => {
      const little = fitBoard({ ...board, agent_ram_bytes: 4096 });
      await expect(little).rejects.toThrow(BoardError);
      await expect(little).rejects.toThrow(/^the smallest caches need \d+ bytes[^\n]*$/);
      const flash = fitBoard({ ...board, agent_flash_bytes: 1000 });
      await expect(flash).rejects.toThrow(/^rx65n-cloud-kit: flash: \d+ of 1000 bytes[^\n]*$/);
    },
    TIMEOUT_MS,
  );
});
