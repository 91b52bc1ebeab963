import { beforeAll, expect, it } from "vitest";
import { buildCore } from "../boards/build.ts";
import type { BehaviourName } from "../detect/behaviours.ts";
import { REPLAY_OPTIONS } from "../sim/replay.ts";
import { HABITS, type HabitName } from "./support/benign-traffic.ts";
import { detect, generateCapture, measureCaptures } from "./support/labelled-captures.ts";

let wasm: Uint8Array;
beforeAll(async () => {
  wasm = (await buildCore({ ...REPLAY_OPTIONS })).wasm;
}, 60_000);

const told = (seed: number, intervalMs: number, habits: readonly HabitName[]) => {
  const alerts = detect(generateCapture(seed, null, habits), wasm, intervalMs);
  return alerts.map(({ rule, explanation }) => `${rule}: ${explanation}`);
};

it("labelled captures: attacks are found and named, quiet ones stay quiet", () => {
  const quality = measureCaptures(wasm, 1, 700_000);
  const text = JSON.stringify({ wrong: quality.wrong, missed: quality.missed }, null, 1);
  expect(quality.recall, text).toBeGreaterThanOrEqual(0.98);
  expect(quality.precision, text).toBeGreaterThanOrEqual(0.98);
  expect(quality.quiet, text).toBeGreaterThanOrEqual(0.98);
}, 180_000);

it.each(Object.keys(HABITS) as HabitName[])(
  "labelled captures: %s alone raises nothing",
  (habit) => {
    for (const intervalMs of [1000, 10_000, 60_000]) {
      for (const seed of [1, 2, 3]) expect(told(seed, intervalMs, [habit])).toEqual([]);
    }
  },
  60_000,
);

const SWITCHES: readonly (readonly [Parameters<typeof generateCapture>[1], BehaviourName[]])[] = [
  ["icmpFlood", ["icmpFlood"]],
  ["uploadNames", ["nameUpload"]],
  ["bruteForceHttp", ["bruteForceWeb", "requestFlood"]],
  ["wormScanSlow", ["hostScanOut", "hostScanOutSlow"]],
];

it.each(SWITCHES)("labelled captures: %s is told by its behaviour alone", (attack, names) => {
  const capture = generateCapture(77, attack, []);
  expect(detect(capture, wasm).length).toBeGreaterThan(0);
  const behaviours = Object.fromEntries(names.map((name) => [name, { enabled: false }]));
  expect(detect(capture, wasm, 1000, { behaviours })).toEqual([]);
});
