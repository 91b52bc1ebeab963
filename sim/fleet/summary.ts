/** What a fleet costs: totals, percentiles, the hub's quota units in a day. */
import { renderTable } from "../table.ts";
import type { FleetTotals } from "./fleet.ts";

export interface FleetSummary {
  readonly boards: number;
  readonly hours: number;
  readonly packets: number;
  readonly messages: number;
  readonly bytes: number;
  readonly failedSends: number;
  readonly alerts: number;
  /** Of the whole fleet in 24 h. */
  readonly perDay: { readonly messages: number; readonly bytes: number; readonly units: number };
  /** Of one board in 24 h. */
  readonly board: Readonly<Record<"messages" | "bytes" | "units", Percentiles>>;
  /** Hub units of each edition that take so much in a day. */
  readonly hubUnits: Readonly<Record<string, number>>;
}

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Quota units of 4 KB that one unit of an edition takes in a day (IoT Hub's documented limits). */
export const HUB_EDITIONS = { S1: 400_000, S2: 6_000_000, S3: 300_000_000 } as const;

/** @param scale the fleet is so many times the boards that were simulated */
export function summarise(totals: FleetTotals, alerts: number, scale = 1): FleetSummary {
  const { hours } = totals;
  const perDay = hours === 0 ? 0 : 24 / hours;
  const total = (list: Iterable<number>) => scale * sum(list);
  const units = total(totals.units) * perDay;
  return {
    boards: Math.round(totals.boards * scale),
    hours,
    packets: Math.round(totals.packets * scale),
    messages: Math.round(total(totals.messages)),
    bytes: Math.round(total(totals.bytes)),
    failedSends: Math.round(total(totals.failedSends)),
    alerts: Math.round(alerts * scale),
    perDay: {
      messages: Math.round(total(totals.messages) * perDay),
      bytes: Math.round(total(totals.bytes) * perDay),
      units: Math.round(units),
    },
    board: {
      messages: percentiles(totals.messages, perDay),
      bytes: percentiles(totals.bytes, perDay),
      units: percentiles(totals.units, perDay),
    },
    hubUnits: Object.fromEntries(
      Object.entries(HUB_EDITIONS).map(([name, most]) => [name, Math.ceil(units / most)]),
    ),
  };
}

function sum(list: Iterable<number>): number {
  let total = 0;
  for (const value of list) total += value;
  return total;
}

/** Nearest rank. */
export function percentiles(list: ArrayLike<number>, factor: number): Percentiles {
  const sorted = Float64Array.from(list).sort();
  const at = (percent: number) => {
    const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
    return Math.round((sorted[rank - 1] ?? 0) * factor * 10) / 10;
  };
  return { p50: at(50), p95: at(95), p99: at(99), max: at(100) };
}

export function summaryText(summary: FleetSummary): string {
  const { board, perDay, hubUnits } = summary;
  const rows = (["messages", "bytes", "units"] as const).map((name) => {
    const { p50, p95, p99, max } = board[name];
    return [name, perDay[name], p50, p95, p99, max];
  });
  const editions = Object.entries(hubUnits).map(([name, count]) => `${count} x ${name}`);
  return `${renderTable([["in 24 h", "fleet", "board p50", "p95", "p99", "max"], ...rows])}
${summary.boards} boards, ${summary.hours} h: ${summary.packets} packets, ${summary.messages} messages, ${summary.alerts} alerts, ${summary.failedSends} failed sends
the hub bills ${perDay.units} units of 4 KB a day for security messages: ${editions.join(" or ")}
`;
}

/** What a change of the intervals brings. */
export function changeText(before: FleetSummary, now: FleetSummary): string {
  const [was, is] = [before.perDay.units, now.perDay.units];
  const share = was === 0 ? 0 : Math.round((1000 * (is - was)) / was) / 10;
  return `without the change ${was} units a day: ${is - was} units, ${share} %\n`;
}

/** Cost of a day by edition, in the currency of the prices. */
export type FleetCosts = Readonly<Record<string, { units: number; perDay: number }>>;

const DAYS_IN_YEAR = 365.25;

/** @param prices of one unit of an edition in a month */
export function costsOf(
  { hubUnits }: FleetSummary,
  prices: ReadonlyMap<string, number>,
): FleetCosts {
  return Object.fromEntries(
    [...prices].map(([edition, price]) => {
      const units = hubUnits[edition] ?? 0;
      return [edition, { units, perDay: round((units * price * 12) / DAYS_IN_YEAR) }];
    }),
  );
}

export function costText(costs: FleetCosts): string {
  const lines = Object.entries(costs).map(
    ([edition, { units, perDay }]) => `${units} x ${edition} cost ${perDay} a day\n`,
  );
  return lines.join("");
}

function round(value: number): number {
  return Math.round(100 * value) / 100;
}
