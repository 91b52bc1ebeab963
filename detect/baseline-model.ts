/**
 * Learned ranges. Values are compared as doublings, log2(1 + value), since traffic varies by
 * factors; medians and spreads move by bounded steps, so that an outlier hardly moves them.
 */

/**
 * What is learned of several metrics, in doublings: six numbers for each in one row, because
 * there are many of them. How many buckets taught it, median, spread, how many buckets were held
 * against their hour of the week, spread around it, and how many in a row were outside the range
 * (positive) or inside (negative).
 */
export type Learned = number[];
const N = 0;
const MEDIAN = 1;
const SPREAD = 2;
const HOUR_N = 3;
const HOUR_SPREAD = 4;
const RUN = 5;
const FIELDS = 6;

export interface LearnedRange {
  readonly expected: number;
  readonly low: number;
  readonly high: number;
  /** The range is that of this hour of the week, not that of all hours. */
  readonly isHourly: boolean;
}

/** Buckets over which a new median is a mean; afterwards it moves by small steps. */
const QUICK_BUCKETS = 12;
/** Greatest step of a median, doublings per bucket. */
const STEP = 0.15;
/** A deviation counts at most so much for the spread, doublings. */
const DEVIATION_MAX = 3;
/** A range is at least so wide on each side, doublings (a factor of 2.8). */
const WIDTH_MIN = 1.5;
const WIDTH_SPREADS = 4;
const SPREAD_MEMORY = 60;
/** Buckets that must have been held against their hour before the hour counts. */
const HOURLY_BUCKETS = 24;
/** Buckets of a day; before that many, days and nights are not told apart yet. */
const DAY_BUCKETS = 288;
/** Width of a range until then, doublings (a factor of 16). */
const WIDTH_YOUNG = 4;

export const createLearned = (metrics: number): Learned => new Array(metrics * FIELDS).fill(0);
/** Buckets that taught a metric. */
export const bucketsOf = (learned: Learned, metric: number) =>
  learned[metric * FIELDS + N] as number;

/** Buckets in a row outside (positive) or inside (negative) the range. */
export const runOf = (learned: Learned, metric: number) => learned[metric * FIELDS + RUN] as number;
export function setRun(learned: Learned, metric: number, run: number): void {
  learned[metric * FIELDS + RUN] = run;
}

export const doublings = (value: number) => Math.log2(1 + Math.max(0, value));
const plain = (level: number) => Math.max(0, 2 ** level - 1);

/** @param hourLevel what is known of this hour of the week from earlier weeks, doublings */
export function learn(
  learned: Learned,
  metric: number,
  level: number,
  hourLevel: number | null,
): void {
  const at = metric * FIELDS;
  const n = (learned[at + N] as number) + 1;
  learned[at + N] = n;
  const gap = level - (learned[at + MEDIAN] as number);
  const step = n <= QUICK_BUCKETS ? gap / n : Math.max(-STEP, Math.min(STEP, gap));
  learned[at + MEDIAN] = (learned[at + MEDIAN] as number) + step;
  if (n > 1) moveSpread(learned, at + SPREAD, Math.abs(gap), n);
  if (hourLevel === null) return;
  const hourN = (learned[at + HOUR_N] as number) + 1;
  learned[at + HOUR_N] = hourN;
  moveSpread(learned, at + HOUR_SPREAD, Math.abs(level - hourLevel), hourN);
}

function moveSpread(learned: Learned, at: number, deviation: number, n: number): void {
  const spread = learned[at] as number;
  const gap = Math.min(deviation, DEVIATION_MAX) - spread;
  learned[at] = spread + gap / Math.min(n, SPREAD_MEMORY);
}

export function rangeOf(learned: Learned, metric: number, hourLevel: number | null): LearnedRange {
  const at = metric * FIELDS;
  const isHourly = hourLevel !== null && (learned[at + HOUR_N] as number) >= HOURLY_BUCKETS;
  const centre = isHourly ? hourLevel : (learned[at + MEDIAN] as number);
  const spread = learned[at + (isHourly ? HOUR_SPREAD : SPREAD)] as number;
  const isYoung = (learned[at + N] as number) < DAY_BUCKETS && !isHourly;
  const width = Math.max(isYoung ? WIDTH_YOUNG : WIDTH_MIN, WIDTH_SPREADS * spread);
  return {
    expected: Math.round(plain(centre)),
    low: Math.floor(plain(centre - width)),
    high: Math.ceil(plain(centre + width)),
    isHourly,
  };
}

/** Hours of a week, each with one level for every metric, as one text of printable characters. */
export const HOURS = 168;
const LEVELS_PER_DOUBLING = 2.5;
const LEVEL_MAX = 85;
const EMPTY = " ";
const FIRST_CODE = 0x28;
const BACKSLASH = 0x5c;

export const createHours = (metrics: number) => EMPTY.repeat(HOURS * metrics);

/** Monday 00:00 UTC is hour 0. */
export function hourOfWeek(timeMs: number): number {
  const hours = Math.floor(timeMs / 3_600_000) + 3 * 24; // 1970-01-01 was a Thursday.
  return ((hours % HOURS) + HOURS) % HOURS;
}

/** Doublings of a cell, or null when nothing is known of it. */
export function readCell(hours: string, index: number): number | null {
  const code = hours.charCodeAt(index);
  if (!(code >= FIRST_CODE)) return null;
  return (code - FIRST_CODE - (code > BACKSLASH ? 1 : 0)) / LEVELS_PER_DOUBLING;
}

/** Moves cells one step towards their levels: medians that one outlier does not move far. */
export function moveCells(hours: string, index: number, levels: readonly number[]): string {
  let isMoved = false;
  for (let i = 0; i < levels.length; i++) {
    const goal = Math.min(LEVEL_MAX, Math.round((levels[i] as number) * LEVELS_PER_DOUBLING));
    const known = readCell(hours, index + i);
    const now = known === null ? goal : Math.round(known * LEVELS_PER_DOUBLING);
    const code = FIRST_CODE + now + Math.sign(goal - now);
    const cell = code >= BACKSLASH ? code + 1 : code;
    if (cell === hours.charCodeAt(index + i)) continue;
    if (!isMoved) scratch.write(hours, 0, "latin1");
    isMoved = true;
    scratch[index + i] = cell;
  }
  // A text of its own: one put together from slices keeps the whole of the last one alive.
  return isMoved ? scratch.toString("latin1", 0, hours.length) : hours;
}

/** As long as the hours of 12 metrics. */
const scratch = Buffer.alloc(12 * HOURS);
