import fc from "fast-check";
import { expect, it } from "vitest";
import type { Alert } from "../detect/alerts.ts";
import { createDetection, type DeviceState } from "../detect/detection.ts";
import { optionsOf } from "../detect/rule-files.ts";
import { createPrng, dayOfEvents, type Step } from "./support/detect-day.ts";

const options = optionsOf(
  {
    groups: {
      default: {
        properties: {
          timeWindowRules: [
            {
              isEnabled: true,
              ruleType: "MqttC2DMessagesNotInAllowedRange",
              minThreshold: 1,
              maxThreshold: 20,
              timeWindowSize: "PT30M",
            },
            {
              isEnabled: true,
              ruleType: "ActiveConnectionsNotInAllowedRange",
              minThreshold: 1,
              maxThreshold: 5,
              timeWindowSize: "PT10M",
              windowsToRaise: 2,
              windowsToClear: 3,
            },
          ],
          allowlistRules: [
            {
              isEnabled: true,
              ruleType: "ConnectionToIpNotAllowed",
              allowlistValues: ["10.0.0.0/8", "192.0.2.0/24"],
            },
          ],
        },
      },
    },
    rules: [
      {
        name: "bytes",
        event: "NetworkActivity",
        measure: { sum: "bytesOut" },
        window: "PT1H",
        max: 22_000,
      },
      {
        name: "peers",
        event: "NetworkActivity",
        measure: { distinct: "remoteAddress" },
        window: "PT1H",
        max: 6,
      },
      { name: "telnet", event: "NetworkActivity", where: { remotePort: 23 }, by: "remoteAddress" },
    ],
  },
  "test",
);
const DEVICES = 12;
const day = dayOfEvents({ seed: 7, devices: DEVICES, stepMs: 10 * 60_000 });

/** Runs steps over `states`, alerts under the number of the step that raised them. */
function run(states: Map<string, DeviceState>, steps: readonly Step[]): [number, Alert][] {
  const detection = createDetection(options);
  return steps.flatMap(({ serial, deviceId, input }) => {
    let state = states.get(deviceId);
    if (!state) {
      state = detection.create(deviceId);
      states.set(deviceId, state);
    }
    return detection.apply(state, input).map((alert): [number, Alert] => [serial, alert]);
  });
}

const whole = run(new Map(), day);
const partitionOf = (deviceId: string, seed: number) => (Number(deviceId.slice(3)) * 7 + seed) % 4;

it("determinism: the day raises alerts of many kinds", () => {
  const rules = new Set(whole.map(([, alert]) => alert.rule));
  expect([...rules].sort()).toEqual(
    expect.arrayContaining([
      "ActiveConnectionsNotInAllowedRange",
      "ConnectionToIpNotAllowed",
      "MqttC2DMessagesNotInAllowedRange",
      "bytes",
      "hostScanOut",
      "peers",
      "telnet",
    ]),
  );
  expect(whole.some(([, alert]) => alert.state === "resolved")).toBe(true);
});

it("determinism: split at random points and over four reducers, the alerts are the same", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1 }), fc.integer({ min: 0, max: 20 }), (seed, cuts) => {
      const random = createPrng(seed);
      const points = Array.from({ length: cuts }, () => Math.floor(random() * day.length));
      const bounds = [0, ...points.sort((a, b) => a - b), day.length];
      const found: [number, Alert][] = [];
      let saved = ["[]", "[]", "[]", "[]"];
      for (let piece = 0; piece + 1 < bounds.length; piece++) {
        const steps = day.slice(bounds[piece], bounds[piece + 1]);
        saved = saved.map((text, partition) => {
          const states = new Map<string, DeviceState>(JSON.parse(text));
          const own = steps.filter(({ deviceId }) => partitionOf(deviceId, seed) === partition);
          found.push(...run(states, own));
          return JSON.stringify([...states]);
        });
      }
      found.sort(([a], [b]) => a - b);
      expect(found).toEqual(whole);
    }),
    { numRuns: 20 },
  );
});

it("determinism: reduce leaves the state it is given as it is", () => {
  const detection = createDetection(options);
  const state = detection.create("dev0");
  const first = day.find(({ deviceId }) => deviceId === "dev0") as Step;
  const before = JSON.stringify(state);
  const result = detection.reduce(state, first.input);
  expect(JSON.stringify(state)).toBe(before);
  expect(JSON.stringify(result.state)).not.toBe(before);
});
