/**
 * Learned ranges. Values are compared as doublings, log2(1 + value), since traffic varies by
 * factors; medians and spreads move by bounded steps, so that an outlier hardly moves them.
 */

/** Median and spread over all hours, in doublings, and how many buckets taught them. */
export interface Learned {
  n: number;
  median: number;
  spread: number;
  /** Spread around the hour of the week, and how many buckets taught it. */
  hourN: number;
  hourSpread: number;
}

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

export const createLearned = (): Learned => ({
  n: 0,
  median: 0,
  spread: 0,
  hourN: 0,
  hourSpread: 0,
});

export const doublings = (value: number) => Math.log2(1 + Math.max(0, value));
const plain = (level: number) => Math.max(0, 2 ** level - 1);

/** @param hourLevel what is known of this hour of the week from earlier weeks, doublings */
export function learn(learned: Learned, level: number, hourLevel: number | null): void {
  learned.n += 1;
  const gap = level - learned.median;
  learned.median +=
    learned.n <= QUICK_BUCKETS ? gap / learned.n : Math.max(-STEP, Math.min(STEP, gap));
  const memory = Math.min(learned.n, SPREAD_MEMORY);
  if (learned.n > 1) {
    learned.spread += (Math.min(Math.abs(gap), DEVIATION_MAX) - learned.spread) / memory;
  }
  if (hourLevel === null) return;
  learned.hourN += 1;
  const deviation = Math.min(Math.abs(level - hourLevel), DEVIATION_MAX);
  learned.hourSpread += (deviation - learned.hourSpread) / Math.min(learned.hourN, SPREAD_MEMORY);
}

export function rangeOf(learned: Learned, hourLevel: number | null): LearnedRange {
  const isHourly = hourLevel !== null && learned.hourN >= HOURLY_BUCKETS;
  const centre = isHourly ? hourLevel : learned.median;
  const spread = isHourly ? learned.hourSpread : learned.spread;
  const least = learned.n < DAY_BUCKETS && !isHourly ? WIDTH_YOUNG : WIDTH_MIN;
  const width = Math.max(least, WIDTH_SPREADS * spread);
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

/** Moves a cell one step towards the level: a median that one outlier does not move far. */
export function moveCell(hours: string, index: number, level: number): string {
  const goal = Math.min(LEVEL_MAX, Math.round(level * LEVELS_PER_DOUBLING));
  const known = readCell(hours, index);
  const now = known === null ? goal : Math.round(known * LEVELS_PER_DOUBLING);
  const next = now + Math.sign(goal - now);
  if (known !== null && next === now) return hours;
  const code = FIRST_CODE + next;
  const text = String.fromCharCode(code >= BACKSLASH ? code + 1 : code);
  return hours.slice(0, index) + text + hours.slice(index + 1);
}
