/** The learned ranges of one device: buckets of five minutes held against what is usual. */
import type { NetworkActivity } from "../wire/events.ts";
import {
  bucketsOf,
  createHours,
  createLearned,
  doublings,
  HOURS,
  hourOfWeek,
  type Learned,
  type LearnedRange,
  learn,
  moveCells,
  rangeOf,
  readCell,
  runOf,
  setRun,
} from "./baseline-model.ts";
import { grown } from "./state.ts";
import { raise, resolve, type Turn } from "./turn.ts";

/** What is learned, in the order in which states keep it. */
export const BASELINE_METRICS = [
  {
    name: "activeConnections",
    type: "Picket_BaselineActiveConnections",
    floor: 4,
    unit: "connections",
  },
  { name: "destinations", type: "Picket_BaselineDestinations", floor: 5, unit: "destinations" },
  { name: "bytesOut", type: "Picket_BaselineBytesOut", floor: 20_000, unit: "bytes sent" },
  { name: "bytesIn", type: "Picket_BaselineBytesIn", floor: 20_000, unit: "bytes received" },
  { name: "messages", type: "Picket_BaselineMessages", floor: 10, unit: "security events" },
] as const;

export const BUCKET_MS = 5 * 60_000;
const WEEK_MS = 7 * 86_400_000;
/** Buckets in a row outside before the alert, and inside before it resolves. */
const TO_RAISE = 2;
const TO_CLEAR = 3;
/** Destinations of a bucket counted exactly. */
const DESTINATIONS_MAX = 64;
const DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/** The baseline of one device; plain JSON. */
export interface Baseline {
  /** When learning began, ms. */
  sinceMs: number;
  /** Start of the bucket that is filling, ms. */
  bucket: number;
  /** Its values so far, in the order of the metrics; destinations are counted in `seen`. */
  sums: number[];
  seen: number[];
  learned: Learned;
  hours: string;
}

/** One closed bucket, for the group that the device is in. */
export interface BucketSummary {
  readonly kind: "bucket";
  readonly group: string;
  readonly deviceId: string;
  readonly startMs: number;
  readonly values: readonly number[];
  /** The device has a range of its own. */
  readonly isWarm: boolean;
}

export function baselineOf(turn: Turn): Baseline {
  turn.state.memory.baseline ??= {
    sinceMs: turn.timeMs,
    bucket: Math.floor(turn.timeMs / BUCKET_MS) * BUCKET_MS,
    sums: BASELINE_METRICS.map(() => 0),
    seen: [],
    learned: createLearned(BASELINE_METRICS.length),
    hours: createHours(BASELINE_METRICS.length),
  } satisfies Baseline;
  return turn.state.memory.baseline as Baseline;
}

/** Counts the event, and closes the bucket when its time is over. */
export function countEvent(turn: Turn): Baseline {
  const baseline = baselineOf(turn);
  if (turn.timeMs >= baseline.bucket + BUCKET_MS) closeBucket(turn, baseline);
  add(baseline, 4, 1);
  return baseline;
}

export function countFlow(baseline: Baseline, flow: NetworkActivity, remoteHash: number): void {
  add(baseline, 2, flow.bytesOut);
  add(baseline, 3, flow.bytesIn);
  const { seen } = baseline;
  if (seen.length < DESTINATIONS_MAX && !seen.includes(remoteHash)) {
    baseline.seen = grown(seen, remoteHash);
  }
}

export function countConnections(baseline: Baseline, most: number): void {
  baseline.sums[0] = Math.max(baseline.sums[0] as number, most);
}

function add(baseline: Baseline, metric: number, amount: number): void {
  baseline.sums[metric] = (baseline.sums[metric] as number) + amount;
}

function closeBucket(turn: Turn, baseline: Baseline): void {
  const { bucket, sums, seen } = baseline;
  sums[1] = seen.length;
  const values = sums.slice();
  const levels = values.map(doublings);
  const isWarm = warm(turn, baseline);
  // A bucket in which learning began is not whole.
  if (bucket >= baseline.sinceMs) {
    const hour = hourOfWeek(bucket);
    for (let metric = 0; metric < values.length; metric++) {
      const hourLevel = levelOfHour(baseline, metric, hour);
      const value = values[metric] as number;
      const range = isWarm ? rangeOf(baseline.learned, metric, hourLevel) : null;
      if (range) holdAgainst(turn, baseline, metric, value, range);
      learn(baseline.learned, metric, levels[metric] as number, hourLevel);
    }
    baseline.hours = moveCells(baseline.hours, hour * values.length, levels);
    turn.signals.push({
      kind: "bucket",
      group: turn.state.group,
      deviceId: turn.state.deviceId,
      startMs: bucket,
      values,
      isWarm,
    });
  }
  baseline.bucket = Math.floor(turn.timeMs / BUCKET_MS) * BUCKET_MS;
  baseline.seen = [];
  sums.fill(0);
}

const warm = (turn: Turn, baseline: Baseline) =>
  bucketsOf(baseline.learned, 4) * BUCKET_MS >= turn.settings.warmUpMs;

/** What is known of an hour: from a week ago, else from the same hour of the days before. */
function levelOfHour(baseline: Baseline, metric: number, hour: number): number | null {
  const { hours } = baseline;
  const width = BASELINE_METRICS.length;
  // In the first week this hour's own cell is being filled by the hour that is judged.
  const own =
    baseline.bucket - baseline.sinceMs >= WEEK_MS ? readCell(hours, hour * width + metric) : null;
  for (let days = 1; own === null && days < 7; days++) {
    const level = readCell(hours, ((hour - 24 * days + HOURS) % HOURS) * width + metric);
    if (level !== null) return level;
  }
  return own;
}

/** Outside both by factor and by amount: small numbers vary by large factors. */
export function isOutside(metric: number, value: number, range: LearnedRange): boolean {
  const { floor } = BASELINE_METRICS[metric] as (typeof BASELINE_METRICS)[number];
  if (value > range.high) return value - range.expected >= floor;
  return value < range.low && range.expected - value >= floor;
}

function holdAgainst(
  turn: Turn,
  baseline: Baseline,
  metric: number,
  value: number,
  range: LearnedRange,
): void {
  const { name, type, unit } = BASELINE_METRICS[metric] as (typeof BASELINE_METRICS)[number];
  const { learned } = baseline;
  const run = runOf(learned, metric);
  const rule = `baseline.${name}`;
  if (!isOutside(metric, value, range)) {
    setRun(learned, metric, Math.min(run, 0) - 1);
    if (run - 1 <= -TO_CLEAR) resolve(turn, rule);
    return;
  }
  setRun(learned, metric, Math.max(run, 0) + 1);
  if (runOf(learned, metric) < TO_RAISE) return;
  const hour = hourOfWeek(baseline.bucket);
  const when = range.isHourly
    ? `${DAYS[Math.floor(hour / 24)]} ${hour % 24}:00 UTC`
    : "over all hours";
  const taught = Math.round((bucketsOf(learned, metric) * BUCKET_MS) / 3_600_000);
  raise(turn, {
    type,
    rule,
    value,
    range: { min: range.low, max: range.high, windowMs: BUCKET_MS },
    explanation:
      `${value} ${unit} in 5 minutes, usual are about ${range.expected} ` +
      `(${range.low} to ${range.high}, ${when}, learned in ${taught} h)`,
    quietMs: 0,
    atMs: baseline.bucket + BUCKET_MS,
  });
}
