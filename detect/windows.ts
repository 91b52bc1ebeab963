/**
 * Window rules: a count or a gauge held against a range, window by window of event time, with
 * so many windows to raise and so many to clear.
 *
 * A value above the range raises at once, one below it when the window has closed. A report covers
 * an interval and cannot tell which part of it a count belongs to: it counts in the window in which
 * it ends, and the windows that it covers are not taken for empty.
 */
import type { AlertRange, Severity } from "./alerts.ts";
import { durationText } from "./groups.ts";
import type { WindowState } from "./state.ts";
import { amend, raise, resolve, type Turn } from "./turn.ts";

export interface WindowSpec {
  /** Name of the rule: a documented rule type, or that of a custom rule. */
  readonly key: string;
  readonly type: string;
  readonly name?: string;
  readonly severity?: Severity;
  readonly kind: "count" | "gauge";
  readonly min: number;
  readonly max: number;
  readonly sizeMs: number;
  readonly toRaise: number;
  readonly toClear: number;
}

/** A closed window waits at least so long for late reports, ms. */
export const GRACE_MS = 60_000;

/** What one report says of a rule's metric. */
export interface Report {
  readonly source: "agent" | "hub";
  /** Count, or greatest of a gauge. */
  readonly value: number;
  /** Least of a gauge; of a count the same as `value`. */
  readonly least: number;
  /** The report covers the time from `timeMs - intervalMs` to `timeMs`, ms. */
  readonly timeMs: number;
  readonly intervalMs: number;
}

/** Takes one report into the rule's window. */
export function report(turn: Turn, spec: WindowSpec, given: Report): void {
  const start = windowStart(spec, given.timeMs);
  const window = windowOf(turn, spec, start);
  if (given.source === "agent" && given.intervalMs > 0) window.every = given.intervalMs;
  if (start < window.start) {
    lateReport(turn, spec, window, start, given.value);
    return;
  }
  advance(turn, spec, window, start, given.timeMs - given.intervalMs);
  if (spec.kind === "gauge") {
    window.least = Math.min(window.least ?? given.least, given.least);
    window.value = Math.max(window.value, given.value);
  } else if (given.source === "hub") {
    window.hubValue = (window.hubValue ?? 0) + given.value;
  } else {
    window.value = Math.max(0, window.value) + given.value;
  }
  noteDue(turn, spec, window);
  if (window.fired || Math.max(0, window.run) + 1 < spec.toRaise) return;
  const value = outOfRange(spec, window, false);
  if (value === null) return;
  window.fired = true;
  fire(turn, spec, value, given.timeMs, 1);
}

/** Closes the windows that ended long enough before the turn's time. */
export function closeDue(turn: Turn, specs: readonly WindowSpec[]): void {
  const { state } = turn;
  if (state.sinceMs === 0 || (state.dueMs !== 0 && turn.timeMs < state.dueMs)) return;
  state.dueMs = 0;
  for (const spec of specs) {
    // Nothing reported, and nothing is allowed: there is nothing to close.
    const isIdle = spec.kind === "gauge" || spec.min === 0;
    if (isIdle && !state.windows[spec.key]) continue;
    const window = windowOf(turn, spec, windowStart(spec, state.sinceMs));
    const start = windowStart(spec, turn.timeMs - graceMs(window));
    advance(turn, spec, window, start, Number.POSITIVE_INFINITY);
    noteDue(turn, spec, window);
  }
}

/** Start of the window that holds a time: the end of a window still belongs to it. */
export function windowStart(spec: WindowSpec, timeMs: number): number {
  return (Math.ceil(timeMs / spec.sizeMs) - 1) * spec.sizeMs;
}

function windowOf(turn: Turn, spec: WindowSpec, start: number): WindowState {
  const found = turn.state.windows[spec.key];
  if (found) return found;
  const made: WindowState = {
    start,
    value: -1,
    every: 0,
    run: 0,
    fired: false,
  };
  turn.state.windows[spec.key] = made;
  return made;
}

const graceMs = (window: WindowState) => Math.max(GRACE_MS, 2 * window.every);

function noteDue(turn: Turn, spec: WindowSpec, window: WindowState): void {
  const due = window.start + spec.sizeMs + graceMs(window) + 1;
  const { state } = turn;
  if (state.dueMs === 0 || due < state.dueMs) state.dueMs = due;
}

/** The value that is out of range, or null. `closing`: a count can also be too small. */
function outOfRange(spec: WindowSpec, window: WindowState, closing: boolean): number | null {
  if (spec.kind === "gauge") {
    if (window.value < 0) return null;
    if (window.value > spec.max) return window.value;
    const { least = spec.min } = window;
    return least < spec.min ? least : null;
  }
  const value = Math.max(window.value, window.hubValue ?? 0);
  if (value > spec.max) return value;
  return closing && value < spec.min ? Math.max(0, value) : null;
}

/**
 * Closes windows until the one that begins at `start` is the one that is filling.
 *
 * @param coveredFromMs windows that end after it are partly covered by a report still to be
 *   counted, so that they are not held against the minimum
 */
function advance(
  turn: Turn,
  spec: WindowSpec,
  window: WindowState,
  start: number,
  coveredFromMs: number,
): void {
  if (start <= window.start) return;
  const end = window.start + spec.sizeMs;
  closeFilled(turn, spec, window, end <= coveredFromMs && window.start >= turn.state.sinceMs);
  const from = Math.max(end, ceilTo(spec.sizeMs, turn.state.sinceMs));
  const to = Math.min(start, Math.floor(coveredFromMs / spec.sizeMs) * spec.sizeMs);
  const empty = (to - from) / spec.sizeMs;
  if (empty > 0 && spec.kind === "count") closeEmpty(turn, spec, window, from, empty);
  window.start = start;
  window.value = -1;
  if (window.hubValue !== undefined) window.hubValue = 0;
  if (window.least !== undefined) window.least = undefined;
  window.fired = false;
}

const ceilTo = (step: number, value: number) => Math.ceil(value / step) * step;

function closeFilled(turn: Turn, spec: WindowSpec, window: WindowState, complete: boolean): void {
  const end = window.start + spec.sizeMs;
  if (spec.kind === "gauge" && window.value < 0) return;
  const value = outOfRange(spec, window, complete);
  if (value === null) {
    inRange(turn, spec, window, 1);
    return;
  }
  window.run = Math.max(0, window.run) + 1;
  if (window.fired) amend(turn, spec.key, "", value, explain(spec, value));
  else if (window.run >= spec.toRaise) fire(turn, spec, value, end, 1);
}

/** `count` windows from `from` in which nothing was reported: their count is 0. */
function closeEmpty(
  turn: Turn,
  spec: WindowSpec,
  window: WindowState,
  from: number,
  count: number,
): void {
  if (spec.min === 0) {
    inRange(turn, spec, window, count);
    return;
  }
  const before = Math.max(0, window.run);
  window.run = before + count;
  const times = window.run - Math.max(before, spec.toRaise - 1);
  if (times > 0) fire(turn, spec, 0, from + count * spec.sizeMs, times);
}

function inRange(turn: Turn, spec: WindowSpec, window: WindowState, count: number): void {
  window.run = Math.min(0, window.run) - count;
  if (-window.run >= spec.toClear) resolve(turn, spec.key);
}

/** A count of a window that has closed: only its late part is known, which may be too much. */
function lateReport(
  turn: Turn,
  spec: WindowSpec,
  window: WindowState,
  start: number,
  value: number,
): void {
  if (spec.toRaise > 1) return;
  if (window.late?.start !== start) window.late = { start, value: 0 };
  const before = window.late.value;
  const after = spec.kind === "gauge" ? Math.max(before, value) : before + value;
  window.late.value = after;
  if (before <= spec.max && after > spec.max) fire(turn, spec, after, start + spec.sizeMs, 1);
}

export function explain(spec: WindowSpec, value: number): string {
  const range = `${spec.min} to ${spec.max} in ${durationText(spec.sizeMs)}`;
  const side = value > spec.max ? "above" : "below";
  return `${value} is ${side} the allowed range of ${range}`;
}

function fire(turn: Turn, spec: WindowSpec, value: number, atMs: number, times: number): void {
  const range: AlertRange = { min: spec.min, max: spec.max, windowMs: spec.sizeMs };
  raise(turn, {
    type: spec.type,
    name: spec.name,
    severity: spec.severity,
    rule: spec.key,
    value,
    range,
    explanation: explain(spec, value),
    quietMs: 0,
    atMs,
    times,
  });
}
