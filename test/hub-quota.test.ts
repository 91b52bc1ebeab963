import { describe, expect, it } from "vitest";
import { createQuota, UNIT_BYTES } from "../hub/quota.ts";
import { openStore } from "../hub/store.ts";

const NOON_MS = Date.UTC(2026, 10, 20, 12);
const DAY_MS = 86_400_000;

function setUp() {
  const clock = { nowMs: NOON_MS, now: () => clock.nowMs };
  const store = openStore(null, () => {});
  return { clock, store, quota: createQuota(store, clock) };
}

describe("hub quota", () => {
  it("quota: one unit for each begun 4 KB, security messages apart", () => {
    const { quota } = setUp();
    const ref = { deviceId: "d", moduleId: "m" };
    quota.count(ref, "telemetry", UNIT_BYTES);
    quota.count(ref, "telemetry", UNIT_BYTES + 1);
    quota.count({ deviceId: "d", moduleId: null }, "security", 0);
    quota.count({ deviceId: "d", moduleId: null }, "c2d", 3 * UNIT_BYTES);
    expect(quota.records("2026-11-20")).toEqual([
      {
        deviceId: "d",
        day: "2026-11-20",
        messages: 2,
        units: 3,
        securityMessages: 1,
        securityUnits: 1,
        c2dMessages: 1,
        c2dUnits: 3,
      },
    ]);
  });

  it("quota: a new day begins at midnight UTC, also for a source that goes on", () => {
    const { clock, quota } = setUp();
    const ref = { deviceId: "d", moduleId: null };
    clock.nowMs = NOON_MS + DAY_MS / 2 - 1;
    quota.count(ref, "telemetry", 1);
    clock.nowMs += 1;
    quota.count(ref, "telemetry", 1);
    const days = quota.records(null).map(({ day, messages }) => [day, messages]);
    expect(days).toEqual([
      ["2026-11-20", 1],
      ["2026-11-21", 1],
    ]);
  });

  it("quota: goes on counting after it was saved and opened again, and forgets old days", () => {
    const { clock, store, quota } = setUp();
    const ref = { deviceId: "d", moduleId: null };
    quota.count(ref, "telemetry", 1);
    quota.save();
    quota.count(ref, "telemetry", 1);
    quota.save();
    const again = createQuota(store, clock);
    again.count(ref, "telemetry", 1);
    expect(again.records("2026-11-20")[0]?.messages).toBe(3);
    again.save();
    clock.nowMs += 32 * DAY_MS;
    again.save();
    again.count(ref, "telemetry", 1);
    again.save();
    expect(again.records("2026-11-20")).toEqual([]);
  });
});
