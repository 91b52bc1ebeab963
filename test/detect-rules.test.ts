import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { createDetection } from "../detect/detection.ts";
import { explain } from "../detect/explain.ts";
import { createProcessor } from "../detect/processor.ts";
import { renderResult } from "../detect/query-text.ts";
import { optionsOf } from "../detect/rule-files.ts";
import { type RuleTestPorts, runRuleTest } from "../detect/rule-test.ts";
import { createService } from "../detect/service.ts";
import { whyNot } from "../detect/why-not.ts";
import { openWorkspace } from "../detect/workspace.ts";
import { exportParquet, retain } from "../detect/workspace-export.ts";
import { event, flow, message, T0 } from "./support/detect-events.ts";

const ports: RuleTestPorts = {
  readFile: (path) => {
    throw new Error(`${path}: no such file`);
  },
  replay: () => [],
};
const RULES = { rules: [{ name: "telnet", event: "NetworkActivity", where: { remotePort: 23 } }] };
const step = (at: string, remotePort: number) => ({
  at,
  name: "NetworkActivity",
  payload: [{ remoteAddress: "10.0.0.1", remotePort }],
});
const failures = (test: object) =>
  runRuleTest(JSON.stringify({ name: "t", rules: RULES, ...test }), "t.test.json", ports).failures;

it("rule tests: pass when exactly the expected alerts come, at their time", () => {
  const steps = [step("PT1S", 80), step("PT5S", 23), step("PT9S", 23)];
  expect(failures({ steps, expect: [{ rule: "telnet", count: 2, at: "PT5S" }] })).toEqual([]);
  expect(failures({ steps: [step("PT1S", 80)], expect: [] })).toEqual([]);
});

it("rule tests: failures say what came and what was expected", () => {
  const steps = [step("PT5S", 23)];
  expect(failures({ steps, expect: [{ rule: "telnet", count: 2, at: "PT6S" }] })).toEqual([
    "telnet: count is 1, expected 2; raised at PT5S, expected PT6S",
  ]);
  expect(failures({ steps, expect: [] })[0]).toMatch(
    /^telnet: was not expected: NetworkActivity matched/,
  );
  expect(failures({ steps: [], expect: [{ rule: "telnet" }] })).toEqual(["telnet: was not raised"]);
});

it.each([
  ["{", /^t.test.json: no JSON/],
  ['{"name":"a","expect":[]}', /^t.test.json: \/ must have required property .steps./],
  [
    '{"name":"a","expect":[],"steps":[{"at":"1s","tick":true}]}',
    /\/steps\/0\/at: "1s" is no ISO 8601 duration/,
  ],
  [
    '{"name":"a","expect":[],"steps":[],"rules":"gone.json"}',
    /rules gone.json: gone.json: no such file/,
  ],
])("rule tests: %s is refused in one line", (json, text) => {
  expect(() => runRuleTest(json, "t.test.json", ports)).toThrow(text);
});

it("why-not: tells the last value and the distance, for every kind of rule", () => {
  const window = {
    isEnabled: true,
    ruleType: "MqttC2DMessagesNotInAllowedRange",
    minThreshold: 0,
    maxThreshold: 10,
    timeWindowSize: "PT1H",
  };
  const options = optionsOf(
    { ...RULES, groups: { default: { properties: { timeWindowRules: [window] } } } },
    "t",
  );
  const detection = createDetection(options);
  const state = detection.create("dev1");
  const flows = [1, 2, 3].map((n) =>
    flow({ remotePort: n, localPort: n, packetsIn: 1, bytesIn: 20 }),
  );
  for (const item of [
    event("CloudToDeviceMessages", 0, [{ transport: "MQTT", count: 7 }]),
    event("NetworkActivity", 0, flows),
  ]) {
    detection.apply(state, { kind: "event", event: item, arrivedMs: T0 });
  }
  expect(whyNot(state, options, "MqttC2DMessagesNotInAllowedRange")[0]).toMatch(
    /holds 7; allowed are 0 to 10 in PT1H: 4 more/,
  );
  expect(whyNot(state, options, "portScanOut")[1]).toBe("203.0.113.9: 3, 12 short of it");
  expect(whyNot(state, options, "telnet")).toEqual(["no event matched its conditions"]);
  expect(whyNot(state, options, "baseline.bytesOut")[0]).toMatch(/^still learning/);
  expect(whyNot(state, options, "FileUploadsNotInAllowedRange")[0]).toMatch(/is not active/);
});

it("workspace: explains an alert by its id, exports Parquet, and lets old rows go", async () => {
  const folder = await mkdtemp(join(tmpdir(), "picket-export-"));
  const workspace = await openWorkspace();
  const processor = createProcessor(createDetection(optionsOf(RULES, "t")));
  const detect = await createService({ processor, workspace, now: () => T0 });
  for (let n = 0; n < 10; n++) {
    await detect.ingest(
      message(
        "dev1",
        [event("NetworkActivity", n * 60_000, [flow({ remotePort: 23 })])],
        n * 60_000,
      ),
    );
  }
  const { rows } = await workspace.query("SELECT SystemAlertId FROM SecurityAlert");
  const lines = await explain(String(rows[0]?.[0]).slice(0, 8), workspace);
  expect(lines?.join("\n")).toMatch(
    /Low: telnet \(Picket_CustomRule\), New\n.*dev1[\s\S]*10 times/,
  );
  const path = join(folder, "it's.parquet");
  await exportParquet(workspace, "SELECT * FROM SecurityIoTRawEvent;", path);
  expect(existsSync(path)).toBe(true);
  const back = await workspace.query(
    `SELECT count(*)::INT AS n FROM '${path.replaceAll("'", "''")}'`,
  );
  expect(renderResult(back, "csv")).toBe("n\r\n10\r\n");
  expect(renderResult(back, "table")).toBe("n\n--\n10\n1 row\n");
  const removed = await retain(workspace, { ageMs: 5 * 60_000, rawEventsMax: 4 }, T0 + 10 * 60_000);
  expect(removed).toMatchObject({ SecurityIoTRawEvent: 6, SecurityAlert: 0 });
  const left = await workspace.query(
    "SELECT count(*)::INT, min(TimeGenerated)::VARCHAR FROM SecurityIoTRawEvent",
  );
  expect(left.rows).toEqual([[4, "2026-01-05 00:06:00"]]);
  await workspace.close();
  await rm(folder, { recursive: true });
});

it("workspace: kill -9 right after the acknowledgement loses nothing", async () => {
  const { spawn } = await import("node:child_process");
  const folder = await mkdtemp(join(tmpdir(), "picket-kill-"));
  const path = join(folder, "w.duckdb");
  const script = fileURLToPath(new URL("./support/detect-writer.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", script, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let acknowledged = 0;
  await new Promise<void>((resolve) => {
    child.stdout.on("data", (text: Buffer) => {
      acknowledged += text.toString().split("\n").length - 1;
      if (acknowledged >= 25 && !child.killed) child.kill("SIGKILL");
    });
    child.on("exit", () => resolve());
  });
  const workspace = await openWorkspace(path);
  const events = await workspace.query(
    "SELECT count(DISTINCT IoTRawEventId)::INT FROM SecurityIoTRawEvent",
  );
  expect(acknowledged).toBeGreaterThanOrEqual(25);
  expect(Number(events.rows[0]?.[0])).toBeGreaterThanOrEqual(acknowledged);
  const states = await workspace.query(
    "SELECT json_extract(State, '$.seen') FROM PicketDeviceState WHERE DeviceId = 'dev1'",
  );
  expect(states.rows).toHaveLength(1);
  await workspace.close();
  await rm(folder, { recursive: true });
}, 30_000);
