import { describe, expect, it } from "vitest";
import type { Alert } from "../detect/alerts.ts";
import { createDetection, type Detection } from "../detect/detection.ts";
import { parseGroup } from "../detect/groups.ts";
import type { SecurityEvent } from "../wire/events.ts";
import { event, T0 } from "./support/detect-events.ts";

const MINUTE = 60_000;

function group(ruleType: string, min: number, max: number, extra: object = {}) {
  const rule = {
    isEnabled: true,
    ruleType,
    minThreshold: min,
    maxThreshold: max,
    timeWindowSize: "PT1M",
    ...extra,
  };
  return parseGroup("default", { properties: { timeWindowRules: [rule] } });
}

function run(detection: Detection, events: readonly SecurityEvent[]): Alert[] {
  const state = detection.create("dev1");
  return events.flatMap((item) =>
    detection.apply(state, { kind: "event", event: item, arrivedMs: item.timeMs ?? 0 }),
  );
}

const c2d = (atMs: number, count: number) =>
  event("CloudToDeviceMessages", atMs, count === 0 ? [] : [{ transport: "MQTT", count }]);
const connections = (atMs: number, min: number, max: number) =>
  event("ActiveConnections", atMs, [{ current: max, min, max }]);

describe("detect windows", () => {
  const C2D = "MqttC2DMessagesNotInAllowedRange";

  it("windows: stay quiet at the maximum and raise at one more", () => {
    const detection = createDetection({ groups: [group(C2D, 0, 5)] });
    expect(run(detection, [c2d(10_000, 3), c2d(20_000, 2)])).toEqual([]);
    const [alert] = run(detection, [c2d(10_000, 3), c2d(20_000, 3)]);
    expect(alert).toMatchObject({
      type: "IoT_CA_MqttC2DMessagesNotInAllowedRange",
      displayName: "Number of cloud-to-device messages in MQTT is not in the allowed range",
      severity: "Low",
      deviceId: "dev1",
      rule: C2D,
      value: 6,
      range: { min: 0, max: 5, windowMs: MINUTE },
      time: new Date(T0 + 20_000).toISOString(),
      count: 1,
      state: "active",
    });
    expect(alert?.events).toHaveLength(1);
  });

  it("windows: count a repeat in the next window and resolve after one in range", () => {
    const detection = createDetection({ groups: [group(C2D, 0, 5)] });
    const alerts = run(detection, [
      c2d(10_000, 6),
      c2d(70_000, 7),
      c2d(130_000, 1),
      c2d(190_000, 1),
    ]);
    expect(alerts.map(({ count, value, state }) => [count, value, state])).toEqual([
      [1, 6, "active"],
      [2, 7, "active"],
      [2, 7, "resolved"],
    ]);
    expect(new Set(alerts.map(({ id }) => id)).size).toBe(1);
  });

  it("windows: an event at the end of a window belongs to it", () => {
    const detection = createDetection({ groups: [group(C2D, 0, 5)] });
    expect(run(detection, [c2d(50_000, 3), c2d(60_000, 3)])).toHaveLength(1);
    expect(run(detection, [c2d(60_000, 3), c2d(60_001, 3)])).toEqual([]);
  });

  it("windows: absence raises for complete windows only", () => {
    const detection = createDetection({ groups: [group(C2D, 1, 100)] });
    // The first window is not whole: the device was seen in its middle.
    expect(run(detection, [c2d(40_000, 0), c2d(70_000, 1), c2d(130_000, 1)])).toEqual([]);
    const alerts = run(detection, [c2d(10_000, 1), c2d(70_000, 0), c2d(130_000, 0)]);
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toMatchObject({ value: 0, range: { min: 1, max: 100 }, count: 1 });
  });

  it("windows: absence raises when other events show that time has passed", () => {
    const detection = createDetection({ groups: [group(C2D, 1, 100)] });
    const heartbeats = [0, 1, 2, 3, 4, 5].map((n) => event("Heartbeat", n * MINUTE, [{}]));
    const alerts = run(detection, heartbeats);
    expect(alerts.at(-1)).toMatchObject({ value: 0, rule: C2D, state: "active" });
  });

  it("windows: a report over several windows is not taken for absence in them", () => {
    const detection = createDetection({ groups: [group(C2D, 1, 1000)] });
    const report = (n: number) =>
      event(
        "CloudToDeviceMessages",
        n * 5 * MINUTE,
        [{ transport: "MQTT", count: 20 }],
        5 * MINUTE,
      );
    expect(run(detection, [1, 2, 3, 4].map(report))).toEqual([]);
  });

  it("windows: hysteresis raises after three windows and clears after two", () => {
    const detection = createDetection({
      groups: [group(C2D, 0, 5, { windowsToRaise: 3, windowsToClear: 2 })],
    });
    const counts = [6, 6, 1, 6, 6, 6, 6, 1, 6, 1, 1, 1];
    const alerts = run(
      detection,
      counts.map((count, n) => c2d(n * MINUTE + 30_000, count)),
    );
    const told = alerts.map(({ count, state, time }) => [
      count,
      state,
      (Date.parse(time) - T0) / MINUTE,
    ]);
    expect(told).toEqual([
      [1, "active", 5.5],
      [2, "active", 6.5],
      [2, "resolved", 11.5],
    ]);
  });

  it("windows: a gauge raises on its greatest and on its least value", () => {
    const detection = createDetection({
      groups: [group("ActiveConnectionsNotInAllowedRange", 1, 4)],
    });
    expect(run(detection, [connections(10_000, 1, 4)])).toEqual([]);
    expect(run(detection, [connections(10_000, 1, 5)])[0]).toMatchObject({
      value: 5,
      displayName: "Number of active connections is not in the allowed range",
    });
    expect(run(detection, [connections(10_000, 0, 4)])[0]).toMatchObject({ value: 0 });
  });

  it("windows: late reports of a closed window still raise", () => {
    const detection = createDetection({ groups: [group(C2D, 0, 5)] });
    const alerts = run(detection, [
      c2d(10_000, 1),
      c2d(10 * MINUTE, 1),
      c2d(70_000, 4),
      c2d(80_000, 4),
    ]);
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toMatchObject({ value: 8, time: new Date(T0 + 2 * MINUTE).toISOString() });
  });

  it("windows: a year of silence is closed at once", () => {
    const detection = createDetection({ groups: [group(C2D, 1, 5, { timeWindowSize: "PT1S" })] });
    const state = detection.create("dev1");
    detection.apply(state, { kind: "event", event: c2d(0, 1), arrivedMs: T0 });
    const alerts = detection.apply(state, { kind: "tick", nowMs: T0 + 365 * 24 * 60 * MINUTE });
    const absence = alerts.find(({ rule }) => rule === C2D);
    expect(absence?.count).toBeGreaterThan(31_000_000);
  });

  it("windows: a suppression keeps alerts back until it expires", () => {
    const suppressions = [{ rule: C2D, deviceId: "dev1", untilMs: T0 + 2 * MINUTE }];
    const detection = createDetection({ groups: [group(C2D, 0, 5)], suppressions });
    const alerts = run(detection, [c2d(10_000, 9), c2d(70_000, 9), c2d(2 * MINUTE + 1, 9)]);
    expect(alerts.map(({ count }) => count)).toEqual([1]);
  });
});
