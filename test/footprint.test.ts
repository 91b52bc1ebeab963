import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BUDGETS, type Figures, figureAt, findGrowth, findOverBudget } from "../boards/budget.ts";
import { buildCore } from "../boards/build.ts";
import { measureCore } from "../boards/core-size.ts";
import { measureCosts, pricedOptions, withoutOption } from "../boards/costs.ts";
import { type Footprint, measureFootprint } from "../boards/footprint.ts";
import { measureImage, totalOf } from "../boards/footprint-image.ts";
import { PADDING, readMap } from "../boards/footprint-map.ts";
import { readFigures } from "../boards/footprint-page.ts";
import { hasCompiler, hasEmulator } from "../boards/footprint-tools.ts";
import { OPTIONS, type OptionName, resolveOptions } from "../boards/options.ts";
import { loadBoard } from "../boards/profile.ts";
import { findExcess } from "../boards/shrink.ts";

const isComplete = hasCompiler() && hasEmulator();
const suite = isComplete || process.env.CI ? describe : describe.skip;
const TIMEOUT_MS = 240_000;

/** Everything at its smallest. */
const LEAST = Object.fromEntries(
  Object.entries(OPTIONS)
    .filter(([name]) => name !== "MESSAGE_BYTES_MAX" && name !== "STORE_SECTORS_MAX")
    .map(([name, option]) => [name, option.min]),
) as Record<OptionName, number>;

const MAP = `Discarded input sections

 .text          0x00000000      0x100 gone.o

Linker script and memory map

.text           0x00008000       0x40
 .text.short    0x00008000       0x10 a.o
 .text.a_rather_long_name
                0x00008010       0x20 b.o
 *fill*         0x00008030        0x2 
 .rodata.str1.1
                0x00008032        0xe a.o
                                  0x20 (size before relaxing)

.data           0x20000000        0x4 load address 0x00008040
 .data          0x20000000        0x4 b.o

.bss            0x20000004       0x30
 COMMON         0x20000004       0x30 a.o
`;

describe("footprint", () => {
  it("footprint: a map gives every object its bytes", () => {
    expect(Object.fromEntries(readMap(MAP))).toEqual({
      "a.o": { flash: 0x1e, ram: 0x30 },
      "b.o": { flash: 0x24, ram: 4 },
      [PADDING]: { flash: 2, ram: 0 },
    });
  });

  it("footprint: only options above their least are priced, with those that need them", () => {
    expect(pricedOptions(resolveOptions(LEAST))).toEqual([]);
    const options = resolveOptions({ ...LEAST, COLLECT_PROCESS: 1, AGGREGATION_SLOTS: 4 });
    expect(pricedOptions(options)).toEqual(["COLLECT_PROCESS", "AGGREGATION_SLOTS"]);
    const { together, options: left } = withoutOption(options, "COLLECT_PROCESS");
    expect(together).toEqual(["AGGREGATION_SLOTS"]);
    expect(resolveOptions(left)).toEqual(resolveOptions(LEAST));
  });

  it(
    "footprint: what an option costs is the difference of two cores",
    async () => {
      const options = resolveOptions({ ...LEAST, FLOW_SLOTS_IPV4: 9, STATISTICS: 1 });
      const costs = await measureCosts({ options });
      const size = async (given: Partial<Record<OptionName, number>>) =>
        measureCore((await buildCore({ ...options, ...given })).wasm);
      const whole = await size({});
      expect(costs.map(({ name }) => name).sort()).toEqual(["FLOW_SLOTS_IPV4", "STATISTICS"]);
      for (const cost of costs) {
        const left = await size({ [cost.name]: OPTIONS[cost.name].min });
        expect(cost.memoryBytes).toBe(whole.memoryBytes - left.memoryBytes);
        if (cost.name === "STATISTICS") {
          expect(cost.wasmBytes).toBe(whole.wasmBytes - left.wasmBytes);
          expect(cost.wasmBytes).toBeGreaterThan(0);
        } else {
          expect(cost.memoryBytes).toBeGreaterThanOrEqual(8 * 40);
        }
      }
    },
    TIMEOUT_MS,
  );

  it("footprint: an agent that does not fit says what to set", () => {
    const cost = (name: OptionName, wasmBytes: number, memoryBytes: number) => ({
      name,
      value: OPTIONS[name].default,
      without: OPTIONS[name].min,
      together: [],
      wasmBytes,
      memoryBytes,
      codeBytes: undefined,
    });
    const footprint: Footprint = {
      board: "b",
      backend: "wasm3",
      options: resolveOptions({}),
      core: { wasmBytes: 9000, memoryBytes: 9000, stackBytes: 1024 },
      parts: [],
      total: { flash: 1100, ram: 1064 },
      budget: { flash: 1000, ram: 1000 },
      slot: { bytes: 10, room: 10 },
      costs: [cost("FLOW_SLOTS_IPV4", 0, 3024), cost("TWIN", 150, 80), cost("STATISTICS", 93, 0)],
      missing: [],
    };
    expect(findExcess(footprint)).toEqual([
      "b: flash: 1100 of 1000 bytes, 100 too many: set TWIN to 0 (150 bytes)",
      "b: RAM: 1064 of 1000 bytes, 64 too many: set FLOW_SLOTS_IPV4 from 64 to 62 (96 bytes), or take --backend aot",
    ]);
    const fits = { ...footprint, total: { flash: 1000, ram: 1000 } };
    expect(findExcess(fits)).toEqual([]);
    expect(findExcess({ ...fits, slot: { bytes: 11, room: 10 } })[0]).toContain("slot");
    const hopeless = { ...fits, total: { flash: 9000, ram: 1000 }, costs: [] };
    expect(findExcess(hopeless)[0]).toContain("nothing can be left out; 8000 bytes more");
  });

  it(
    "footprint: a board without an Arm core says so and gives what can be computed",
    async () => {
      const found = await measureFootprint(loadBoard("rx65n-cloud-kit"), { withCosts: false });
      expect(found.missing).toEqual([expect.stringContaining("rxv2 is no Arm core")]);
      expect(found.total).toEqual({ flash: found.core.wasmBytes, ram: found.core.memoryBytes });
    },
    TIMEOUT_MS,
  );
});

describe("budget", () => {
  const page = readFileSync(new URL("../docs/FOOTPRINT.md", import.meta.url), "utf8");
  const figures = readFigures(page) as Figures;

  it("budget: the page has a figure for every budget", () => {
    for (const { path } of BUDGETS) expect(figureAt(figures, path)).toBeGreaterThan(0);
    expect(readFigures("# Another page")).toBeUndefined();
  });

  it("budget: growth of 2 % passes, more is told with both figures", () => {
    const grown = (flash: number): Figures => ({
      ...figures,
      agentAot: { ...figures.agentAot, flash },
    });
    expect(findGrowth(grown(10_000), grown(10_200))).toEqual([]);
    expect(findGrowth(grown(10_000), grown(10_201))).toEqual([
      expect.stringMatching(/^agentAot.flash: 10000 -> 10201, 2.0 % more/),
    ]);
    expect(findGrowth(grown(10_000), grown(5))).toEqual([]);
  });

  it("budget: a figure above what was accepted is told", () => {
    const over = { ...figures, messageBytes: { heartbeat: 41, perFlow: 18 } };
    const lines = findOverBudget(over).filter((line) => line.startsWith("messageBytes"));
    expect(lines).toEqual(["messageBytes.heartbeat: 41 of 40: message of a heartbeat alone, B"]);
  });
});

const title = isComplete ? "footprint images" : "footprint images (run `npm run setup:firmware`)";
suite(title, () => {
  it(
    "footprint: parts of an image are told, and the core's memory is in the back end's RAM",
    async () => {
      const { wasm } = await buildCore(LEAST);
      const { memoryBytes } = measureCore(wasm);
      const core = { wasm, memoryBytes, optimization: "-Os" as const };
      const image = measureImage({ cpu: "cortex-m4", core });
      expect(image.core.flash).toBeGreaterThan(1000);
      expect(image.backend.ram).toBeGreaterThanOrEqual(memoryBytes);
      expect(image.backend.ram).toBeLessThan(memoryBytes + 200);
      expect(totalOf(image).ram).toBeLessThan(memoryBytes + 1000);
      const wasm3 = measureImage({ cpu: "cortex-m4" });
      expect(wasm3.core).toEqual({ flash: 0, ram: 0 });
      expect(wasm3.runtime.flash).toBeGreaterThan(20_000);
    },
    TIMEOUT_MS,
  );

  it.each(["wasm3", "aot"] as const)(
    "footprint: under %s the sum is that of its parts",
    async (backend) => {
      const profile = { ...loadBoard("mps2-an386"), backend, options: LEAST };
      const found = await measureFootprint(profile, { withCosts: false });
      expect(found.missing).toEqual([]);
      const sum = (key: "flash" | "ram") => found.parts.reduce((all, part) => all + part[key], 0);
      expect(found.total).toEqual({ flash: sum("flash"), ram: sum("ram") });
      expect(found.total.ram).toBeGreaterThan(found.core.memoryBytes);
      expect(found.parts.every(({ flash, ram }) => flash >= 0 && ram >= 0)).toBe(true);
    },
    TIMEOUT_MS,
  );
});
