import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { runScenario } from "../sim/run.ts";
import type { Scenario } from "../sim/scenario.ts";
import { parseScenario } from "../sim/scenario-read.ts";
import { randomScenario, shrink } from "../sim/swarm.ts";

describe("swarm", () => {
  it("swarm: random scenarios are valid, equal for equal seeds, and survive YAML", () => {
    for (let seed = 1; seed <= 100; seed++) {
      const scenario = randomScenario(seed, 4);
      expect(randomScenario(seed, 4)).toEqual(scenario);
      expect(parseScenario(stringify(scenario), "swarm.yaml")).toEqual(scenario);
    }
  });

  it("swarm: what must always hold does, over random scenarios", async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const scenario = randomScenario(seed, 2);
      const { checks } = await runScenario(scenario, { file: `seed ${seed}` });
      expect(checks.filter(({ isMet }) => !isMet)).toEqual([]);
    }
  });

  it("swarm: a failure is made as short as it can be", async () => {
    const [guilty, other] = ["trap", "clockLost"];
    const scenario: Scenario = {
      ...randomScenario(3, 8),
      duration: "8h",
      faults: [
        { kind: other, from: "1m" },
        { kind: guilty, from: "2m" },
        { kind: other, from: "3m" },
      ],
    };
    const fails = async ({ faults = [], duration }: Scenario) =>
      faults.some(({ kind }) => kind === guilty) && duration !== "15m";
    const short = await shrink(scenario, fails);
    expect(short.faults).toEqual([{ kind: guilty, from: "2m" }]);
    expect(short.traffic).toEqual([]);
    expect(short.observations).toEqual([]);
    expect(short.duration).toBe("30m");
  });
});
