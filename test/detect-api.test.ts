import { afterEach, beforeEach, expect, it } from "vitest";
import { type ApiOptions, startApi } from "../detect/api/server.ts";
import { type Control, createControl } from "../detect/control.ts";
import { createDetection } from "../detect/detection.ts";
import { createProcessor } from "../detect/processor.ts";
import { createService, type DetectionService } from "../detect/service.ts";
import { openWorkspace, type Workspace } from "../detect/workspace.ts";
import { event, flow, message, T0 } from "./support/detect-events.ts";

const KEY = "0123456789abcdef";
const GROUPS =
  "/subscriptions/s/resourceGroups/r/providers/Microsoft.Devices/IotHubs/h/providers/Microsoft.Security/deviceSecurityGroups";
const ALLOW = {
  properties: {
    allowlistRules: [
      { isEnabled: true, ruleType: "ConnectionToIpNotAllowed", allowlistValues: ["10.0.0.0/8"] },
    ],
  },
};

let workspace: Workspace;
let service: DetectionService;
let control: Control;
let closers: (() => Promise<void>)[] = [];

beforeEach(async () => {
  workspace = await openWorkspace(":memory:", { isolated: true });
  const processor = createProcessor(createDetection());
  service = await createService({ processor, workspace, now: () => T0 });
  control = await createControl({ processor, workspace });
});
afterEach(async () => {
  for (const close of closers) await close();
  closers = [];
  await workspace.close();
});

async function api(options: ApiOptions = {}) {
  const started = await startApi(
    { service, control, workspace, feeds: null, now: () => T0 },
    options,
  );
  closers.push(started.close);
  return async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) => {
    const response = await fetch(started.url + path, {
      method,
      headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : text };
  };
}

it("api: a group put under the documented path raises alerts at once and can be read back", async () => {
  const call = await api();
  const put = await call("PUT", `${GROUPS}/default?api-version=2019-08-01`, ALLOW);
  expect(put.status).toBe(201);
  expect(put.body).toMatchObject({
    id: `${GROUPS}/default`,
    name: "default",
    type: "Microsoft.Security/deviceSecurityGroups",
  });
  expect(put.body.properties.timeWindowRules).toHaveLength(16);
  expect((await call("PUT", `${GROUPS}/default`, put.body)).status).toBe(200);
  await service.ingest(message("dev1", [event("NetworkActivity", 0, [flow({})])], 0));
  const { body } = await call("GET", "/api/alerts?state=active&deviceId=dev1");
  expect(body.alerts).toMatchObject([
    {
      type: "IoT_CA_ConnectionToIpNotAllowed",
      deviceId: "dev1",
      value: "203.0.113.9",
      count: 1,
      state: "active",
      firstTime: "2026-01-05T00:00:00.000Z",
    },
  ]);
  expect((await call("GET", GROUPS)).body.value).toHaveLength(1);
  expect((await call("DELETE", `${GROUPS}/default`)).status).toBe(200);
  expect((await call("DELETE", `${GROUPS}/default`)).status).toBe(204);
  expect((await call("GET", `${GROUPS}/default`)).status).toBe(404);
});

it("api: what is wrong in a group or rule is told in one line and changes nothing", async () => {
  const call = await api();
  const bad = await call("PUT", "/api/groups/g", {
    properties: {
      allowlistRules: [
        { isEnabled: true, ruleType: "ConnectionToIpNotAllowed", allowlistValues: ["x"] },
      ],
    },
  });
  expect(bad).toMatchObject({
    status: 400,
    body: { error: expect.stringMatching(/"x" is not an IP or CIDR$/) },
  });
  expect((await call("PUT", "/api/groups/g", { properties: { timeWindowRule: [] } })).status).toBe(
    400,
  );
  expect((await call("PUT", "/api/rules", { rules: [{ name: "a" }] })).status).toBe(400);
  expect((await call("PUT", "/api/groups/__proto__", ALLOW)).status).toBe(400);
  expect((await call("GET", "/api/rules")).body).toEqual({});
});

it("api: rules survive a restart", async () => {
  const call = await api();
  const rules = [{ name: "beat", event: "Heartbeat" }];
  expect((await call("PUT", "/api/rules", { rules })).status).toBe(200);
  const again = await createControl({ processor: createProcessor(createDetection()), workspace });
  expect(again.document()).toEqual({ rules });
});

it("api: dismisses an alert, whose repeats are counted and not told", async () => {
  const call = await api();
  await call("PUT", "/api/groups/default", ALLOW);
  const send = (at: number) =>
    service.ingest(message("dev1", [event("NetworkActivity", at, [flow({})])], at));
  await send(0);
  const [alert] = (await call("GET", "/api/alerts")).body.alerts;
  expect((await call("POST", `/api/alerts/${alert.id}/dismiss`)).status).toBe(200);
  await send(1000);
  expect((await call("GET", "/api/alerts?state=dismissed")).body.alerts).toHaveLength(1);
  expect((await call("GET", "/api/devices/dev1")).body.alerts).toMatchObject([
    { count: 2, state: "dismissed" },
  ]);
  expect((await call("POST", "/api/alerts/none/dismiss")).status).toBe(404);
});

it("api: queries read the tables and nothing else", async () => {
  const call = await api();
  await service.ingest(message("dev1", [event("Heartbeat", 0, [])], 0));
  const sql = (text: string) => call("POST", "/api/query", { sql: text });
  expect((await sql("SELECT DeviceId FROM SecurityIoTRawEvent")).body).toMatchObject({
    columns: ["DeviceId"],
    rows: [["dev1"]],
  });
  for (const text of [
    "DELETE FROM SecurityIoTRawEvent",
    "SELECT 1; DROP TABLE SecurityAlert",
    "COPY (SELECT 1) TO '/tmp/picket-test.csv'",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SET enable_external_access=true",
    "ATTACH '/tmp/x.duckdb'",
    "SELEC",
  ]) {
    expect((await sql(text)).status, text).toBe(400);
  }
  const [[count]] = (await sql("SELECT count(*)::INT FROM SecurityIoTRawEvent")).body.rows;
  expect(count).toBe(1);
});

it("api: a query that does not end is stopped", async () => {
  const endless =
    "SELECT count(*) FROM range(100000000000) a, range(100000000000) b WHERE a.range * b.range % 7 = 3";
  await expect(workspace.select(endless, { msMax: 200 })).rejects.toThrow(/^query: .*[Ii]nterrupt/);
});

it("api: keys are required beyond loopback, checked, and long", async () => {
  await expect(api({ host: "0.0.0.0" })).rejects.toThrow(/^API on 0.0.0.0: give a key/);
  await expect(api({ keys: ["short"] })).rejects.toThrow(/16 characters/);
  const call = await api({ keys: [KEY] });
  expect((await call("GET", "/health")).status).toBe(401);
  expect((await call("GET", "/health", undefined, { "x-api-key": `${KEY}0` })).status).toBe(401);
  expect((await call("GET", "/health", undefined, { "x-api-key": KEY })).body).toEqual({
    status: "ok",
  });
  expect((await call("GET", "/health", undefined, { authorization: `Bearer ${KEY}` })).status).toBe(
    200,
  );
});

it("api: without keys only requests to loopback names are answered", async () => {
  const started = await startApi({ service, control, workspace, feeds: null, now: () => T0 });
  closers.push(started.close);
  const inject = (host: string) => started.server.inject({ url: "/health", headers: { host } });
  expect((await inject("evil.example:80")).statusCode).toBe(403);
  expect((await inject("localhost:80")).statusCode).toBe(200);
  expect((await inject("[::1]:80")).statusCode).toBe(200);
});

it("api: serves its OpenAPI document, metrics, catalogue and dead letters", async () => {
  const call = await api();
  const good = message("dev1", [event("Heartbeat", 0, [])], 0);
  await service.ingest(good);
  await service.ingest({ ...good, body: new Uint8Array([1, 2, 3]) });
  const document = (await call("GET", "/openapi.json")).body;
  expect(document.openapi).toMatch(/^3\./);
  expect(Object.keys(document.paths)).toEqual(
    expect.arrayContaining(["/api/alerts", "/api/groups/{name}", "/api/query", "/metrics"]),
  );
  const metrics = (await call("GET", "/metrics")).body as string;
  expect(metrics).toMatch(/^picket_messages_total 2$/m);
  expect(metrics).toMatch(/^picket_dead_letters_total 1$/m);
  expect(metrics).toMatch(/^picket_devices 1$/m);
  expect((await call("GET", "/api/catalogue")).body.entries.length).toBeGreaterThan(95);
  expect((await call("GET", "/api/dead-letters")).body.deadLetters).toHaveLength(1);
  expect((await call("GET", "/nowhere")).body).toEqual({
    error: "GET /nowhere: there is no such thing",
  });
});
