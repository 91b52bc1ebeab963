/** Runs a scenario to its end and judges it. */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { planBoards } from "./board-plan.ts";
import { checkExpectations } from "./expectations.ts";
import { checkInvariants, watchRecovery } from "./invariants.ts";
import type { Member } from "./member.ts";
import { type BoardResult, type RunResult, totalOf } from "./result.ts";
import { type Scenario, ScenarioError } from "./scenario.ts";
import { parseScenario } from "./scenario-read.ts";
import { createSimulation, type SimulationOptions } from "./simulation.ts";

export interface RunOptions
  extends Pick<SimulationOptions, "engine" | "detector" | "onMessage" | "onFrame"> {
  /** Overrides the scenario's. */
  readonly seed?: number | undefined;
  /** What errors and reports call it. */
  readonly file: string;
  /** Virtual ms in a real one; absent: as fast as it goes. */
  readonly speed?: number | undefined;
  /** Words that the command to repeat the run needs beside file and seed. */
  readonly repeatWith?: readonly string[] | undefined;
  /** Awaited now and then; what it throws ends the run. */
  readonly pause?: (() => Promise<void>) | undefined;
  /** Told now and then, virtual ms. */
  readonly onProgress?: ((nowMs: number, durationMs: number) => void) | undefined;
  /** Real milliseconds and a pause, for `speed` and progress; given by who may know them. */
  readonly realTime?:
    | { readonly now: () => number; readonly sleep: (ms: number) => Promise<unknown> }
    | undefined;
}

const DEFAULT_SEED = 1;
const PROGRESS_STEPS = 100;
const REAL_STEP_MS = 50;

/**
 * Reads a scenario; captures and profiles in it are found beside it.
 *
 * @param alertTypes those that can be expected; absent: any
 * @throws ScenarioError
 */
export function loadScenario(file: string, alertTypes?: readonly string[]): Scenario {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    const what = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
    throw new ScenarioError(`${file}: cannot be read (${what})`, { cause });
  }
  const scenario = parseScenario(text, file, alertTypes);
  const traffic = (scenario.traffic ?? []).map((entry) =>
    entry.file === undefined ? entry : { ...entry, file: resolve(dirname(file), entry.file) },
  );
  const boards = scenario.boards.map((entry) =>
    entry.profile?.toLowerCase().endsWith(".json")
      ? { ...entry, profile: resolve(dirname(file), entry.profile) }
      : entry,
  );
  return { ...scenario, boards, traffic };
}

/** @throws ScenarioError, CaptureError, AddressError, each with one line */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<RunResult> {
  const seed = options.seed ?? scenario.seed ?? DEFAULT_SEED;
  const boards = await planBoards(scenario, options.file);
  const simulation = createSimulation({ ...options, scenario, boards, seed });
  watchRecovery(simulation);
  await advance(simulation, options);
  simulation.settle();
  const results = simulation.members.map((member) => boardResult(member, simulation.alerts));
  const reported = simulation.members.map(({ device, reported }) => ({
    board: device.board,
    reported,
  }));
  const checks = [
    ...checkExpectations(scenario.expect ?? {}, simulation.observed, results, reported),
    ...checkInvariants(simulation),
  ];
  return {
    scenario: scenario.name,
    file: options.file,
    repeatWith: options.repeatWith ?? [],
    purpose: scenario.purpose.trim(),
    seed,
    durationMs: simulation.durationMs,
    boards: results,
    totals: totalsOf(results),
    alerts: [...simulation.alerts.values()],
    checks,
    timeline: simulation.timeline,
    digest: simulation.digest(),
  };
}

async function advance(
  simulation: ReturnType<typeof createSimulation>,
  { speed, onProgress, realTime, pause }: RunOptions,
): Promise<void> {
  const { durationMs } = simulation;
  if (speed !== undefined && realTime !== undefined) {
    const startMs = realTime.now();
    for (let virtualMs = 0; virtualMs < durationMs; ) {
      virtualMs = Math.min(durationMs, (realTime.now() - startMs) * speed);
      simulation.run(virtualMs);
      onProgress?.(virtualMs, durationMs);
      await realTime.sleep(REAL_STEP_MS);
      await pause?.();
    }
    return;
  }
  for (let step = 1; step <= PROGRESS_STEPS; step++) {
    const virtualMs = Math.floor((durationMs * step) / PROGRESS_STEPS);
    simulation.run(virtualMs);
    onProgress?.(virtualMs, durationMs);
    await pause?.();
  }
}

function boardResult(
  { planned, device, ledger, flash, recoveryMs }: Member,
  alerts: ReadonlyMap<string, { deviceId: string }>,
): BoardResult {
  const { counts } = ledger;
  const { seen, notIp, malformed, broadcastOrMulticast, otherHost } = device.netx.packets;
  return {
    deviceId: device.deviceId,
    board: device.board,
    profile: planned.profile && {
      name: planned.profile.name,
      title: planned.profile.title,
      backend: planned.profile.backend,
      agentRamBytes: planned.profile.agent_ram_bytes,
    },
    flash: planned.flash,
    counters: {
      ...ledger.losses(),
      frames: device.frames,
      packets: seen - notIp - malformed - broadcastOrMulticast - otherHost,
      messages: counts.messages,
      bytes: counts.bytes,
      events: counts.events,
      repeats: counts.repeats,
      failedSends: counts.failedSends,
      restarts: counts.restarts,
      traps: counts.traps,
      recoveryMs,
      cloudToDeviceMessages: counts.cloudToDeviceMessages,
      ...(flash?.counters() ?? {}),
      alerts: [...alerts.values()].filter(({ deviceId }) => deviceId === device.deviceId).length,
    },
    missing: ledger.missing(),
    recoveryMs,
  };
}

function totalsOf(boards: readonly BoardResult[]): Record<string, number> {
  const names = new Set(boards.flatMap(({ counters }) => Object.keys(counters)));
  return Object.fromEntries([...names].map((name) => [name, totalOf(boards, name)]));
}
