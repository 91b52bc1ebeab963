import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadScenario } from "../sim/run.ts";
import { ScenarioError } from "../sim/scenario.ts";
import { parseScenario } from "../sim/scenario-read.ts";
import { SCENARIO_SCHEMA } from "../sim/scenario-schema.ts";

const folder = fileURLToPath(new URL("../sim/scenarios/", import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

const SOUND = `name: test
purpose: A test
duration: 5m
boards:
  - name: sensor
peers:
  broker: 10.20.0.1
traffic:
  - kind: telemetry
    peer: broker
    every: 10s
`;

function errorOf(text: string): string {
  try {
    parseScenario(text, "a.yaml");
  } catch (error) {
    expect(error).toBeInstanceOf(ScenarioError);
    return (error as Error).message;
  }
  throw new Error("no error");
}

describe("scenarios", () => {
  it("scenario: all that ship are valid, and at least twelve expect alerts", () => {
    const scenarios = files.map((file) => loadScenario(`${folder}${file}`));
    for (const [i, { name }] of scenarios.entries()) expect(`${name}.yaml`).toBe(files[i]);
    const withAlerts = scenarios.filter(({ expect: wanted }) => (wanted?.alerts ?? []).length > 0);
    expect(withAlerts.length).toBeGreaterThanOrEqual(12);
  });

  it("scenario: the schema that ships for editors is the one that checks", () => {
    const shipped = JSON.parse(readFileSync(`${folder}scenario.schema.json`, "utf8"));
    expect(shipped).toEqual(JSON.parse(JSON.stringify(SCENARIO_SCHEMA)));
  });

  it("scenario: an error names file, line, place and what was expected", () => {
    expect(errorOf(SOUND.replace("every: 10s", "every: 10"))).toBe(
      "a.yaml:11: traffic[0].every: expected a duration such as 250ms, 10s, 5m, 2h or 1d",
    );
    expect(errorOf(SOUND.replace("every:", "evry:"))).toBe(
      'a.yaml:11: traffic[0]: "evry" is not known here, expected one of board, from, until, peer, every, bytes, port, jitter',
    );
    expect(errorOf(SOUND.replace("peer: broker", "peer: brokr"))).toBe(
      'a.yaml:10: traffic[0].peer: no peer "brokr", expected an address or: broker',
    );
    expect(errorOf(SOUND.replace("kind: telemetry", "kind: telepathy"))).toMatch(
      /^a\.yaml:9: traffic\[0\]: unknown kind "telepathy", expected one of capture, telemetry/,
    );
    expect(errorOf(SOUND.replace("duration: 5m\n", ""))).toBe('a.yaml:1: "duration" is missing');
    expect(errorOf(SOUND.replace("name: sensor", "name: [sensor"))).toMatch(/^a\.yaml:\d+: /);
    expect(errorOf(`${SOUND}faults:\n  - { kind: trap, board: other }\n`)).toBe(
      'a.yaml:13: faults[0].board: no board "other", expected one of sensor',
    );
  });

  it("scenario: any text gives a scenario or one line that names the file", () => {
    const line = fc.constantFrom(...SOUND.split("\n"), "  - ", "*a", "&a [*a]", "? {", "\t");
    fc.assert(
      fc.property(fc.array(fc.oneof(line, fc.string()), { maxLength: 30 }), (lines) => {
        try {
          parseScenario(lines.join("\n"), "a.yaml");
        } catch (error) {
          expect(error).toBeInstanceOf(ScenarioError);
          expect((error as Error).message).toMatch(/^a\.yaml[^\n]*$/);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("scenario: a few bytes that stand for gigabytes are refused", () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) =>
        `a${i}: &a${i} [${Array(9)
          .fill(i === 0 ? "x" : `*a${i - 1}`)
          .join(",")}]`,
    );
    expect(errorOf(levels.join("\n"))).toMatch(/alias/i);
  });
});
