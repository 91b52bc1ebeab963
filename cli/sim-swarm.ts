/** `picket sim swarm`: many random scenarios; a failure is made short. */
import { writeFileSync } from "node:fs";
import { stringify } from "yaml";
import { durationText } from "../sim/duration.ts";
import { isPassed, type RunResult } from "../sim/result.ts";
import { runScenario } from "../sim/run.ts";
import type { Scenario } from "../sim/scenario.ts";
import { randomScenario, shrink } from "../sim/swarm.ts";
import { createScreen } from "./screen.ts";
import { openEngine } from "./sim-engine.ts";

export interface SwarmFlags {
  readonly seeds: number;
  readonly first: number;
  readonly hours: number;
  readonly engine: string;
  readonly out: string;
  readonly json?: true;
}

/** @returns the exit status */
export async function swarm(flags: SwarmFlags): Promise<number> {
  const screen = createScreen(process.stderr);
  let events = 0;
  let faults = 0;
  for (let i = 0; i < flags.seeds; i++) {
    const seed = flags.first + i;
    const scenario = randomScenario(seed, flags.hours);
    screen.block(`${i} of ${flags.seeds} passed, seed ${seed}\n`);
    const result = await run(scenario, flags);
    events += result.totals.events ?? 0;
    faults += scenario.faults?.length ?? 0;
    if (isPassed(result)) continue;
    screen.block("");
    await report(scenario, result, flags, i, (line) => screen.line(line));
    screen.end();
    return 1;
  }
  screen.block("");
  screen.end();
  if (flags.json) {
    process.stdout.write(
      `${JSON.stringify({ passed: true, scenarios: flags.seeds, events, faults })}\n`,
    );
    return 0;
  }
  process.stdout.write(
    `${flags.seeds} random scenarios of ${flags.hours} h passed: ${faults} faults, ${events} events\n`,
  );
  return 0;
}

async function run(scenario: Scenario, flags: SwarmFlags): Promise<RunResult> {
  const file = `seed ${scenario.seed}`;
  const { engine, close } = openEngine(flags.engine, scenario);
  try {
    return await runScenario(scenario, { engine, file });
  } finally {
    close();
  }
}

async function report(
  scenario: Scenario,
  result: RunResult,
  flags: SwarmFlags,
  passed: number,
  line: (text: string) => void,
): Promise<void> {
  const broken = (found: RunResult) =>
    found.checks.filter(({ isMet }) => !isMet).map(({ name }) => name);
  const names = new Set(broken(result));
  line(`seed ${scenario.seed} fails after ${passed} that passed; making it short`);
  const short = await shrink(scenario, async (candidate) =>
    broken(await run(candidate, flags)).some((name) => names.has(name)),
  );
  writeFileSync(flags.out, stringify(short));
  const again = `picket sim swarm --seeds 1 --first ${scenario.seed} --hours ${flags.hours} --engine ${flags.engine}`;
  const failed = result.checks.filter(({ isMet }) => !isMet);
  for (const { name, found } of failed) line(`  expected ${name}\n     found ${found}`);
  const { faults = [], traffic = [], duration } = short;
  line(
    `  short: ${traffic.length} traffic, ${faults.length} faults, ${duration} (was ${durationText(flags.hours * 3_600_000)})`,
  );
  line(`  repeat: ${again}`);
  line(`  repeat the short one: picket sim run ${flags.out}`);
  if (flags.json) {
    const document = { passed: false, seed: scenario.seed, checks: failed, short, repeat: again };
    process.stdout.write(`${JSON.stringify(document)}\n`);
  }
}
