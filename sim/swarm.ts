/** Random scenarios with random faults, and making a failing one short. */
import { durationText } from "./duration.ts";
import { FAULTS } from "./fault-kinds.ts";
import { createPrng, type Prng } from "./prng.ts";
import type {
  FaultEntry,
  FlashEntry,
  Scenario,
  ThreadActionEntry,
  TrafficEntry,
} from "./scenario.ts";
import { THREAD_ACTIONS } from "./scenario-schema.ts";
import { TRAFFIC } from "./traffic-kinds.ts";

const PEERS = {
  broker: "10.20.0.1",
  web: "198.51.100.20",
  other: "203.0.113.66",
  near: "fd00:20::5",
} as const;
/** Faults that a board without flash does not have. */
const FLASH_FAULTS: ReadonlySet<string> = new Set(["flashFull", "flashBitFlip", "flashWear"]);
const SECTORS = 8;
const MINUTE_MS = 60_000;
/** At the end of a run nothing is broken, so that what was stored can be delivered. */
const QUIET_END = 0.15;

/** The same seed gives the same scenario. @param hours length of the run */
export function randomScenario(seed: number, hours: number): Scenario {
  const random = createPrng(seed);
  const runMs = Math.round(hours * 3_600_000);
  const hasFlash = random.chance(0.5);
  const hasThreads = random.chance(0.5);
  const traffic = Array.from({ length: random.between(1, 5) }, () => randomTraffic(random, runMs));
  const faults = Array.from({ length: random.between(0, 8) }, () =>
    randomFault(random, runMs, hasFlash),
  );
  return {
    name: `swarm-${seed}`,
    purpose: `Random scenario of seed ${seed}`,
    duration: durationText(runMs),
    seed,
    boards: [
      {
        name: "board",
        intervals: {
          high: `${random.pick([10, 30, 60, 420])}s`,
          low: `${random.pick([60, 300, 3600])}s`,
        },
        ...(hasFlash && { flash: randomFlash(random) }),
        ...(hasThreads && {
          threads: [
            { name: "sampler", priority: random.below(32), stackBytes: 1024 },
            { name: "worker", priority: random.below(32), stackBytes: 2048, atStart: false },
          ],
        }),
      },
    ],
    peers: PEERS,
    traffic,
    faults,
    ...(hasThreads && { threads: randomThreads(random, runMs) }),
    observations: Array.from({ length: random.below(4) }, () => ({
      at: durationText(random.below(runMs)),
      every: `${random.between(10, 600)}s`,
      count: random.between(1, 200),
      event: "Login",
      item: {
        processId: random.below(1000),
        operation: "Login",
        executable: "shell",
        result: random.pick(["Success", "Fail"]),
        userName: random.pick(["root", "operator"]),
      },
    })),
  };
}

/** A few sectors, so that they are soon full; half of them answer later. */
function randomFlash(random: Prng): FlashEntry {
  const unitBytes = random.pick([1, 8, 32] as const);
  const geometry = { sectorBytes: 4096, sectors: SECTORS, unitBytes };
  if (random.chance(0.5)) return geometry;
  const eraseTakes = `${random.between(20, 2000)}ms`;
  return { ...geometry, programTakes: `${random.between(1, 50)}ms`, eraseTakes };
}

function randomThreads(random: Prng, runMs: number): ThreadActionEntry[] {
  return Array.from({ length: random.between(1, 4) }, () => {
    const what = random.pick(THREAD_ACTIONS);
    return {
      at: durationText(random.below(runMs)),
      every: `${random.between(10, 600)}s`,
      count: random.between(1, 100),
      thread: random.pick(["sampler", "worker"]),
      do: what,
      ...(what === "useStack" && { bytes: random.below(3000) }),
      ...(what === "compute" && { for: `${random.between(1, 60_000)}ms` }),
    };
  });
}

function randomTraffic(random: Prng, runMs: number): TrafficEntry {
  const kind = random.pick([
    "telemetry",
    "telemetry",
    "cloudToDevice",
    "http",
    "dns",
    "ntp",
    "ping",
    "broadcast",
    "portScan",
    "bruteForce",
    "beacon",
    "mirai",
    "connectionFlood",
    "datagramFlood",
    "malformed",
  ]);
  const fromMs = random.below(Math.floor(runMs / 2));
  return {
    kind,
    ...("peer" in (TRAFFIC[kind]?.fields ?? {}) && { peer: random.pick(Object.keys(PEERS)) }),
    from: durationText(fromMs),
    ...(kind === "malformed" || /Flood/.test(kind)
      ? { every: `${random.between(5, 500)}ms`, count: random.between(10, 2000) }
      : { every: `${random.between(5, 600)}s` }),
  };
}

function randomFault(random: Prng, runMs: number, hasFlash: boolean): FaultEntry {
  const kinds = Object.keys(FAULTS).filter((kind) => hasFlash || !FLASH_FAULTS.has(kind));
  const kind = random.pick(kinds);
  const latestMs = Math.floor(runMs * (1 - QUIET_END));
  const fromMs = random.below(latestMs);
  const lengthMs = Math.min(random.between(1000, 20 * MINUTE_MS), latestMs - fromMs);
  const common = { kind, from: durationText(fromMs) };
  switch (kind) {
    case "powerCut":
      return {
        ...common,
        for: `${random.between(1, 120)}s`,
        every: `${random.between(3, 900)}s`,
        count: random.between(1, 5),
        ...(hasFlash && { duringFlash: random.chance(0.5) }),
      };
    case "clockJump":
      return { ...common, by: `${random.chance(0.5) ? "-" : ""}${random.between(1, 200_000)}s` };
    case "trap":
      return common;
    case "flashWear":
      return {
        ...common,
        cycles: random.below(20),
        probability: random.between(1, 10) / 100,
        ...(random.chance(0.7) && { count: random.between(1, SECTORS) }),
      };
    case "hostileTwin":
      return { ...common, count: random.between(1, 10), bytes: random.between(64, 20_000) };
    case "badCredential":
      return {
        ...common,
        for: durationText(lengthMs),
        reason: random.pick(["signature", "certificateExpired", "thumbprint"] as const),
      };
    case "flashBitFlip":
      return { ...common, count: random.between(1, 50) };
    default:
      return {
        ...common,
        for: durationText(lengthMs),
        ...(random.chance(0.6) && { probability: random.between(1, 10) / 10 }),
        ...("delay" in (FAULTS[kind]?.fields ?? {}) &&
          random.chance(0.8) && { delay: `${random.between(1, 40)}s` }),
      };
  }
}

/** Runs tried to make one failure short. */
const SHRINK_RUNS_MAX = 60;

/**
 * Leaves out what the failure does not need: faults, traffic, observations, time.
 *
 * @param fails runs a scenario; true: it still fails in the same way
 */
export async function shrink(
  scenario: Scenario,
  fails: (scenario: Scenario) => Promise<boolean>,
): Promise<Scenario> {
  let best = scenario;
  let runs = 0;
  const tryOne = async (candidate: Scenario): Promise<boolean> => {
    if (runs >= SHRINK_RUNS_MAX) return false;
    runs++;
    if (!(await fails(candidate))) return false;
    best = candidate;
    return true;
  };
  for (let isShorter = true; isShorter; ) {
    isShorter = false;
    for (const list of ["faults", "traffic", "observations", "threads"] as const) {
      for (let i = (best[list]?.length ?? 0) - 1; i >= 0; i--) {
        const rest = (best[list] ?? []).filter((_, at) => at !== i);
        if (await tryOne({ ...best, [list]: rest })) isShorter = true;
      }
    }
    const halved = halve(best);
    if (halved !== undefined && (await tryOne(halved))) isShorter = true;
  }
  return { ...best, name: `${scenario.name}-short` };
}

/** Half of the time; undefined when that is too short to mean anything. */
function halve(scenario: Scenario): Scenario | undefined {
  const minutes = /^(\d+(?:\.\d+)?)(h|m|d)$/.exec(scenario.duration);
  if (!minutes) return undefined;
  const unit = { m: 1, h: 60, d: 1440 }[minutes[2] as "m" | "h" | "d"];
  const half = Math.floor((Number(minutes[1]) * unit) / 2);
  return half < 10 ? undefined : { ...scenario, duration: `${half}m` };
}
