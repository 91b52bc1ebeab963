import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildCore } from "../boards/build.ts";
import { measureCore } from "../boards/core-size.ts";
import {
  OPTIONS,
  type Option,
  type OptionName,
  renderOptionsModule,
  resolveOptions,
} from "../boards/options.ts";
import { OPTIONS_SCHEMA, renderOptionsPage } from "../boards/options-schema.ts";

const table = Object.entries(OPTIONS) as [OptionName, Option][];
const validate = new Ajv({ strict: false }).compile(OPTIONS_SCHEMA);

describe("options", () => {
  it("options: the defaults are in range and do not contradict each other", () => {
    expect(resolveOptions({})).toEqual(
      Object.fromEntries(table.map(([name, option]) => [name, option.default])),
    );
  });

  it.each(table)("options: %s is taken at its limits and refused beyond", (name, option) => {
    const others = { STORE_BYTES: 16_777_216, MESSAGE_BYTES_MAX: 262_144 };
    const alone: Record<string, number> =
      option.needs === undefined ? {} : { AGGREGATION_SLOTS: 0 };
    const collectors: Record<string, number> =
      name === "COLLECT_CONNECTIONS" ? { COLLECT_CONNECTION_CREATE: 0 } : {};
    const given = (value: number): Record<string, number> => ({
      ...others,
      ...alone,
      ...collectors,
      [name]: value,
    });
    const smallest = name === "STORE_BYTES" || name === "MESSAGE_BYTES_MAX";
    const roomy: Record<string, number> = smallest ? { EVENT_BYTES_MAX: 384 } : {};
    for (const value of [option.min, option.max]) {
      expect(resolveOptions({ ...given(value), ...roomy })[name]).toBe(value);
      expect(validate({ [name]: value })).toBe(true);
    }
    for (const value of [option.min - 1, option.max + 1, option.min + 0.5]) {
      expect(() => resolveOptions(given(value))).toThrow(new RegExp(`^option ${name}: [^\n]*$`));
      expect(validate({ [name]: value })).toBe(false);
    }
  });

  it("options: schema and check agree on any single value", () => {
    fc.assert(
      fc.property(fc.constantFrom(...table), fc.integer({ min: -2, max: 70_000 }), (row, value) => {
        const [name] = row;
        let message = "";
        try {
          resolveOptions({ [name]: value });
        } catch (error) {
          message = (error as Error).message;
        }
        const isContradiction = / needs | does not hold /.test(message);
        expect(validate({ [name]: value })).toBe(message === "" || isContradiction);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    [{ FLOW_SLOTS: 3 }, /^unknown option FLOW_SLOTS; there are FLOW_SLOTS_IPV4, .*$/],
    [{ constructor: 3 }, /^unknown option constructor; /],
    [{ RING_SLOTS: 24 }, /^option RING_SLOTS: 24 is not a power of two$/],
    [{ RING_HEAD_BYTES: 62 }, /^option RING_HEAD_BYTES: 62 is not a multiple of 4$/],
    [
      { COLLECT_CONNECTIONS: 0 },
      /^option COLLECT_CONNECTION_CREATE: 1 needs COLLECT_CONNECTIONS, which is 0: set COLLECT_CONNECTION_CREATE=0 as well$/,
    ],
    [
      { COLLECT_CONNECTION_CREATE: 0, COLLECT_PROCESS: 0 },
      /^option AGGREGATION_SLOTS: 8 needs COLLECT_CONNECTION_CREATE or COLLECT_PROCESS/,
    ],
    [{ EVENT_BYTES_MAX: 2048 }, /^option STORE_BYTES: 2048 does not hold .* give 2092 or more$/],
    [
      { EVENT_BYTES_MAX: 1024, MESSAGE_BYTES_MAX: 1084 },
      /^option MESSAGE_BYTES_MAX: 1084 does not hold .* give 1088 or more$/,
    ],
  ])("options: %j is refused in one line", (given, message) => {
    expect(() => resolveOptions(given as Record<string, number>)).toThrow(message);
  });

  it("options: the core's constants and the page are what the table says", () => {
    const constants = readFileSync(new URL("../assembly/options.ts", import.meta.url), "utf8");
    const page = readFileSync(new URL("../docs/options.md", import.meta.url), "utf8");
    expect(renderOptionsModule({})).toBe(constants);
    expect(renderOptionsPage()).toBe(page);
    for (const [name] of table) expect(page).toContain(`| \`${name}\` |`);
  });

  it("options: cores with all tables at their smallest and at large sizes build", async () => {
    const small = await buildCore({
      FLOW_SLOTS_IPV4: 1,
      FLOW_SLOTS_IPV6: 0,
      RING_SLOTS: 4,
      RING_HEAD_BYTES: 56,
      STORE_BYTES: 1024,
      EVENT_BYTES_MAX: 384,
    });
    expect(measureCore(small.wasm).memoryBytes).toBeLessThan(8192);
    const large = await buildCore({
      STORE_FLASH: 1,
      STORE_SECTORS_MAX: 4096,
      AGGREGATION_SLOTS: 256,
      FLOW_SLOTS_IPV4: 1024,
    });
    expect(measureCore(large.wasm).memoryBytes).toBeGreaterThan(100_000);
  }, 60_000);
});
