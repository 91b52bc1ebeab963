/** What detection hands out: the alert, and how its identity is derived. */
import { createHash } from "node:crypto";

export type Severity = "High" | "Medium" | "Low" | "Informational";
export type AlertState = "active" | "resolved" | "dismissed";

/** What the value was held against: a range, an allow list, or a text that says it. */
export type AlertRange =
  | { readonly min: number; readonly max: number; readonly windowMs?: number }
  | { readonly allowed: readonly string[] }
  | { readonly expected: string };

/** One cause on one device. Repeats of the cause give the same `id` with a greater `count`. */
export interface Alert {
  /** GUID text; equal for equal device, cause and first time. */
  readonly id: string;
  /** Stable type id; the documented one where one is published. */
  readonly type: string;
  /** The documented name. */
  readonly displayName: string;
  readonly severity: Severity;
  readonly deviceId: string;
  readonly group: string;
  /** Which rule fired: a documented ruleType, or the name of a built-in or custom rule. */
  readonly rule: string;
  /** What tells this alert from others of its rule on the device; "" when nothing does. */
  readonly cause: string;
  /** The value that fired last. */
  readonly value: number | string;
  readonly range: AlertRange;
  /** When the value was seen, ISO 8601, event time. */
  readonly time: string;
  /** Ids of the latest events that fired, at most `ALERT_EVENTS_MAX`. */
  readonly events: readonly string[];
  readonly description: string;
  readonly remediation: string;
  /** Why, in one sentence with the figures of this case. */
  readonly explanation: string;
  readonly firstTime: string;
  readonly lastTime: string;
  readonly count: number;
  readonly state: AlertState;
  /** The first announcement of this alert. */
  readonly isNew: boolean;
}

/** Events named in one alert, the latest. */
export const ALERT_EVENTS_MAX = 8;

/** GUID-shaped text from the first 128 bits of SHA-256: the same inputs give the same id. */
export function stableId(...parts: readonly (string | number)[]): string {
  const hex = createHash("sha256").update(JSON.stringify(parts)).digest("hex");
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`, // RFC 9562 5.8: version 8, custom.
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}

/** ISO 8601 UTC text of a time in ms; out-of-range times are clamped to what a Date can hold. */
export function isoTime(timeMs: number): string {
  const slot = Math.abs(timeMs) % CACHE_SLOTS;
  if (cachedMs[slot] === timeMs) return cachedTimes[slot] as string;
  const limit = 8.64e15;
  const text = new Date(Math.max(-limit, Math.min(limit, timeMs))).toISOString();
  if (Number.isInteger(slot)) {
    cachedMs[slot] = timeMs;
    cachedTimes[slot] = text;
  }
  return text;
}

// The same times come again in the repeats of an alert. A prime, since times are often round.
const CACHE_SLOTS = 61;
const cachedMs: number[] = new Array(CACHE_SLOTS).fill(Number.NaN);
const cachedTimes: string[] = new Array(CACHE_SLOTS).fill("");
