/** `picket sim`: scenarios, swarms, recordings and fleets of simulated boards. */
import { type Command, InvalidArgumentError } from "commander";
import { wholeNumber } from "../arguments.ts";
import { isOwnFault, UserError } from "../errors.ts";
import type { FleetFlags } from "../sim-fleet.ts";
import type { RecordFlags, ReplayFlags } from "../sim-record.ts";
import type { RunFlags } from "../sim-run.ts";
import type { SwarmFlags } from "../sim-swarm.ts";

const SEED_MAX = 999_999_999;
const DEFAULT_SPEED = 1;

export function register(program: Command): void {
  const sim = program
    .command("sim")
    .description("simulate boards on virtual time: scenarios, faults, fleets, reports for CI");
  registerRun(sim);
  registerSwarm(sim);
  registerRecord(sim);
  registerFleet(sim);
  sim
    .command("schema")
    .description("print the JSON Schema of scenarios, for editors")
    .addHelpText("after", "\nExample:\n  picket sim schema > scenario.schema.json")
    .action(async () => {
      const { schemaText } = await import("../sim-run.ts");
      process.stdout.write(schemaText());
    });
  for (const command of sim.commands) command.copyInheritedSettings(program);
}

function registerRun(sim: Command): void {
  sim
    .command("run")
    .description("run scenarios and hold what happens against what they expect")
    .argument("<file...>", "scenarios, YAML")
    .option("--board <profile>", "run all boards as this board: a name, or a profile's file")
    .option("--engine <name>", "v8, wasm3 or qemu")
    .option("--seed <n>", "instead of the scenario's", wholeNumber(0, SEED_MAX))
    .option("--junit <file>", "write JUnit XML; -: to standard output")
    .option("--json <file>", "write everything as JSON; -: to standard output")
    .option("--html <file>", "write a page with the timelines")
    .option("--hub <connection-string>", "send the messages to a running hub as well")
    .option("--real-time", "virtual time goes as fast as real time")
    .option("--speed <factor>", "virtual seconds in a real one", factor)
    .addHelpText(
      "after",
      `
Exit status 0 when everything was as expected, 1 when not, 2 when a scenario or option cannot be
used. In GitHub Actions, failures are shown as annotations. --hub takes the connection string of a
policy that may register devices; with it, virtual time goes as fast as real time unless --speed
says otherwise.

Examples:
  picket sim run sim/scenarios/beacon.yaml
  picket sim run sim/scenarios/*.yaml --junit sim.xml --html sim.html
  picket sim run my.yaml --board stm32f746g-disco --engine wasm3 --seed 7`,
    )
    .action(async (files: string[], flags: RunFlags) => {
      const { runFiles } = await import("../sim-run.ts");
      const speed = flags.speed ?? (flags.realTime || flags.hub ? DEFAULT_SPEED : undefined);
      process.exitCode = await judged(runFiles(files, { ...flags, speed }));
    });
}

function registerSwarm(sim: Command): void {
  sim
    .command("swarm")
    .description("random scenarios with random faults; a failure is made short and can be repeated")
    .option("--seeds <n>", "so many scenarios", wholeNumber(1, 1_000_000), 100)
    .option("--first <n>", "seed of the first one", wholeNumber(0, SEED_MAX), 1)
    .option("--hours <h>", "virtual hours of each", wholeNumber(1, 8760), 4)
    .option("--engine <name>", "v8 or wasm3", "v8")
    .option("--out <file>", "where the shortened scenario of a failure goes", "swarm-failure.yaml")
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      `
What must always hold is checked: see docs/simulator.md. Exit status 0 when it did, 1 when not.

Examples:
  picket sim swarm --seeds 200
  picket sim swarm --seeds 1 --first 4711 --hours 12`,
    )
    .action(async (flags: SwarmFlags) => {
      const { swarm } = await import("../sim-swarm.ts");
      process.exitCode = await judged(swarm(flags));
    });
}

function registerRecord(sim: Command): void {
  sim
    .command("record")
    .description("run a scenario and write what its boards were fed and what they produced")
    .argument("<file>", "scenario, YAML")
    .requiredOption("--out <file>", "the recording")
    .option("--board <profile>", "run all boards as this board: a name, or a profile's file")
    .option("--seed <n>", "instead of the scenario's", wholeNumber(0, SEED_MAX))
    .option("--engine <name>", "v8, wasm3 or qemu", "v8")
    .option("--at <duration>", "begin the recording then, such as 30m, from the board's memory")
    .option("--snapshot <file>", "where the board's memory of that time goes")
    .addHelpText(
      "after",
      `
Examples:
  picket sim record sim/scenarios/beacon.yaml --out run.picket
  picket sim record my.yaml --out tail.picket --at 30m --snapshot memory.bin
  picket sim replay tail.picket --snapshot memory.bin --engine wasm3`,
    )
    .action(async (file: string, flags: RecordFlags) => {
      const { record } = await import("../sim-record.ts");
      process.exitCode = await judged(record(file, flags));
    });
  sim
    .command("replay")
    .description("run a recording on another engine or core, and tell the first difference")
    .argument("<recording>", "from `picket sim record`, or a board's field trace")
    .option("--engine <name>", "v8, wasm3 or qemu", "v8")
    .option("--core <file>", "another core module; its outputs may differ")
    .option("--snapshot <file>", "go on from a board's memory instead of a start")
    .option("--board <device>", "only this device of the recording")
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      `
Exit status 0 when all outputs are the same, 1 when one differs.

Examples:
  picket sim replay run.picket --engine wasm3
  picket sim replay field.picket --snapshot memory.bin --core build/core.wasm`,
    )
    .action(async (file: string, flags: ReplayFlags) => {
      const { replayRecording } = await import("../sim-record.ts");
      process.exitCode = await judged(replayRecording(file, flags));
    });
}

function registerFleet(sim: Command): void {
  sim
    .command("fleet")
    .description("simulate thousands of boards: messages, bytes, alerts, and what the hub bills")
    .argument("[file]", "fleet description, YAML; without one, the telemetry mix")
    .option("--boards <n>", "instead of the file's", wholeNumber(1, 1_000_000))
    .option("--hours <h>", "instead of the file's", wholeNumber(1, 8760))
    .option("--high <duration>", "what if highPriorityMessageFrequency were this, such as 15m")
    .option("--low <duration>", "what if lowPriorityMessageFrequency were this")
    .option("--seed <n>", "seed", wholeNumber(0, SEED_MAX))
    .option("--sample <n>", "simulate so many boards and multiply", wholeNumber(1, 1_000_000))
    .option("--price <list>", "price of a hub unit in a month by edition, such as S1=25,S2=250")
    .option("--detect", "run detection on all messages")
    .option("--hub <connection-string>", "drive a running hub over MQTT, in real time")
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      `
Examples:
  picket sim fleet --boards 50000 --sample 1000
  picket sim fleet --boards 50000 --sample 1000 --high 15m --price S1=25,S2=250
  picket sim fleet sim/scenarios/fleet/outage.yaml --detect`,
    )
    .action(async (file: string | undefined, flags: FleetFlags) => {
      const { fleet } = await import("../sim-fleet.ts");
      process.exitCode = await judged(fleet(file, flags));
    });
}

/** Status 1 says that something was not as expected: what cannot be used at all is 2. */
async function judged(status: Promise<number>): Promise<number> {
  try {
    return await status;
  } catch (error) {
    if (!(error instanceof Error) || isOwnFault(error)) throw error;
    throw new UserError(error.message, 2, { cause: error });
  }
}

function factor(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1e9) return value;
  throw new InvalidArgumentError("give a number above 0");
}
