import { expect, it } from "vitest";
import type { Alert } from "../detect/alerts.ts";
import { CATALOGUE, findEntry } from "../detect/catalogue.ts";
import { createDetection } from "../detect/detection.ts";
import { parseGroup } from "../detect/groups.ts";
import type { DetectionInput, OperationEntry } from "../detect/inputs.ts";
import type { Login } from "../wire/events.ts";
import { event, T0 } from "./support/detect-events.ts";

const MINUTE = 60_000;

function run(inputs: readonly DetectionInput[], detection = createDetection()): Alert[] {
  const state = detection.create("dev1");
  return inputs.flatMap((input) => detection.apply(state, input));
}

function operation(given: Partial<OperationEntry>): DetectionInput {
  return {
    kind: "operation",
    entry: {
      timeMs: T0,
      category: "Connections",
      operationName: "authenticationFailed",
      result: "Failure",
      deviceId: "dev1",
      moduleId: null,
      statusCode: 401003,
      reason: null,
      protocol: "Mqtt",
      properties: {},
      ...given,
    },
  };
}

const certificates = { category: "Certificates", statusCode: null } as const;
const diagnostics = { category: "DiagnosticSettings", statusCode: null } as const;

it.each([
  ["IoT_Expired_SAS_Token", { reason: "SAS token has expired" }],
  ["IoT_Invalid_SAS_Token", { reason: "SAS signature does not match" }],
  ["IoT_Cert_Expired", { reason: "the certificate has expired" }],
  ["IoT_Cert_Print_Mismatch", { reason: "thumbprint of the certificate is not registered" }],
  [
    "IoT_CertificateSuccessfullyAddedToHub",
    { ...certificates, operationName: "certificateAdd", result: "Success" },
  ],
  ["Hub_CertificateFailedToBeAddedToHub", { ...certificates, operationName: "certificateAdd" }],
  [
    "IoT_CertificateSuccessfullyDeletedFromHub",
    { ...certificates, operationName: "certificateDelete", result: "Success" },
  ],
  [
    "IoT.Hub_CertificateFailedToBeDeletedFromHub",
    { ...certificates, operationName: "certificateDelete" },
  ],
  [
    "IoT_DiagnosticSettingAddedOrEditedOnHub",
    { ...diagnostics, operationName: "diagnosticSettingPut" },
  ],
  [
    "IoT_DiagnosticSettingDeletedFromHub",
    { ...diagnostics, operationName: "diagnosticSettingDelete" },
  ],
] as const)("built-in: %s is raised from the operations log, once, with a count", (type, given) => {
  const alerts = run([operation(given), operation({ ...given, timeMs: T0 + 1000 })]);
  expect(alerts.map((alert) => [alert.type, alert.count])).toEqual([
    [type, 1],
    [type, 2],
  ]);
  expect(alerts[0]?.remediation).toMatch(/\w{3}/);
});

it("built-in: operations that went well raise nothing", () => {
  const fine = { result: "Success", statusCode: null } as const;
  expect(run([operation({ ...fine, operationName: "deviceConnect" })])).toEqual([]);
  expect(
    run([
      operation({
        operationName: "tokenExpired",
        reason: "SAS token expired on a live connection",
      }),
    ]),
  ).toEqual([]);
});

it("built-in: unauthorized operations count for their window rule", () => {
  const rule = {
    isEnabled: true,
    ruleType: "UnauthorizedOperationsNotInAllowedRange",
    minThreshold: 0,
    maxThreshold: 2,
    timeWindowSize: "PT5M",
  };
  const groups = [parseGroup("default", { properties: { timeWindowRules: [rule] } })];
  const failures = [1, 2, 3].map((n) => operation({ timeMs: T0 + n * 1000, reason: "no key" }));
  const alerts = run(failures, createDetection({ groups }));
  expect(alerts).toMatchObject([
    { type: "IoT_CA_UnauthorizedOperationsNotInAllowedRange", value: 3 },
  ]);
});

it.each([
  [401_003, true],
  [403, true],
  [403_008, true],
  [403_012, true],
  [403_002, false],
  [403_004, false],
  [403_800, false],
  [404_001, false],
])("built-in: status %i counts as unauthorized: %s", (statusCode, counts) => {
  const rule = {
    isEnabled: true,
    ruleType: "UnauthorizedOperationsNotInAllowedRange",
    minThreshold: 0,
    maxThreshold: 0,
    timeWindowSize: "PT5M",
  };
  const groups = [parseGroup("default", { properties: { timeWindowRules: [rule] } })];
  const given = {
    operationName: "c2dSend",
    category: "C2DCommands",
    statusCode,
    reason: "refused",
  };
  expect(run([operation(given)], createDetection({ groups })).length).toBe(counts ? 1 : 0);
});

it("built-in: a device is silent after three heartbeats and no more when it speaks", () => {
  const beat = (at: number): DetectionInput => ({
    kind: "event",
    event: event("Heartbeat", at, [{}], 5 * MINUTE),
    arrivedMs: T0 + at,
  });
  const tick = (at: number): DetectionInput => ({ kind: "tick", nowMs: T0 + at });
  const limit = 15 * MINUTE;
  expect(run([beat(0), tick(limit)])).toEqual([]);
  const alerts = run([beat(0), tick(limit + 1), tick(limit + MINUTE), beat(limit + 2 * MINUTE)]);
  expect(alerts.map(({ type, state }) => [type, state])).toEqual([
    ["Picket_DeviceSilent", "active"],
    ["Picket_DeviceSilent", "resolved"],
  ]);
  expect(alerts[0]?.range).toEqual({ min: 0, max: limit });
});

it("built-in: without heartbeats a device is silent after 72 hours", () => {
  const first: DetectionInput = { kind: "event", event: event("Login", 0, [], 0), arrivedMs: T0 };
  const limit = 72 * 60 * MINUTE;
  expect(run([first, { kind: "tick", nowMs: T0 + limit }])).toEqual([]);
  expect(run([first, { kind: "tick", nowMs: T0 + limit + 1 }])).toHaveLength(1);
});

const login = (
  at: number,
  result: Login["result"],
  remoteAddress = "203.0.113.5",
): DetectionInput => ({
  kind: "event",
  event: event("Login", at, [
    {
      processId: 1,
      operation: "Login",
      executable: "telnetd",
      result,
      userName: "root",
      remoteAddress,
    },
  ]),
  arrivedMs: T0 + at,
});

it("built-in: five failed logins are brute force, a success after them a break-in", () => {
  const failures = [0, 1, 2, 3, 4].map((n) => login(n * 1000, "Fail"));
  expect(run(failures.slice(0, 4))).toEqual([]);
  const types = run([...failures, login(6000, "Success")]).map(({ type }) => type);
  expect(types).toEqual(["Picket_FailedBruteForce", "Picket_SuccessfulBruteForce"]);
  expect(run([...failures.slice(0, 4), login(6000, "Success")])).toEqual([]);
  expect(run([...failures, login(20 * MINUTE, "Success")])).toHaveLength(1);
});

it("built-in: a twin that the agent cannot parse is named", () => {
  const error = {
    configurationName: "snapshotFrequency",
    errorType: "TypeMismatch",
    usedConfiguration: "PT13H",
    message: "no duration",
  } as const;
  const alerts = run([
    { kind: "event", event: event("ConfigurationError", 0, [error]), arrivedMs: T0 },
  ]);
  expect(alerts).toMatchObject([{ type: "Picket_TwinParseFailure", value: "snapshotFrequency" }]);
});

it("catalogue: types are unique, and names and aliases lead to one entry", () => {
  const types = CATALOGUE.map(({ type }) => type);
  expect(new Set(types).size).toBe(types.length);
  const names = CATALOGUE.flatMap(({ name, aliases }) => [name, ...aliases]).map((name) =>
    name.toLowerCase(),
  );
  const doubles = names.filter((name, i) => names.indexOf(name) !== i);
  expect(doubles).toEqual([]);
  expect(findEntry("Suspicious IP address communication")?.type).toBe("IoT_TiConnection");
  expect(findEntry("IoT_RemovelOfSystemLogs")?.raised).toBe(false);
});

it("catalogue: every documented item is there", () => {
  const alerts = CATALOGUE.filter(({ kind, type }) => kind === "alert" && !/^Picket_/.test(type));
  const recommendations = CATALOGUE.filter(({ kind }) => kind === "recommendation");
  // 10 built in and 14 custom ones of the hub, 39 of the micro agent, 5 custom ones of devices and one of Terraform's.
  expect(alerts).toHaveLength(10 + 14 + 39 + 5 + 1);
  expect(recommendations).toHaveLength(11 + 8);
});
