/** Holds what a run gave against what its scenario expects. */
import { durationMs, durationText } from "./duration.ts";
import { type BoardResult, type Check, type Observed, totalOf } from "./result.ts";
import type { Expectations } from "./scenario.ts";

/** Heartbeats and the agent's own statistics come always: no one has to expect them. */
const ALWAYS: ReadonlySet<string> = new Set([
  "Heartbeat",
  "NetworkActivity",
  "ActiveConnections",
  "SystemInformation",
  "MessageStatistics",
  "DroppedEventsStatistics",
]);
const LOSSES = ["storeFull", "ringFull", "flowTableFullIpv4", "flowTableFullIpv6"] as const;

interface Range {
  readonly board?: string;
  readonly min?: number;
  readonly max?: number;
  readonly by?: string;
}

export function checkExpectations(
  expect: Expectations,
  observed: Observed,
  boards: readonly BoardResult[],
  reported: readonly { readonly board: string; readonly reported: unknown }[] = [],
): Check[] {
  const checks: Check[] = [];

  function checkCount(place: readonly string[], what: string, range: Range, found: number): void {
    const least = range.min ?? (range.max === undefined ? 1 : 0);
    const most = range.max ?? Number.POSITIVE_INFINITY;
    const limits = most === Number.POSITIVE_INFINITY ? `at least ${least}` : `${least} to ${most}`;
    const where = `${range.board ? ` of ${range.board}` : ""}${range.by ? ` by ${range.by}` : ""}`;
    checks.push({
      place,
      name: `${what}${where}: ${limits}`,
      isMet: found >= least && found <= most,
      found: `${found}`,
    });
  }

  for (const [i, wanted] of (expect.alerts ?? []).entries()) {
    const found = observed.alerts.filter(
      ({ alert, board, timeMs }) =>
        alert.type === wanted.type &&
        (wanted.board === undefined || board === wanted.board) &&
        (wanted.cause === undefined || alert.cause === wanted.cause) &&
        isBy(timeMs, wanted.by),
    );
    const count = new Set(found.map(({ alert }) => alert.id)).size;
    checkCount(["expect", "alerts", `${i}`], `alert ${wanted.type}`, wanted, count);
  }
  for (const [i, wanted] of (expect.events ?? []).entries()) {
    const found = observed.events.filter(
      ({ event, board, timeMs }) =>
        event.name === wanted.name &&
        (wanted.board === undefined || board === wanted.board) &&
        isBy(timeMs, wanted.by) &&
        (wanted.where === undefined ||
          (event.payload as readonly unknown[]).some((item) => holds(item, wanted.where))),
    );
    const where = wanted.where ? ` where ${JSON.stringify(wanted.where)}` : "";
    const what = `event ${wanted.name}${where}`;
    checkCount(["expect", "events", `${i}`], what, wanted, found.length);
  }
  for (const [i, wanted] of (expect.counters ?? []).entries()) {
    const own = boards.filter(({ board }) => (wanted.board ?? board) === board);
    const place = ["expect", "counters", `${i}`];
    checkCount(place, `counter ${wanted.name}`, wanted, totalOf(own, wanted.name));
  }
  for (const [i, { property, board, value }] of (expect.reported ?? []).entries()) {
    for (const own of reported.filter((entry) => board === undefined || entry.board === board)) {
      const found = property.split(".").reduce<unknown>(fieldOf, own.reported);
      checks.push({
        place: ["expect", "reported", `${i}`],
        name: `reported property ${property} of ${own.board}: ${JSON.stringify(value)}`,
        isMet: holds(found, value),
        found: JSON.stringify(found) ?? "nothing",
      });
    }
  }
  for (const what of expect.nothingElse ?? []) {
    const found = surplus(what, expect, observed, boards);
    checks.push({
      place: ["expect", "nothingElse"],
      name: `nothing else: ${what}`,
      isMet: found.length === 0,
      found: found.slice(0, 5).join("; ") || "nothing",
    });
  }
  return checks;
}

function surplus(
  what: "alerts" | "events" | "losses",
  expect: Expectations,
  observed: Observed,
  boards: readonly BoardResult[],
): string[] {
  if (what === "alerts") {
    const wanted = expect.alerts ?? [];
    const isExpected = (type: string, board: string) =>
      wanted.some((entry) => entry.type === type && (entry.board ?? board) === board);
    const found = observed.alerts.filter(({ alert, board }) => !isExpected(alert.type, board));
    return [
      ...new Set(found.map(({ alert }) => `${alert.deviceId} ${alert.type}: ${alert.explanation}`)),
    ];
  }
  if (what === "events") {
    const wanted = expect.events ?? [];
    const isExpected = (name: string, board: string) =>
      ALWAYS.has(name) ||
      wanted.some((entry) => entry.name === name && (entry.board ?? board) === board);
    const found = observed.events.filter(({ event, board }) => !isExpected(event.name, board));
    return [...new Set(found.map(({ event, deviceId }) => `${deviceId} ${event.name}`))];
  }
  const named = new Set((expect.counters ?? []).map(({ name }) => name));
  return boards.flatMap(({ deviceId, counters }) =>
    LOSSES.filter((cause) => !named.has(cause) && (counters[cause] ?? 0) > 0).map(
      (cause) => `${deviceId} ${cause} ${counters[cause]}`,
    ),
  );
}

function fieldOf(object: unknown, name: string): unknown {
  return typeof object === "object" && object !== null
    ? (object as Record<string, unknown>)[name]
    : undefined;
}

function isBy(timeMs: number, by: string | undefined): boolean {
  return by === undefined || timeMs <= durationMs(by);
}

/** Every field of `wanted` equals that of `item`; objects likewise, arrays item by item. */
export function holds(item: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null) return item === wanted;
  if (typeof item !== "object" || item === null) return false;
  return Object.entries(wanted).every(([key, value]) =>
    holds((item as Record<string, unknown>)[key], value),
  );
}

/** For names of checks. */
export function timeText(ms: number): string {
  return durationText(Math.round(ms / 1000) * 1000);
}
