import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { available } from "wasm3-node";
import { engineNamed } from "../boards/engines.ts";
import { createDetector } from "../cli/sim-detector.ts";
import { isPassed, type RunResult } from "../sim/result.ts";
import { loadScenario, runScenario } from "../sim/run.ts";
import type { Scenario } from "../sim/scenario.ts";
import { parseScenario } from "../sim/scenario-read.ts";

const folder = fileURLToPath(new URL("../sim/scenarios/", import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

function run(scenario: Scenario, seed?: number, engine = "v8"): Promise<RunResult> {
  return runScenario(scenario, {
    file: scenario.name,
    seed,
    engine: engineNamed(engine),
    detector: createDetector(scenario.detection),
  });
}

function failed({ checks }: RunResult): string[] {
  return checks.filter(({ isMet }) => !isMet).map(({ name, found }) => `${name}: ${found}`);
}

const BROKEN = `name: broken
purpose: Expects what does not happen
duration: 10m
boards:
  - name: sensor
    intervals: { high: 10s, low: 1m }
peers: { broker: 10.20.0.1, scanner: 10.20.0.66 }
traffic:
  - { kind: telemetry, peer: broker, every: 10s }
  - { kind: portScan, peer: scanner, from: 1m }
expect:
  alerts:
    - { type: Picket_Beacon }
    - { type: Picket_PortScanAgainstDevice, by: 1m }
  events:
    - { name: Login }
  counters:
    - { name: messages, max: 3 }
  reported:
    - { property: latest_state, value: failed }
  nothingElse: [losses]
`;

describe("runs", () => {
  let broken: RunResult;
  beforeAll(async () => {
    broken = await run(parseScenario(BROKEN, "broken.yaml"));
  });

  for (const file of files) {
    it(`run: ${file} meets its expectations`, async () => {
      const result = await run(loadScenario(`${folder}${file}`));
      expect(failed(result)).toEqual([]);
      expect(isPassed(result)).toBe(true);
    });
  }

  it("run: each expectation that is not met fails, and says what was found", () => {
    expect(failed(broken)).toEqual([
      "alert Picket_Beacon: at least 1: 0",
      "alert Picket_PortScanAgainstDevice by 1m: at least 1: 0",
      "event Login: at least 1: 0",
      expect.stringMatching(/^counter messages: 0 to 3: \d\d$/),
      'reported property latest_state of sensor: "failed": "success"',
      expect.stringMatching(/^nothing else: losses: sensor flowTableFullIpv4 \d+$/),
    ]);
  });

  it("run: nothing else finds alerts and events that no one expected", async () => {
    const text = BROKEN.replace(/expect:[\s\S]*/, "expect: { nothingElse: [alerts] }\n");
    const result = await run(parseScenario(text, "broken.yaml"));
    expect(failed(result)).toEqual([
      expect.stringMatching(/^nothing else: alerts: sensor Picket_PortScanAgainstDevice/),
    ]);
  });

  it("run: the same seed gives the same bytes, another one others", async () => {
    const scenario = loadScenario(`${folder}bad-network.yaml`);
    const [first, again, other] = [
      await run(scenario, 5),
      await run(scenario, 5),
      await run(scenario, 6),
    ];
    expect(again).toEqual(first);
    expect(other.digest).not.toBe(first.digest);
  });

  it.runIf(available)("run: wasm3 gives the bytes that V8 gives", async () => {
    for (const name of ["bad-day", "flash-outage", "twin-not-valid"]) {
      const scenario = loadScenario(`${folder}${name}.yaml`);
      const [v8, wasm3] = [await run(scenario), await run(scenario, undefined, "wasm3")];
      expect(wasm3.digest).toBe(v8.digest);
    }
  });

  it("run: several boards have their own traffic and names", async () => {
    const text = BROKEN.replace("- name: sensor", "- name: sensor\n    count: 3").replace(
      /expect:[\s\S]*/,
      "",
    );
    const result = await run(parseScenario(text, "three.yaml"));
    expect(result.boards.map(({ deviceId }) => deviceId)).toEqual([
      "sensor-1",
      "sensor-2",
      "sensor-3",
    ]);
    expect(new Set(result.alerts.map(({ deviceId }) => deviceId)).size).toBe(3);
    expect(failed(result)).toEqual([]);
  });
});
