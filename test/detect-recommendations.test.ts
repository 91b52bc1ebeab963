import { expect, it } from "vitest";
import { createDetection } from "../detect/detection.ts";
import { createProcessor } from "../detect/processor.ts";
import { type HubFacts, hubFindings } from "../detect/recommendations.ts";
import { createService } from "../detect/service.ts";
import { AGENT_CONFIGURATION, checkTwin } from "../detect/twin-checks.ts";
import { openWorkspace } from "../detect/workspace.ts";
import type { SecurityEvent } from "../wire/events.ts";
import { event, flow, message, T0 } from "./support/detect-events.ts";

const FACTS: HubFacts = {
  hubName: "hub1",
  credentials: null,
  ipFilter: null,
  operationsLogKept: null,
  connections: null,
  moduleTwins: null,
  tls: null,
};
const found = (facts: Partial<HubFacts>) =>
  hubFindings({ ...FACTS, ...facts }).map(({ type, deviceId }) => [type, deviceId]);

it("recommendations: say nothing of what is not known", () => {
  expect(found({})).toEqual([]);
});

it("recommendations: shared credentials name every holder", () => {
  const credentials = ["a", "b", "c"].map((deviceId, n) => ({
    deviceId,
    fingerprint: n < 2 ? "x" : "y",
  }));
  expect(found({ credentials })).toEqual([
    ["IoT_SharedCredentials", "a"],
    ["IoT_SharedCredentials", "b"],
  ]);
});

const rule = (action: "Accept" | "Reject", ipMask: string) => ({
  filterName: ipMask,
  action,
  ipMask,
});

it("recommendations: the IP filter must end with deny-all and have no wide rule", () => {
  const deny = rule("Reject", "0.0.0.0/0");
  expect(found({ ipFilter: [rule("Accept", "10.0.0.0/9"), deny] })).toEqual([]);
  expect(found({ ipFilter: [rule("Accept", "10.0.0.0/8"), deny] })).toEqual([
    ["IoT_IPFilter_PermissiveRule", null],
  ]);
  expect(found({ ipFilter: [rule("Accept", "2001:db8::/33"), deny] })).toEqual([]);
  expect(found({ ipFilter: [rule("Accept", "2001:db8::/32")] })).toEqual([
    ["IoT_IPFilter_DenyAll", null],
    ["IoT_IPFilter_PermissiveRule", null],
  ]);
});

it("recommendations: propose the networks that devices come from when nothing limits them", () => {
  const connections = [
    { deviceId: "a", address: "192.0.2.7" },
    { deviceId: "b", address: "192.0.2.9" },
    { deviceId: "c", address: "2001:db8:1:2::3" },
  ];
  const [, learned] = hubFindings({ ...FACTS, ipFilter: [], connections });
  expect(learned?.details).toEqual({
    rules: [
      { action: "Accept", ipMask: "192.0.2.0/24" },
      { action: "Accept", ipMask: "2001:db8:1::/48" },
      { action: "Reject", ipMask: "0.0.0.0/0" },
    ],
  });
});

it("recommendations: twins of a group that differ, conflicts and waste in them, weak TLS, no log", () => {
  const own = (settings: object) => ({ [AGENT_CONFIGURATION]: settings });
  const value = (text: string) => ({ value: text });
  const usual = own({ highPriorityMessageFrequency: value("PT10M") });
  const moduleTwins = [
    { deviceId: "a", group: "g", desired: usual },
    { deviceId: "b", group: "g", desired: { ...usual, $version: 7 } },
    { deviceId: "c", group: "g", desired: own({ highPriorityMessageFrequency: value("PT6H") }) },
    { deviceId: "d", group: "h", desired: own({ highPriorityMessageFrequency: value("PT30S") }) },
  ];
  const tls = [
    { deviceId: "e", version: "TLSv1.1", cipher: "AES128-SHA" },
    { deviceId: "f", version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256" },
  ];
  expect(found({ moduleTwins, tls, operationsLogKept: false })).toEqual([
    ["Picket_TwinConfigurationConflict", "c"],
    ["Picket_TwinConfigurationNotOptimal", "d"],
    ["IoT_InconsistentModuleSettings", "c"],
    ["IoT_VulnerableTLSCipherSuite", "e"],
    ["Picket_EnableDiagnosticsLogs", null],
  ]);
  expect(checkTwin({})).toEqual({ conflicts: [], notOptimal: [] });
});

const check = (cceId: string, result: "Pass" | "Fail") =>
  event("OSBaseline", 0, [
    { cceId, description: "no default password", result, error: "", severity: "Critical" },
  ]);

it("recommendations: what events show becomes active, is stored, and healthy when it is gone", async () => {
  const workspace = await openWorkspace();
  const start = async () => {
    const processor = createProcessor(createDetection());
    return createService({ processor, workspace, now: () => T0 });
  };
  const detect = await start();
  const firewall = {
    enabled: true,
    action: "Allow",
    direction: "In",
    sourceAddress: "0.0.0.0/0",
    destinationAddress: "10.0.0.1",
  } as const;
  const items: SecurityEvent[] = [
    event("ListeningPorts", 0, [
      { protocol: 6, localAddress: "0.0.0.0", localPort: 23 },
      { protocol: 6, localAddress: "127.0.0.1", localPort: 9 },
    ]),
    event("FirewallConfiguration", 0, [
      firewall,
      { ...firewall, sourceAddress: "*", destinationAddress: "*" },
    ]),
    check("CCE-1", "Fail"),
    check("CCE-2", "Pass"),
    event("NetworkActivity", 0, [flow({})]),
  ];
  await detect.ingest(message("dev1", items, 0));
  await detect.recommend(T0, { ...FACTS, operationsLogKept: false });
  const active = () =>
    detect
      .recommendations()
      .filter(({ state }) => state === "Active")
      .map(({ type }) => type)
      .sort();
  expect(active()).toEqual([
    "IoT_Baseline",
    "IoT_OpenPorts",
    "IoT_PermissiveFirewallPolicy",
    "IoT_PermissiveInputFirewallRules",
    "Picket_EnableDiagnosticsLogs",
  ]);
  const ports = detect.recommendations().find(({ type }) => type === "IoT_OpenPorts");
  expect(ports?.details).toEqual({ ports: ["tcp 0.0.0.0:23"] });
  await detect.ingest(message("dev1", [check("CCE-1", "Pass")], 1000));
  const day = 86_400_000;
  await detect.ingest(message("dev1", [event("Heartbeat", day, [])], day));
  await detect.recommend(T0 + day);
  expect(active()).toEqual([
    "IoT_OpenPorts",
    "IoT_PermissiveFirewallPolicy",
    "IoT_PermissiveInputFirewallRules",
    "Picket_AgentSendsUnutilizedMessages",
    "Picket_EnableDiagnosticsLogs",
  ]);
  const again = await start();
  expect(again.recommendations()).toHaveLength(6);
  const { rows } = await workspace.query(
    "SELECT RecommendationState, count(*)::INT FROM SecurityRecommendation GROUP BY ALL ORDER BY ALL",
  );
  expect(rows).toEqual([
    ["Active", 5],
    ["Healthy", 1],
  ]);
  await workspace.close();
});
