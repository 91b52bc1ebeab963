import { expect, it } from "vitest";
import type { Alert } from "../detect/alerts.ts";
import { createHours, hourOfWeek, moveCells, readCell } from "../detect/baseline-model.ts";
import { createDetection } from "../detect/detection.ts";
import { GROUP_DESTINATIONS_MAX, groupStateId, type Signal } from "../detect/group-baseline.ts";
import type { SecurityEvent } from "../wire/events.ts";
import { createPrng } from "./support/detect-day.ts";
import { event, flow, T0 } from "./support/detect-events.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function runner(options = {}) {
  const detection = createDetection(options);
  const state = detection.create("dev1");
  const group = detection.create(groupStateId("default"));
  const take = (item: SecurityEvent, device = state): Alert[] => {
    const signals: Signal[] = [];
    const input = { kind: "event", event: item, arrivedMs: item.timeMs ?? T0 } as const;
    const own = detection.apply(device, input, signals);
    return [...own, ...signals.flatMap((signal) => detection.applySignal(group, signal))];
  };
  return { take, state, detection, group };
}

/** One report a minute: a private broker, `bytesOut` around 1,000 at night and 30,000 by day. */
function traffic(at: number, random: () => number, factor = 1): SecurityEvent {
  const hour = Math.floor(at / HOUR) % 24;
  const base = hour >= 8 && hour < 18 ? 30_000 : 1000;
  const bytesOut = Math.floor(base * (0.7 + 0.6 * random()) * factor);
  return event(
    "NetworkActivity",
    at,
    [flow({ remoteAddress: "10.0.0.1", bytesOut, bytesIn: 900 })],
    MINUTE,
  );
}

const baselineRules = (alerts: readonly Alert[]) =>
  alerts.filter(({ rule, state }) => rule.startsWith("baseline.") && state === "active");

it("baseline: ten times the usual bytes raise after the warm-up of three hours, not before", () => {
  const random = createPrng(1);
  const { take } = runner();
  for (let at = MINUTE; at <= 2 * HOUR; at += MINUTE) {
    expect(
      baselineRules(take(traffic(at, random, at > HOUR && at < 70 * MINUTE ? 100 : 1))),
    ).toEqual([]);
  }
  const late: Alert[] = [];
  for (let at = 2 * HOUR + MINUTE; at <= 5 * HOUR; at += MINUTE) {
    late.push(...take(traffic(at, random, at > 4 * HOUR && at <= 4 * HOUR + 20 * MINUTE ? 30 : 1)));
  }
  const [first] = baselineRules(late);
  expect(first).toMatchObject({ type: "Picket_BaselineBytesOut", rule: "baseline.bytesOut" });
  expect(Date.parse(first?.time ?? "") - T0).toBe(4 * HOUR + 10 * MINUTE);
  expect(first?.explanation).toMatch(
    /^\d+ bytes sent in 5 minutes, usual are about \d+ \(\d+ to \d+, over all hours, learned in \d h\)$/,
  );
  expect(late.some(({ state, rule }) => state === "resolved" && rule === "baseline.bytesOut")).toBe(
    true,
  );
});

it("baseline: two weeks of days and nights raise nothing, then night traffic by day height does", () => {
  const random = createPrng(2);
  const { take, state } = runner();
  const alerts: Alert[] = [];
  const step = 5 * MINUTE;
  for (let at = step; at <= 16 * 24 * HOUR; at += step) alerts.push(...take(traffic(at, random)));
  // The first morning is ten times the night that was learned: that one may be told.
  const afterDays = alerts.filter(({ time }) => Date.parse(time) > T0 + 2 * 24 * HOUR);
  expect(baselineRules(afterDays)).toEqual([]);
  const night = 16 * 24 * HOUR + 2 * HOUR;
  const found: Alert[] = [];
  for (let at = 16 * 24 * HOUR + step; at < night + HOUR; at += step) {
    found.push(...take(traffic(at, random, at >= night ? 40 : 1)));
  }
  expect(baselineRules(found)[0]?.explanation).toMatch(/Wednesday 2:00 UTC/);
  expect(JSON.stringify(state).length).toBeLessThan(4096);
});

it("baseline: a destination new to the group raises after the warm-up, one known elsewhere does not", () => {
  const { take, detection } = runner();
  const other = detection.create("dev2");
  const to = (at: number, remoteAddress: string, localPort: number) =>
    event("NetworkActivity", at, [flow({ remoteAddress, localPort })]);
  const rules = (alerts: readonly Alert[]) =>
    alerts
      .filter(({ state }) => state === "active")
      .map(({ rule, deviceId, value }) => [rule, deviceId, value]);
  expect(take(to(0, "192.0.2.1", 1))).toEqual([]);
  expect(take(to(HOUR, "192.0.2.2", 2), other)).toEqual([]);
  expect(rules(take(to(4 * HOUR, "192.0.2.2", 3)))).toEqual([]);
  expect(rules(take(to(4 * HOUR, "192.0.2.3", 4)))).toEqual([
    ["newDestination", "dev1", "192.0.2.3"],
  ]);
  expect(rules(take(to(5 * HOUR, "192.0.2.3", 5), other))).toEqual([]);
});

it("baseline: a new device is held against its group until it has a range of its own", () => {
  const random = createPrng(3);
  const { take, detection } = runner();
  for (let at = MINUTE; at <= 4 * HOUR; at += MINUTE) take(traffic(at, random));
  const fresh = detection.create("dev9");
  const found: Alert[] = [];
  for (let at = 4 * HOUR; at <= 5 * HOUR; at += MINUTE)
    found.push(...take(traffic(at, random, 50), fresh));
  expect(found.find(({ rule }) => rule === "group.bytesOut")).toMatchObject({
    deviceId: "dev9",
    cause: "dev9",
  });
});

it("baseline: a group's memory of destinations is bounded", () => {
  const { take, group } = runner();
  for (let n = 0; n <= GROUP_DESTINATIONS_MAX + 10; n++) {
    const remoteAddress = `198.51.${n >> 8}.${n & 255}`;
    take(event("NetworkActivity", n, [flow({ remoteAddress, localPort: n & 0xffff })]));
  }
  const memory = group.memory.group as { seen: object; seenCount: number };
  expect(Object.keys(memory.seen).length).toBe(memory.seenCount);
  expect(memory.seenCount).toBeLessThanOrEqual(GROUP_DESTINATIONS_MAX);
});

it("baseline: hours of the week are kept in one text, cell by cell", () => {
  expect(hourOfWeek(Date.UTC(2026, 0, 5))).toBe(0); // A Monday.
  expect(hourOfWeek(Date.UTC(2026, 0, 4, 23))).toBe(167);
  let hours = createHours(1);
  expect(readCell(hours, 5)).toBeNull();
  for (let level = 0; level <= 40; level++) {
    let cell = hours;
    for (let i = 0; i < 200; i++) cell = moveCells(cell, 5, [level]);
    expect(Math.abs((readCell(cell, 5) ?? -1) - Math.min(level, 34))).toBeLessThanOrEqual(0.21);
    expect(cell).toHaveLength(168);
    expect(readCell(cell, 4)).toBeNull();
  }
  hours = moveCells(hours, 5, [10]);
  expect(readCell(moveCells(hours, 5, [30]), 5)).toBe(10.4);
});
