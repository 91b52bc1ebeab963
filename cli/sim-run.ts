/** `picket sim run`: runs scenarios with detection, shows and writes the reports. */
import { writeFileSync } from "node:fs";
import { engineNamed, qemuEngine } from "../boards/engines.ts";
import { MACHINES, type MachineName } from "../boards/firmware/machines.ts";
import { loadBoard } from "../boards/profile.ts";
import type { BackendName } from "../boards/profile-fields.ts";
import { CATALOGUE } from "../detect/catalogue.ts";
import type { QemuEngine } from "../host/engines/qemu.ts";
import { durationText } from "../sim/duration.ts";
import { githubAnnotations } from "../sim/reports/github.ts";
import { htmlPage } from "../sim/reports/html.ts";
import { runDocument } from "../sim/reports/json.ts";
import { junitXml } from "../sim/reports/junit.ts";
import { failureText, runTable } from "../sim/reports/terminal.ts";
import { isPassed, type RunResult } from "../sim/result.ts";
import { loadScenario, type RunOptions, runScenario } from "../sim/run.ts";
import type { Scenario } from "../sim/scenario.ts";
import { SCENARIO_SCHEMA } from "../sim/scenario-schema.ts";
import { UserError } from "./errors.ts";
import { createScreen } from "./screen.ts";
import { createDetector } from "./sim-detector.ts";

/** A Cortex-M4 board that QEMU has; for scenarios whose board it has not. */
const QEMU_MACHINE = "mps2-an386";
const ALERT_TYPES = CATALOGUE.map(({ type }) => type);

export interface RunFlags {
  readonly board?: string;
  readonly engine?: string;
  readonly seed?: number;
  readonly junit?: string;
  readonly json?: string;
  readonly html?: string;
  readonly hub?: string;
  readonly realTime?: true;
  readonly speed?: number | undefined;
}

/** @returns the exit status */
export async function runFiles(files: readonly string[], flags: RunFlags): Promise<number> {
  // All are read before the first one runs: a mistake in the last is told at once.
  const scenarios = files.map((file) => ({
    file,
    scenario: withFlags(loadScenario(file, ALERT_TYPES), flags),
  }));
  const screen = createScreen(process.stderr);
  const results: RunResult[] = [];
  for (const { file, scenario } of scenarios) {
    const uplink = flags.hub ? await openHub(flags.hub, scenario) : undefined;
    const { engine, close } = engineOptions(scenario, flags);
    const result = await runScenario(scenario, {
      engine,
      file,
      seed: flags.seed,
      speed: flags.speed,
      detector: createDetector(scenario.detection, file),
      onMessage: uplink?.send,
      realTime: { now: () => performance.now(), sleep },
      onProgress: (nowMs, durationMs) => {
        const share = Math.floor((100 * nowMs) / durationMs);
        screen.block(`${scenario.name}  ${share} %  of ${durationText(durationMs)}\n`);
      },
    });
    close();
    await uplink?.close();
    screen.block("");
    results.push(result);
    if (!isPassed(result)) screen.line(failureText(result).trimEnd());
  }
  screen.end();
  write(flags.junit, () => junitXml(results));
  write(flags.json, () => `${JSON.stringify(runDocument(results))}\n`);
  write(flags.html, () => htmlPage(results));
  const isQuiet = [flags.junit, flags.json, flags.html].includes("-");
  if (!isQuiet) process.stdout.write(runTable(results));
  if (process.env.GITHUB_ACTIONS === "true") {
    (isQuiet ? process.stderr : process.stdout).write(githubAnnotations(results));
  }
  return results.every(isPassed) ? 0 : 1;
}

export function schemaText(): string {
  return `${JSON.stringify(SCENARIO_SCHEMA, null, 2)}\n`;
}

/** @throws UserError for an engine that there is not */
export function engineOptions(
  scenario: Scenario,
  { engine }: Pick<RunFlags, "engine">,
): Pick<RunOptions, "engine"> & { readonly close: () => void } {
  const name = engine ?? scenario.boards.find((board) => board.engine)?.engine ?? "v8";
  if (name === "qemu") {
    const { machine, backend } = machineOf(scenario);
    const engine = qemuEngine(machine, backend);
    return { engine, close: () => engine.close() };
  }
  let found: ReturnType<typeof engineNamed>;
  try {
    found = engineNamed(name);
  } catch (cause) {
    throw new UserError(`--engine: ${(cause as Error).message}`, 2, { cause });
  }
  return { engine: found, close: () => "close" in found && (found as QemuEngine).close() };
}

/** The scenario's own board, if QEMU has it, as its profile runs the core. */
function machineOf({ boards }: Scenario): { machine: MachineName; backend: BackendName } {
  const known = boards.map(({ profile }) => profile?.toLowerCase() ?? "");
  const machine = known.find((profile) => Object.hasOwn(MACHINES, profile));
  if (machine === undefined) return { machine: QEMU_MACHINE, backend: "wasm3" };
  return { machine: machine as MachineName, backend: loadBoard(machine).backend };
}

/** Another board instead of the scenario's: with its own flash, where events are kept in flash. */
function withFlags(scenario: Scenario, { board }: RunFlags): Scenario {
  if (board === undefined) return scenario;
  const boards = scenario.boards.map(({ flash, ...entry }) => {
    const { programTakes, eraseTakes } = flash ?? {};
    const times = { ...(programTakes && { programTakes }), ...(eraseTakes && { eraseTakes }) };
    return { ...entry, profile: board, ...(flash && { flash: times }) };
  });
  return { ...scenario, boards };
}

async function openHub(connection: string, scenario: Scenario) {
  const { openSimHub } = await import("./sim-hub.ts");
  return openSimHub(connection, scenario);
}

function write(path: string | undefined, text: () => string): void {
  if (path === undefined) return;
  if (path === "-") {
    process.stdout.write(text());
    return;
  }
  try {
    writeFileSync(path, text());
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new UserError(`${path}: cannot be written (${code})`, 1, { cause });
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
