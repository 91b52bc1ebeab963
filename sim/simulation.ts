/** One run of a scenario: boards, networks, hub link and detection on virtual time. */
import type { Engine } from "../host/engines/engine.ts";
import { scheduleActions } from "./actions.ts";
import type { PlannedBoard } from "./board-plan.ts";
import { durationMs } from "./duration.ts";
import { type FaultPlan, planFaults } from "./fault-plan.ts";
import type { HubMessage } from "./hub-link.ts";
import { createMember, type Member } from "./member.ts";
import { createNetwork, type NetworkOptions } from "./network.ts";
import { createPrng } from "./prng.ts";
import type { Detector } from "./result.ts";
import { DEFAULT_START, type Scenario } from "./scenario.ts";
import { createScheduler, type Scheduler } from "./scheduler.ts";
import { createWatcher, type Watcher } from "./watcher.ts";

export interface SimulationOptions extends Pick<NetworkOptions, "onFrame"> {
  readonly scenario: Scenario;
  readonly boards: readonly PlannedBoard[];
  readonly seed: number;
  readonly engine?: Engine | undefined;
  readonly detector?: Detector | undefined;
  /** Told of each message when it arrives, for `--hub` and recordings. */
  readonly onMessage?: ((message: HubMessage) => void) | undefined;
}

export interface Simulation extends Pick<Watcher, "timeline" | "alerts" | "observed" | "digest"> {
  readonly scheduler: Scheduler;
  readonly durationMs: number;
  readonly members: readonly Member[];
  readonly plan: FaultPlan;
  /** Runs up to a virtual time. */
  run(untilMs: number): void;
  /** After the run: ends the intervals and lets what is on its way arrive. */
  settle(): void;
}

const TICK_MS = 60_000;
/** After a run, waits so long for what is on its way, virtual ms. */
const SETTLE_MS_MAX = 3_600_000;
const SETTLE_STEP_MS = 1000;
const SETTLE_ROUNDS = 2;
/** A store whose flash has failed waits so long at most before it tries again. */
const FLASH_PAUSE_MS = 600_000;

export function createSimulation(options: SimulationOptions): Simulation {
  const { scenario, detector } = options;
  const runMs = durationMs(scenario.duration);
  const startWallS = Date.parse(scenario.start ?? DEFAULT_START) / 1000;
  const scheduler = createScheduler();
  const random = createPrng(options.seed);
  const plan = planFaults(scenario.faults ?? [], runMs);
  const boardNames = new Map(
    options.boards.flatMap(({ deviceIds, entry }) => deviceIds.map((id) => [id, entry.name])),
  );
  const watcher = createWatcher({
    scheduler,
    startWallS,
    detector,
    boardOf: (deviceId) => boardNames.get(deviceId) ?? deviceId,
    onMessage: options.onMessage,
  });
  const onFrame = options.onFrame;
  const wires = { scenario, scheduler, runMs, startWallS, onFrame, random: random.fork("network") };
  const network = createNetwork(wires);
  const members = options.boards.flatMap((planned) =>
    planned.deviceIds.map((deviceId) => {
      const own = random.fork(deviceId);
      const { group } = planned.entry;
      if (group !== undefined) detector?.setGroup(deviceId, group);
      const { engine } = options;
      const parts = { planned, deviceId, scheduler, plan, watcher, engine, startWallS };
      const member = createMember({ ...parts, random: own });
      network.attach(member, own);
      return member;
    }),
  );
  const parts = { scheduler, members, plan, durationMs: runMs };
  scheduleActions({ scenario, simulation: parts, random: random.fork("actions"), watcher });
  if (detector !== undefined) {
    const tick = (): void => {
      watcher.tick();
      if (scheduler.nowMs + TICK_MS <= runMs) scheduler.at(scheduler.nowMs + TICK_MS, tick);
    };
    scheduler.at(TICK_MS, tick);
  }
  const { timeline, alerts, observed, digest } = watcher;

  return {
    ...parts,
    ...{ timeline, alerts, observed, digest },
    run: (untilMs) => scheduler.run(untilMs),
    settle() {
      scheduler.run(runMs);
      const untilMs = runMs + SETTLE_MS_MAX;
      const isBusy = () => members.some(({ device }) => device.inFlight > 0 || device.isUnsent);
      // The second time sends what a slow flash had not taken when the first message left.
      for (let round = 0; round < SETTLE_ROUNDS; round++) {
        for (const { device } of members) device.flush();
        const isHurt = members.some(({ flash }) => flash?.hasFailed === true);
        if (isHurt) scheduler.run(scheduler.nowMs + FLASH_PAUSE_MS);
        while (isBusy() && scheduler.nowMs < untilMs) {
          scheduler.run(scheduler.nowMs + SETTLE_STEP_MS);
        }
      }
    },
  };
}
