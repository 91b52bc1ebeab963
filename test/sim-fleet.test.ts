import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { buildCore } from "../boards/build.ts";
import { type FleetDescription, parseFleet, TELEMETRY_FLEET } from "../sim/fleet/description.ts";
import { createFleet, type FleetTotals } from "../sim/fleet/fleet.ts";
import { createSnapshots } from "../sim/fleet/snapshots.ts";
import { changeText, costsOf, percentiles, summarise } from "../sim/fleet/summary.ts";
import { ScenarioError } from "../sim/scenario.ts";
import { TWIN_OBJECT } from "../wire/twin-properties.ts";

const HOUR_MS = 3_600_000;
let wasm: Uint8Array;

beforeAll(async () => {
  wasm = (await buildCore()).wasm;
});

function run(fleet: FleetDescription, hours: number, messages: string[] = []): FleetTotals {
  const simulated = createFleet({
    fleet,
    wasm,
    seed: 1,
    startWallS: 1_767_225_600,
    onMessage: (board, timeMs, bytes) =>
      void messages.push(`${board} ${timeMs} ${Buffer.from(bytes).toString("hex")}`),
  });
  simulated.run(hours * HOUR_MS);
  return simulated.totals();
}

describe("fleet", () => {
  it("fleet: snapshots give back every memory", () => {
    const memory = fc.uint32Array({ minLength: 64, maxLength: 64 });
    fc.assert(
      fc.property(memory, fc.array(memory, { minLength: 1, maxLength: 5 }), (base, boards) => {
        const snapshots = createSnapshots(base, boards.length);
        const working = base.slice();
        expect(snapshots.load(0, working)).toBe(false);
        for (let round = 0; round < 2; round++) {
          for (const [i, board] of boards.entries()) snapshots.save(i, board);
        }
        for (const [i, board] of boards.entries()) {
          expect(snapshots.load(i, working)).toBe(true);
          expect(working).toEqual(board);
        }
      }),
    );
  });

  it("fleet: swapping memories changes no byte of what a board sends", () => {
    const whole: string[] = [];
    const sliced: string[] = [];
    run({ ...TELEMETRY_FLEET, boards: 20 }, 3, whole);
    const simulated = createFleet({
      fleet: { ...TELEMETRY_FLEET, boards: 20 },
      wasm,
      seed: 1,
      startWallS: 1_767_225_600,
      onMessage: (board, timeMs, bytes) =>
        void sliced.push(`${board} ${timeMs} ${Buffer.from(bytes).toString("hex")}`),
    });
    for (let minutes = 7; minutes < 180; minutes += 7) simulated.run(minutes * 60_000);
    simulated.run(3 * HOUR_MS);
    expect(sliced.sort()).toEqual(whole.sort());
    expect(whole.length).toBeGreaterThan(20 * 20);
  });

  it("fleet: a region's outage fails its sends and no others, twin changes come in stages", () => {
    const base: FleetDescription = {
      ...TELEMETRY_FLEET,
      boards: 60,
      regions: [
        { name: "west", share: 50 },
        { name: "east", share: 50 },
      ],
    };
    const calm = run(base, 4);
    const outage = run({ ...base, outages: [{ region: "east", from: "1h", for: "30m" }] }, 4);
    const hit = outage.failedSends.filter((count) => count > 0).length;
    expect(calm.failedSends.every((count) => count === 0)).toBe(true);
    expect(hit).toBeGreaterThan(10);
    expect(hit).toBeLessThan(50);
    const slower = run(
      {
        ...base,
        twinChanges: [
          {
            from: "1h",
            every: "1h",
            stages: [50, 100],
            desired: {
              "ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration": {
                highPriorityMessageFrequency: { value: "PT1H" },
              },
            },
          },
        ],
      },
      4,
    );
    const sum = (list: Uint32Array) => list.reduce((total, count) => total + count, 0);
    expect(sum(slower.messages)).toBeLessThan(0.8 * sum(calm.messages));
  });

  it("fleet: keeps to its budgets of memory and time", () => {
    const startMs = performance.now();
    const totals = run({ ...TELEMETRY_FLEET, boards: 1000 }, 2);
    const seconds = (performance.now() - startMs) / 1000;
    expect(totals.snapshotBytes / totals.boards).toBeLessThan(8000);
    // Accepted: 1,000 boards for 24 h in 60 s, so 2 h in 5 s; a loaded machine has four times it.
    expect(seconds).toBeLessThan(20);
  });

  it("fleet: the summary multiplies a sample and gives hub units", () => {
    const totals: FleetTotals = {
      boards: 2,
      hours: 12,
      packets: 10,
      messages: Uint32Array.of(1, 3),
      bytes: Float64Array.of(100, 9000),
      units: Uint32Array.of(1, 4),
      failedSends: Uint32Array.of(0, 1),
      snapshotBytes: 0,
    };
    const summary = summarise(totals, 1, 100_000);
    expect(summary.boards).toBe(200_000);
    expect(summary.perDay).toEqual({ messages: 800_000, bytes: 1_820_000_000, units: 1_000_000 });
    expect(summary.hubUnits).toEqual({ S1: 3, S2: 1, S3: 1 });
    expect(percentiles([1, 2, 3, 4], 1)).toEqual({ p50: 2, p95: 4, p99: 4, max: 4 });
  });

  it("fleet: a description with a mistake is refused in one line", () => {
    const sound = "name: a\nboards: 1\nhours: 1\nmix: [{ name: m, share: 1, traffic: [] }]\n";
    expect(parseFleet(sound, "f.yaml").boards).toBe(1);
    for (const text of ["a: [", "name: a", sound.replace("boards: 1", "boards: 0")]) {
      expect(() => parseFleet(text, "f.yaml")).toThrow(ScenarioError);
      expect(() => parseFleet(text, "f.yaml")).toThrow(/^f\.yaml: [^\n]+$/);
    }
    const outage = `${sound}outages: [{ region: x, from: 1h, for: 1h }]\n`;
    expect(() => parseFleet(outage, "f.yaml")).toThrow(/no region "x"/);
  });

  it("fleet: messages and units of a day are what the intervals make of them", () => {
    // A message each 7 minutes, another each 5 hours.
    const hand = (highS: number) => Math.floor(86_400 / highS) + Math.floor(86_400 / 18_000);
    for (const [interval, seconds] of [
      ["PT7M", 420],
      ["PT15M", 900],
      ["PT1H", 3600],
    ] as const) {
      const twin = { [TWIN_OBJECT]: { highPriorityMessageFrequency: { value: interval } } };
      const totals = run({ ...TELEMETRY_FLEET, boards: 20, startSpread: "1s", twin }, 24);
      const summary = summarise(totals, 0, 2500);
      for (const most of [summary.board.messages.p50, summary.board.units.p50]) {
        expect(Math.abs(most - hand(seconds))).toBeLessThanOrEqual(2);
      }
      expect(summary.boards).toBe(50_000);
      expect(summary.hubUnits.S1).toBe(Math.ceil(summary.perDay.units / 400_000));
    }
  });

  it("fleet: costs and changes are told", () => {
    const fleet = { ...TELEMETRY_FLEET, boards: 2 };
    const summary = summarise(run(fleet, 1), 0, 25_000);
    const { S1: units = 0 } = summary.hubUnits;
    expect(costsOf(summary, new Map([["S1", 25]]))).toEqual({
      S1: { units, perDay: Math.round((units * 25 * 12 * 100) / 365.25) / 100 },
    });
    const half = { ...summary, perDay: { ...summary.perDay, units: summary.perDay.units / 2 } };
    expect(changeText(summary, half)).toMatch(/: -\d+ units, -50 %\n$/);
  });
});
