import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CATALOGUE } from "../detect/catalogue.ts";
import { loadScenario } from "../sim/run.ts";
import { ScenarioError } from "../sim/scenario.ts";
import { parseScenario } from "../sim/scenario-read.ts";
import { SCENARIO_SCHEMA } from "../sim/scenario-schema.ts";

const folder = fileURLToPath(new URL("../sim/scenarios/", import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

/**
 * Who administers the hub causes these, other protocols than the agent's, rules of one's own; and
 * the agent collects no names that the device asks for.
 */
const OF_OTHERS =
  /Certificate|DiagnosticSetting|IoT_CA_(Amqp|Http)|Picket_CustomRule|MaliciousNameQueries/;

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
  it("scenario: all that ship are valid, and each alert that a device can cause is in one", () => {
    const types = CATALOGUE.map(({ type }) => type);
    const scenarios = files.map((file) => loadScenario(`${folder}${file}`, types));
    for (const [i, { name }] of scenarios.entries()) expect(`${name}.yaml`).toBe(files[i]);
    const expected = scenarios.flatMap(({ expect: wanted }) =>
      (wanted?.alerts ?? []).filter(({ max = 1 }) => max > 0).map(({ type }) => type),
    );
    const caused = CATALOGUE.filter(({ kind, raised }) => kind === "alert" && raised)
      .map(({ type }) => type)
      .filter((type) => !OF_OTHERS.test(type));
    expect(caused.length).toBeGreaterThan(30);
    expect(caused.filter((type) => !expected.includes(type))).toEqual([]);
  });

  it("scenario: an alert that is not in the catalogue is told with its line", () => {
    const types = ["Picket_Beacon"];
    const text = `${SOUND}expect:\n  alerts:\n    - { type: Picket_Beakon }\n`;
    expect(() => parseScenario(text, "a.yaml", types)).toThrow(
      'a.yaml:14: expect.alerts[0].type: no alert "Picket_Beakon"',
    );
    expect(() => parseScenario(text.replace("Beakon", "Beacon"), "a.yaml", types)).not.toThrow();
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
    expect(errorOf(`${SOUND}expect:\n  alerts:\n    - { type: a, board: other }\n`)).toBe(
      'a.yaml:14: expect.alerts[0].board: no board "other", expected one of sensor',
    );
    expect(errorOf(`${SOUND}threads:\n  - { at: 1s, thread: a, do: create }\n`)).toBe(
      'a.yaml:13: threads[0].thread: no thread "a", expected one of: none is given',
    );
    const flash = "name: sensor\n    flash: { sectors: 8 }";
    expect(errorOf(SOUND.replace("name: sensor", flash))).toBe(
      "a.yaml:6: boards[0].flash: sectorBytes, unitBytes missing",
    );
    expect(errorOf(SOUND.replace("name: sensor", flash.replace("sectors: 8", "")))).toBe(
      "a.yaml:6: boards[0].flash: sectorBytes, sectors, unitBytes missing, or a profile, whose store partition it then is",
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
