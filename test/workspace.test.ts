import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createDetection } from "../detect/detection.ts";
import { parseGroup } from "../detect/groups.ts";
import { createProcessor } from "../detect/processor.ts";
import { createService } from "../detect/service.ts";
import { openWorkspace, WorkspaceError } from "../detect/workspace.ts";
import { eventRows } from "../detect/workspace-rows.ts";
import { event, flow, message, T0 } from "./support/detect-events.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "picket-workspace-"));
});
afterEach(() => rm(folder, { recursive: true }));

const groups = [
  parseGroup("default", {
    properties: {
      allowlistRules: [
        { isEnabled: true, ruleType: "ConnectionToIpNotAllowed", allowlistValues: ["10.0.0.0/8"] },
      ],
    },
  }),
];
const service = async (path: string) => {
  const workspace = await openWorkspace(path);
  const processor = createProcessor(createDetection({ groups }));
  return { workspace, service: await createService({ processor, workspace, now: () => T0 }) };
};

it("workspace: keeps events and alerts under the documented columns", async () => {
  const { workspace, service: detect } = await service(":memory:");
  const activity = event("NetworkActivity", 10_000, [
    flow({}),
    flow({ remoteAddress: "10.0.0.1" }),
  ]);
  await detect.ingest(message("dev1", [activity, event("Heartbeat", 10_000, [])], 11_000));
  const raw = await workspace.query(
    `SELECT DeviceId, RawEventName, IsEmpty, EventDetails->>'RemoteAddress', TimeStamp
     FROM SecurityIoTRawEvent ORDER BY ALL`,
  );
  expect(raw.rows).toEqual([
    ["dev1", "Heartbeat", true, null, "2026-01-05T00:00:10Z"],
    ["dev1", "NetworkActivity", false, "10.0.0.1", "2026-01-05T00:00:10Z"],
    ["dev1", "NetworkActivity", false, "203.0.113.9", "2026-01-05T00:00:10Z"],
  ]);
  const alerts = await workspace.query(
    `SELECT DisplayName, AlertSeverity, AlertType, Status, ExtendedProperties->>'DeviceId'
     FROM SecurityAlert`,
  );
  expect(alerts.rows).toEqual([
    [
      "Outbound connection to an IP that isn't allowed",
      "Low",
      "IoT_CA_ConnectionToIpNotAllowed",
      "New",
      "dev1",
    ],
  ]);
  await workspace.close();
});

it("workspace: a service started again resumes: repeats are dropped, alerts counted on", async () => {
  const path = join(folder, "w.duckdb");
  const first = await service(path);
  const one = message("dev1", [event("NetworkActivity", 10_000, [flow({})])], 11_000, "m1");
  await first.service.ingest(one);
  await first.workspace.close();
  const second = await service(path);
  await second.service.ingest(one);
  expect(second.service.counts()).toMatchObject({ messages: 1, events: 0, repeats: 1 });
  await second.service.ingest(
    message("dev1", [event("NetworkActivity", 20_000, [flow({})])], 21_000, "m2"),
  );
  const { rows } = await second.workspace.query(
    "SELECT ExtendedProperties->>'count' FROM SecurityAlert",
  );
  expect(rows).toEqual([["2"]]);
  await second.workspace.close();
});

it("workspace: what does not decode is kept with the reason", async () => {
  const { workspace, service: detect } = await service(":memory:");
  const good = message("dev1", [event("Heartbeat", 0, [])], 0);
  await detect.ingest({ ...good, body: new TextEncoder().encode('{"Events":1}') });
  await detect.ingest({ ...good, systemProperties: {} });
  expect(detect.counts()).toMatchObject({ messages: 1, deadLetters: 1, otherMessages: 1 });
  expect(detect.deadLetters()[0]?.reason).toMatch(/\S/);
  const { rows } = await workspace.query(
    "SELECT DeviceId, decode(from_base64(Body)) FROM PicketDeadLetter",
  );
  expect(rows).toEqual([["dev1", '{"Events":1}']]);
  await workspace.close();
});

it("workspace: concurrent commits share transactions and lose nothing", async () => {
  const { workspace, service: detect } = await service(":memory:");
  const all = Array.from({ length: 200 }, (_, n) =>
    detect.ingest(message(`dev${n}`, [event("Heartbeat", n, [])], n)),
  );
  await Promise.all(all);
  const { rows } = await workspace.query("SELECT count(*)::INT FROM SecurityIoTRawEvent");
  expect(rows).toEqual([[200]]);
  await workspace.close();
});

it("workspace: a wrong statement and a file that is none end in one line", async () => {
  const workspace = await openWorkspace();
  await expect(workspace.query("SELEC 1")).rejects.toThrow(WorkspaceError);
  await expect(workspace.query("SELEC 1")).rejects.toThrow(/^query: [^\n]+$/);
  await workspace.close();
  await expect(openWorkspace(new URL(import.meta.url).pathname)).rejects.toThrow(
    /^workspace .*: [^\n]+$/,
  );
});

it("workspace: an event whose times no format can write is stored, not refused for ever", async () => {
  const { workspace, service: detect } = await service(":memory:");
  const at = 8.64e15;
  const process = {
    executable: "x",
    processId: 1,
    parentProcessId: 0,
    userId: "",
    commandLine: "",
    firstTimeMs: at,
  };
  const source = message("dev1", [], 5000);
  const item = { ...event("ProcessCreate", 0, [process], 0), timeMs: at };
  const rows = eventRows(
    source,
    { format: "picket", agentId: item.id, agentVersion: "1", messageId: null, events: [item] },
    [item],
  );
  workspace.append("SecurityIoTRawEvent", rows);
  await workspace.commit();
  const { rows: stored } = await workspace.query(
    "SELECT TimeStamp, EventDetails->>'executable' FROM SecurityIoTRawEvent",
  );
  expect(stored).toEqual([["2026-01-05T00:00:05Z", "x"]]);
  expect(detect.counts().deadLetters).toBe(0);
  await workspace.close();
});

it("workspace: queries at the same time do not take each other's rows", async () => {
  const workspace = await openWorkspace();
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      workspace.query(`SELECT range::INT + ${n} FROM range(5000)`),
    ),
  );
  results.forEach(({ rows }, n) => {
    expect(rows).toHaveLength(5000);
    expect(rows[4999]).toEqual([4999 + n]);
  });
  await workspace.close();
});
