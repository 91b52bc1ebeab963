/** `picket sim run`: runs scenarios with detection, shows and writes the reports. */
import { readFileSync, writeFileSync } from "node:fs";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { CATALOGUE } from "../detect/catalogue.ts";
import { durationText } from "../sim/duration.ts";
import { githubAnnotations } from "../sim/reports/github.ts";
import { htmlPage } from "../sim/reports/html.ts";
import { runDocument } from "../sim/reports/json.ts";
import { junitXml } from "../sim/reports/junit.ts";
import type { Report } from "../sim/reports/report.ts";
import { failureText, runTable } from "../sim/reports/terminal.ts";
import { isPassed, type RunResult } from "../sim/result.ts";
import { loadScenario, runScenario } from "../sim/run.ts";
import type { Scenario } from "../sim/scenario.ts";
import { linesOf } from "../sim/scenario-read.ts";
import { SCENARIO_SCHEMA } from "../sim/scenario-schema.ts";
import { UserError } from "./errors.ts";
import { createScreen, type Screen } from "./screen.ts";
import { createDetector } from "./sim-detector.ts";
import { onBoard, openEngine } from "./sim-engine.ts";

const ALERT_TYPES = CATALOGUE.map(({ type }) => type);
/** As shells tell it: 128 and the signal's number. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

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

class Interrupted extends Error {}

/** @returns the exit status */
export async function runFiles(files: readonly string[], flags: RunFlags): Promise<number> {
  // All are read before the first one runs: a mistake in the last is told at once.
  const scenarios = files.map((file) => {
    const scenario = onBoard(loadScenario(file, ALERT_TYPES), flags.board);
    return { file, scenario: flags.hub ? startingNow(scenario) : scenario };
  });
  const screen = createScreen(process.stderr);
  const stop = watchSignals();
  const reports: Report[] = [];
  let isTaken = true;
  try {
    for (const { file, scenario } of scenarios) {
      const report = await runOne(file, scenario, flags, screen, stop.check);
      isTaken &&= report.isTaken;
      reports.push(report);
      if (!isPassed(report.result)) screen.line(failureText(report).trimEnd());
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    screen.block("");
    screen.line(`picket: interrupted after ${reports.length} of ${files.length} scenarios`);
    return stop.status();
  } finally {
    screen.block("");
    screen.end();
    stop.end();
  }
  const results = reports.map(({ result }) => result);
  write(flags.junit, () => junitXml(reports));
  write(flags.json, () => `${JSON.stringify(runDocument(results))}\n`);
  write(flags.html, () => htmlPage(results));
  const isQuiet = [flags.junit, flags.json, flags.html].includes("-");
  if (!isQuiet) process.stdout.write(runTable(results));
  if (process.env.GITHUB_ACTIONS === "true") {
    (isQuiet ? process.stderr : process.stdout).write(githubAnnotations(reports));
  }
  return isTaken && results.every(isPassed) ? 0 : 1;
}

async function runOne(
  file: string,
  scenario: Scenario,
  flags: RunFlags,
  screen: Screen,
  pause: () => Promise<void>,
): Promise<Report & { readonly isTaken: boolean }> {
  const hub = flags.hub ? await openHub(flags.hub, scenario) : undefined;
  const { engine, close } = openEngine(flags.engine, scenario);
  const startedMs = Date.now();
  const start = performance.now();
  let result: RunResult;
  let lost = 0;
  try {
    result = await runScenario(scenario, {
      engine,
      file,
      seed: flags.seed,
      speed: flags.speed,
      repeatWith: [
        ...(flags.board === undefined ? [] : ["--board", flags.board]),
        ...(flags.engine === undefined ? [] : ["--engine", flags.engine]),
      ],
      detector: createDetector(scenario.detection, file),
      onMessage: hub?.send,
      pause,
      realTime: { now: () => performance.now(), sleep },
      onProgress: (nowMs, durationMs) => {
        const share = Math.floor((100 * nowMs) / durationMs);
        screen.block(`${scenario.name}  ${share} %  of ${durationText(durationMs)}\n`);
      },
    });
  } finally {
    close();
    lost = (await hub?.close()) ?? 0;
    screen.block("");
  }
  if (lost > 0) screen.line(`${file}: the hub did not take ${lost} messages`);
  const tookMs = performance.now() - start;
  return { result, startedMs, tookMs, lineOf: lineFinder(file, result), isTaken: lost === 0 };
}

/** A running hub and what stands behind it go by the real clock. */
function startingNow(scenario: Scenario): Scenario {
  return { start: `${new Date().toISOString().slice(0, 19)}Z`, ...scenario };
}

/** The line of a scenario that expects what a check is about. */
function lineFinder(file: string, { checks }: RunResult): Report["lineOf"] {
  let lines: number[] | undefined;
  return (check) => {
    if (check.place === undefined) return 1;
    lines ??= linesOf(
      readFileSync(file, "utf8"),
      checks.map(({ place = [] }) => place),
    );
    return lines[checks.indexOf(check)] ?? 1;
  };
}

/** The first signal ends the run in good order, a second one at once. */
function watchSignals() {
  let status = 0;
  const names = Object.keys(SIGNALS) as (keyof typeof SIGNALS)[];
  const note = (name: NodeJS.Signals): void => {
    status = SIGNALS[name as keyof typeof SIGNALS];
    end();
  };
  const end = (): void => {
    for (const name of names) process.off(name, note);
  };
  for (const name of names) process.once(name, note);
  return {
    end,
    status: () => status,
    /** Lets signals in. @throws Interrupted when one has come */
    async check() {
      await nextTurn();
      if (status !== 0) throw new Interrupted();
    },
  };
}

export function schemaText(): string {
  return `${JSON.stringify(SCENARIO_SCHEMA, null, 2)}\n`;
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
    throw new UserError(`${path}: cannot be written (${code})`, 2, { cause });
  }
}
