/**
 * What a whole group has learned: usual ranges, which new devices are held against before they
 * have their own, and the destinations that any of its devices has ever talked with.
 *
 * The reducer of a group takes what the reducers of its devices tell, in the order of the inputs
 * that made them; so devices may be spread over processes, and groups over others.
 */
import type { Alert } from "./alerts.ts";
import { BASELINE_METRICS, BUCKET_MS, type BucketSummary, isOutside } from "./baseline.ts";
import { createLearned, doublings, type Learned, learn, rangeOf } from "./baseline-model.ts";
import type { DetectionSettings } from "./settings.ts";
import type { DeviceState } from "./state.ts";
import { announceTouched, raise, resolve, sweepQuiet, type Turn } from "./turn.ts";

/** A device opened a connection to a host that it has not talked with lately. */
export interface DestinationSignal {
  readonly kind: "destination";
  readonly group: string;
  readonly deviceId: string;
  readonly timeMs: number;
  readonly eventId: string;
  readonly remote: string;
  readonly port: number;
}

export type Signal = BucketSummary | DestinationSignal;

/** Device ids of groups' own states begin so; a hub takes no `/` in the id of a device. */
export const GROUP_STATE_PREFIX = "@group/";
export const groupStateId = (group: string) => GROUP_STATE_PREFIX + group;

/** Destinations that a group remembers; the one not seen for longest gives way. */
export const GROUP_DESTINATIONS_MAX = 4096;

interface GroupMemory {
  sinceMs: number;
  /** Last time by destination, ms, in the order of last use. */
  seen: Record<string, number>;
  seenCount: number;
  learned: Learned;
}

/** Takes one signal into the group's state; `state` is changed in place. */
export function takeSignal(
  state: DeviceState,
  settings: DetectionSettings,
  signal: Signal,
): Alert[] {
  const turn: Turn = {
    state,
    group: settings.groupOf(signal.group),
    settings,
    timeMs: signal.kind === "bucket" ? signal.startMs + BUCKET_MS : signal.timeMs,
    eventId: signal.kind === "bucket" ? "" : signal.eventId,
    alerts: [],
    touched: [],
    signals: [],
  };
  state.clockMs = Math.max(state.clockMs, turn.timeMs);
  const memory = memoryOf(turn);
  if (signal.kind === "bucket") takeBucket(turn, memory, signal);
  else takeDestination(turn, memory, signal);
  sweepQuiet(turn);
  announceTouched(turn);
  return turn.alerts;
}

function memoryOf(turn: Turn): GroupMemory {
  turn.state.memory.group ??= {
    sinceMs: turn.timeMs,
    seen: {},
    seenCount: 0,
    learned: createLearned(BASELINE_METRICS.length),
  } satisfies GroupMemory;
  return turn.state.memory.group as GroupMemory;
}

function takeBucket(turn: Turn, memory: GroupMemory, signal: BucketSummary): void {
  const isTaught = turn.timeMs - memory.sinceMs >= turn.settings.warmUpMs;
  signal.values.forEach((value, metric) => {
    const { learned } = memory;
    if (isTaught && !signal.isWarm) holdNewDevice(turn, learned, metric, value, signal);
    learn(learned, metric, doublings(value), null);
  });
}

/** A device without a range of its own has that of its group; only too much is told. */
function holdNewDevice(
  turn: Turn,
  learned: Learned,
  metric: number,
  value: number,
  signal: BucketSummary,
): void {
  const { name, type, unit } = BASELINE_METRICS[metric] as (typeof BASELINE_METRICS)[number];
  const range = rangeOf(learned, metric, null);
  const rule = `group.${name}`;
  if (value <= range.high || !isOutside(metric, value, range)) {
    resolve(turn, rule, signal.deviceId);
    return;
  }
  raise(turn, {
    type,
    rule,
    cause: signal.deviceId,
    deviceId: signal.deviceId,
    value,
    range: { min: 0, max: range.high, windowMs: BUCKET_MS },
    explanation:
      `${value} ${unit} in 5 minutes, usual in group ${signal.group} are about ` +
      `${range.expected} (up to ${range.high})`,
  });
}

function takeDestination(turn: Turn, memory: GroupMemory, signal: DestinationSignal): void {
  const key = `=${signal.remote}`; // No name of Object.prototype begins so.
  const isKnown = memory.seen[key] !== undefined;
  memory.seen[key] = signal.timeMs;
  if (isKnown) return;
  memory.seenCount += 1;
  if (memory.seenCount > GROUP_DESTINATIONS_MAX) forgetOldest(memory);
  if (turn.timeMs - memory.sinceMs < turn.settings.warmUpMs) return;
  const hours = Math.round((turn.timeMs - memory.sinceMs) / 3_600_000);
  raise(turn, {
    type: "Picket_NewDestination",
    rule: "newDestination",
    cause: signal.remote,
    deviceId: signal.deviceId,
    value: signal.remote,
    range: { expected: `one of ${memory.seenCount - 1} destinations known in the group` },
    explanation:
      `${signal.remote} port ${signal.port}: no device of group ${signal.group} has talked with ` +
      `it in ${hours} h`,
  });
}

/** Forgets the older half at once, so that the cost is spread. */
function forgetOldest(memory: GroupMemory): void {
  const kept = Object.entries(memory.seen)
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, GROUP_DESTINATIONS_MAX / 2);
  memory.seen = Object.fromEntries(kept);
  memory.seenCount = kept.length;
}
