import { connectAsync } from "mqtt";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type HubLink, linkHub } from "../cli/hub-detection.ts";
import type { Alert } from "../detect/alerts.ts";
import { createDetection } from "../detect/detection.ts";
import { createProcessor } from "../detect/processor.ts";
import { optionsOf } from "../detect/rule-files.ts";
import { createService, type DetectionService } from "../detect/service.ts";
import { openWorkspace, type Workspace } from "../detect/workspace.ts";
import { createHub, type Hub } from "../hub/hub.ts";
import { createSasToken } from "../hub/sas.ts";
import { SECURITY_INTERFACE_ID } from "../wire/events.ts";
import { event, flow, message } from "./support/detect-events.ts";

const DENY_ALL = {
  properties: {
    allowlistRules: [
      { isEnabled: true, ruleType: "ConnectionToIpNotAllowed", allowlistValues: [] },
    ],
  },
};
let hub: Hub;
let workspace: Workspace;
let service: DetectionService;
let link: HubLink;
const alerts: Alert[] = [];
const faults: string[] = [];

beforeEach(async () => {
  alerts.length = 0;
  workspace = await openWorkspace();
  service = await createService({
    processor: createProcessor(createDetection(optionsOf({ groups: { locked: DENY_ALL } }, "t"))),
    workspace,
    sinks: [{ alert: (alert) => alerts.push(alert) }],
    now: Date.now,
  });
  hub = await createHub();
  link = linkHub(hub, service, (line) => faults.push(line));
});
afterEach(async () => {
  link.close();
  await hub.close();
  await workspace.close();
  expect(faults).toEqual([]);
});

function connect(deviceId: string, key: string, expirySeconds = Date.now() / 1000 + 3600) {
  return connectAsync(`mqtts://localhost:${hub.mqttPort}`, {
    ca: hub.caPem,
    clientId: deviceId,
    username: `localhost/${deviceId}/?api-version=2021-04-12`,
    password: createSasToken(`localhost/devices/${deviceId}`, key, Math.floor(expirySeconds)),
    protocolVersion: 4,
    reconnectPeriod: 0,
  });
}

const raised = async (type: string) => {
  for (let n = 0; n < 200 && !alerts.some((alert) => alert.type === type); n++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return alerts.find((alert) => alert.type === type);
};

it("hub: expired and badly signed tokens raise the documented alerts on the device", async () => {
  const { primaryKey } = hub.createDevice("dev1");
  await expect(connect("dev1", primaryKey, Date.now() / 1000 - 10)).rejects.toThrow();
  expect(await raised("IoT_Expired_SAS_Token")).toMatchObject({
    deviceId: "dev1",
    severity: "Low",
  });
  const other = Buffer.alloc(32, 1).toString("base64");
  await expect(connect("dev1", other)).rejects.toThrow();
  expect(await raised("IoT_Invalid_SAS_Token")).toMatchObject({ deviceId: "dev1" });
});

it("hub: certificates and diagnostic settings raise on the hub itself", async () => {
  hub.core.admin.putSetting("audit", {});
  hub.core.admin.deleteSetting("audit");
  expect(await raised("IoT_DiagnosticSettingAddedOrEditedOnHub")).toMatchObject({
    deviceId: "",
    cause: "audit",
  });
  expect(await raised("IoT_DiagnosticSettingDeletedFromHub")).toBeDefined();
});

it("hub: the twin tag chooses the group, and a message raises within a second of its publish", async () => {
  const { primaryKey } = hub.createDevice("dev1");
  hub.core.twins.patch(
    { deviceId: "dev1", moduleId: null },
    { tags: { SecurityGroup: "locked" } },
    "*",
  );
  const client = await connect("dev1", primaryKey);
  const { body } = message("dev1", [event("NetworkActivity", 0, [flow({})])], 0);
  const start = performance.now();
  const ifid = encodeURIComponent(SECURITY_INTERFACE_ID);
  await client.publishAsync(`devices/dev1/messages/events/%24.ifid=${ifid}`, Buffer.from(body), {
    qos: 1,
  });
  // The acknowledgement came after the alert was stored.
  const { rows } = await workspace.query("SELECT CompromisedEntity, AlertType FROM SecurityAlert");
  expect(rows).toEqual([["dev1", "IoT_CA_ConnectionToIpNotAllowed"]]);
  expect(alerts[0]).toMatchObject({ group: "locked" });
  expect(performance.now() - start).toBeLessThan(1000);
  await client.endAsync();
});

it("hub: what it knows gives recommendations", async () => {
  const { primaryKey } = hub.createDevice("dev1");
  hub.createDevice("dev2");
  const shared = {
    authentication: {
      symmetricKey: { primaryKey, secondaryKey: primaryKey },
      primaryKey,
      secondaryKey: primaryKey,
    },
  };
  hub.core.registry.update({ deviceId: "dev2", moduleId: null }, shared, "*");
  const client = await connect("dev1", primaryKey);
  await client.endAsync();
  await service.recommend(Date.now(), link.facts());
  const found = service.recommendations().map(({ type, deviceId }) => `${type} ${deviceId}`);
  expect(found.sort()).toEqual([
    "IoT_IPFilter_DenyAll null",
    "IoT_RecommendedIpRulesByBaseLine null",
    "IoT_SharedCredentials dev1",
    "IoT_SharedCredentials dev2",
    "Picket_EnableDiagnosticsLogs null",
  ]);
});
