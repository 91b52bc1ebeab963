import { expect, it } from "vitest";
import { buildCore } from "../boards/build.ts";
import { createHub } from "../hub/hub.ts";
import { createSasToken } from "../hub/sas.ts";
import { createAlertLog } from "../sim/demo/alert-log.ts";
import { DEMO_BOARDS } from "../sim/demo/plan.ts";
import { type DemoAlert, findFaults } from "../sim/demo/report.ts";
import { startDemo } from "../sim/demo/run.ts";
import { runPicket, startPicket } from "./support/run-picket.ts";

const FAST = ["--speed", "50"];

it("demo: once, as JSON, raises each expected alert and none on the quiet board", async () => {
  const { stdout, stderr, status, left } = await runPicket("demo", "--once", "--json", ...FAST);
  expect({ stderr, status, left }).toEqual({ stderr: "", status: 0, left: false });
  const document = JSON.parse(stdout);
  for (const { deviceId, expected } of DEMO_BOARDS) {
    const alerts = document.alerts.filter((alert: DemoAlert) => alert.deviceId === deviceId);
    const types = alerts.map(({ type }: DemoAlert) => type);
    expect(types).toEqual(expected.length === 0 ? [] : expect.arrayContaining([...expected]));
    for (const alert of alerts) {
      expect(Object.keys(alert)).toEqual(
        expect.arrayContaining(["severity", "rule", "value", "range", "time", "events", "typeId"]),
      );
      expect(Date.parse(alert.time)).not.toBeNaN();
      expect(alert.events.length).toBeGreaterThan(0);
    }
  }
  expect(document.boards).toHaveLength(DEMO_BOARDS.length);
  expect(document.messages).toBeGreaterThan(10);
  expect(document.events).toBeGreaterThan(document.messages);
  expect(document.dropped).toEqual({ deadLetters: 0, repeats: 0, failedSends: 0 });
});

it.each(["SIGINT", "SIGTERM"] as const)(
  "demo: %s ends everything within two seconds",
  async (signal) => {
    const running = startPicket("demo", ...FAST);
    await running.waitFor(/ALERT/);
    const asked = performance.now();
    running.child.kill(signal);
    const { status, stderr, stdout, left } = await running.ended;
    expect(performance.now() - asked).toBeLessThan(2000);
    expect({ status, stderr, left }).toEqual({ status: 0, stderr: "", left: false });
    expect(stdout).toMatch(/\d+ messages, \d+ events, \d+ alerts\n$/);
  },
);

it("demo: interrupted before its end, once is not a success", async () => {
  const running = startPicket("demo", "--once");
  await running.waitFor(/hub on/);
  running.child.kill("SIGINT");
  const { status, stderr, left } = await running.ended;
  expect({ status, left }).toEqual({ status: 130, left: false });
  expect(stderr).toBe("picket: interrupted before the captures were through\n");
});

it("demo: a wrong SAS token is refused in one line, and nothing stays open", async () => {
  const hub = await createHub({});
  const { wasm } = await buildCore();
  const wrongKey = Buffer.alloc(32, 7).toString("base64");
  const demo = startDemo({
    hub,
    createToken: (resource) => createSasToken(resource, wrongKey, 2_000_000_000),
    boards: DEMO_BOARDS,
    wasm,
    speed: 10,
    once: true,
    now: () => performance.now(),
    signal: new AbortController().signal,
  });
  await expect(demo).rejects.toThrow(
    /^hub 127\.0\.0\.1:\d+ refuses board-quiet\/azureiotsecurity: [^\n]*$/,
  );
  const closing = performance.now();
  await hub.close();
  expect(performance.now() - closing).toBeLessThan(2000);
});

function alert(id: number, deviceId: string, displayName = "x"): DemoAlert {
  const common = {
    type: "T",
    severity: "Low",
    rule: "r",
    value: 1,
    range: {},
    events: [],
    count: 1,
  };
  return { ...common, id: String(id), deviceId, displayName, time: "2026-01-01T00:00:00.000Z" };
}

it("demo: what is missing or too much is told, one line each", () => {
  const plans = [
    { deviceId: "quiet", capture: "", expected: [] },
    { deviceId: "loud", capture: "", expected: ["a", "b"] },
  ];
  const all = [alert(1, "loud", "a"), alert(2, "loud", "b"), alert(3, "loud", "more")];
  expect(findFaults(plans, all)).toEqual([]);
  expect(findFaults(plans, all.slice(1))).toEqual(['loud did not raise "a"']);
  expect(findFaults(plans, [...all, alert(4, "quiet", "c")])).toEqual(['quiet raised "c"']);
});

it("demo: the log of alerts counts all, tells each once, and keeps the latest", () => {
  const told: string[] = [];
  const log = createAlertLog(({ id }) => told.push(id));
  for (let id = 0; id < 3000; id++) {
    log.add(alert(id, id % 3 === 0 ? "a" : "b"));
    log.add({ ...alert(id, id % 3 === 0 ? "a" : "b"), count: 2 });
  }
  expect(told).toHaveLength(3000);
  expect([log.raised(), log.raised("a"), log.raised("none")]).toEqual([3000, 1000, 0]);
  expect(log.list()).toHaveLength(1000);
  expect(log.list().at(-1)).toMatchObject({ id: "2999", count: 2 });
});
