/** The state of one device's reducer: plain JSON, so that it can be saved, moved and resumed. */
import type { AlertRange, AlertState, Severity } from "./alerts.ts";

/** One window rule's progress; the windows are multiples of its size since the epoch. */
export interface WindowState {
  /** Start of the window that is filling, ms; it holds what came after it, its end included. */
  start: number;
  /** Sum of a count as devices report it, or greatest of a gauge; -1: nothing reported yet. */
  value: number;
  /** Sum of a count as the hub sees it, if it has seen any. */
  hubValue?: number;
  /** Least of a gauge in it; absent: nothing reported, or a count. */
  least?: number;
  /** Interval of the reports, ms; a window is closed for absence only after two of them. */
  every: number;
  /** Windows in a row out of range (positive) or in range (negative), up to the last closed one. */
  run: number;
  /** The window that is filling has raised. */
  fired: boolean;
  /** An earlier window that late reports are filling: its start and its sum. */
  late?: { start: number; value: number };
}

/** An alert that has not been resolved. */
export interface OpenAlert {
  id: string;
  type: string;
  /** Name and severity of a custom rule; "": those of the catalogue. */
  name: string;
  severity: Severity | "";
  rule: string;
  cause: string;
  value: number | string;
  range: AlertRange;
  explanation: string;
  events: string[];
  firstMs: number;
  lastMs: number;
  count: number;
  state: AlertState;
  /** Not handed out yet. */
  isNew: boolean;
  /** Resolves by itself when no repeat came for so long, ms; 0: its rule resolves it. */
  quietMs: number;
  /** The device that it is about, in the state of a group. */
  deviceId?: string;
}

export interface DeviceState {
  readonly version: 1;
  readonly deviceId: string;
  group: string;
  /** First event time, ms; windows that began before it are not complete. */
  sinceMs: number;
  /** Greatest event time, ms; 0 before the first event. */
  clockMs: number;
  /** Last arrival at the hub, ms; 0 before the first. */
  arrivedMs: number;
  /** Interval that the last heartbeat told, ms; 0: none yet. */
  heartbeatIntervalMs: number;
  /** By rule type or custom rule name. */
  windows: Record<string, WindowState>;
  /** Time at which the next window has to be closed, ms; 0: unknown. */
  dueMs: number;
  open: OpenAlert[];
  /** Earliest time at which an open alert may resolve by itself; 0: none. */
  sweepMs: number;
  /** Repeats that a suppression or a full table kept back, by alert type. */
  suppressed?: Record<string, number>;
  /** Hashes of the latest message and event ids, a ring; repeats are dropped by it. */
  seen: number[];
  seenNext: number;
  /** What each built-in behaviour remembers, by its name; every value plain JSON. */
  memory: Record<string, unknown>;
}

export function createState(deviceId: string, group: string): DeviceState {
  return {
    version: 1,
    deviceId,
    group,
    sinceMs: 0,
    clockMs: 0,
    arrivedMs: 0,
    heartbeatIntervalMs: 0,
    windows: {},
    dueMs: 0,
    open: [],
    sweepMs: 0,
    seen: [],
    seenNext: 0,
    memory: {},
  };
}

/** Ids that a device's ring holds. */
export const SEEN_MAX = 32;

/**
 * Notes an id and tells whether it was among the last `SEEN_MAX` of this device.
 *
 * Only a 53-bit hash is kept: two different ids of one device collide once in 10^14 pairs.
 */
export function seenBefore(state: DeviceState, id: string): boolean {
  const hash = hash53(id);
  if (state.seen.includes(hash)) return true;
  if (state.seen.length < SEEN_MAX) state.seen = longer(state.seen, hash);
  else state.seen[state.seenNext] = hash;
  state.seenNext = (state.seenNext + 1) % SEEN_MAX;
  return false;
}

/**
 * Adds to a list that is short on most devices. Pushing reserves room for 17 entries; a copy
 * takes only what it needs.
 */
export function grown<T>(list: T[], item: T): T[] {
  if (list.length === 0) return [item];
  if (list.length < 16) return longer(list, item);
  list.push(item);
  return list;
}

function longer<T>(list: readonly T[], item: T): T[] {
  const copy = new Array<T>(list.length + 1);
  for (let i = 0; i < list.length; i++) copy[i] = list[i] as T;
  copy[list.length] = item;
  return copy;
}

/** Two multiplicative 32-bit hashes side by side, cut to 53 bits (cyrb53's construction). */
export function hash53(text: string): number {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    a = Math.imul(a ^ c, 0x9e3779b1);
    b = Math.imul(b ^ c, 0x5f356495);
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return (b & 0x1fffff) * 0x100000000 + (a >>> 0);
}
