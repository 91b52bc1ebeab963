/** Rules on the hub's operations: credentials, certificates, settings, and counts per window. */
import type { OperationEntry } from "./inputs.ts";
import type { Metric } from "./rule-types.ts";
import { raise, type Turn } from "./turn.ts";
import { report } from "./windows.ts";

interface OperationRule {
  readonly type: string;
  readonly rule: string;
  readonly expected: string;
  readonly when: (entry: OperationEntry, text: string) => boolean;
}

const failed = (entry: OperationEntry) => entry.result === "Failure";
const auth = (entry: OperationEntry) =>
  failed(entry) && /authenticationFailed|unauthorized/i.test(entry.operationName);
const isCertificate = (entry: OperationEntry) => /certificate/i.test(entry.category);
const isDiagnostic = (entry: OperationEntry) => /diagnostic/i.test(entry.category);
const adds = (entry: OperationEntry) => /create|add|put|update|upload/i.test(entry.operationName);
const removes = (entry: OperationEntry) => /delete|remove/i.test(entry.operationName);

/** In order; the first that holds counts. */
const RULES: readonly OperationRule[] = [
  {
    type: "IoT_Expired_SAS_Token",
    rule: "ExpiredSasToken",
    expected: "a token that has not expired",
    when: (entry, text) => auth(entry) && /token|sas/.test(text) && /expir/.test(text),
  },
  {
    type: "IoT_Invalid_SAS_Token",
    rule: "InvalidSasToken",
    expected: "a token signed with a key of the device",
    when: (entry, text) => auth(entry) && /signature/.test(text),
  },
  {
    type: "IoT_Cert_Expired",
    rule: "CertificateExpired",
    expected: "a certificate that is valid now",
    when: (entry, text) => auth(entry) && /cert/.test(text) && /expir/.test(text),
  },
  {
    type: "IoT_Cert_Print_Mismatch",
    rule: "ThumbprintMismatch",
    expected: "a certificate registered for the device",
    when: (entry, text) => auth(entry) && /thumbprint/.test(text),
  },
  {
    type: "IoT_CertificateSuccessfullyDeletedFromHub",
    rule: "CertificateDeleted",
    expected: "no change of certificates",
    when: (entry) => isCertificate(entry) && removes(entry) && !failed(entry),
  },
  {
    type: "IoT.Hub_CertificateFailedToBeDeletedFromHub",
    rule: "CertificateDeleteFailed",
    expected: "no change of certificates",
    when: (entry) => isCertificate(entry) && removes(entry),
  },
  {
    type: "IoT_CertificateSuccessfullyAddedToHub",
    rule: "CertificateAdded",
    expected: "no change of certificates",
    when: (entry) => isCertificate(entry) && adds(entry) && !failed(entry),
  },
  {
    type: "Hub_CertificateFailedToBeAddedToHub",
    rule: "CertificateAddFailed",
    expected: "no change of certificates",
    when: (entry) => isCertificate(entry) && adds(entry),
  },
  {
    type: "IoT_DiagnosticSettingDeletedFromHub",
    rule: "DiagnosticSettingDeleted",
    expected: "no change of diagnostic settings",
    when: (entry) => isDiagnostic(entry) && removes(entry),
  },
  {
    type: "IoT_DiagnosticSettingAddedOrEditedOnHub",
    rule: "DiagnosticSettingChanged",
    expected: "no change of diagnostic settings",
    when: isDiagnostic,
  },
];

/** Runs the hub-side rules on one operation of this device, or of the hub itself. */
export function takeOperation(turn: Turn, entry: OperationEntry): void {
  const metric = metricOf(entry);
  for (const spec of metric ? (turn.group.byMetric[metric] ?? []) : []) {
    const count = Number(entry.properties.count ?? 1);
    const value = Number.isFinite(count) && count > 0 ? count : 1;
    const { timeMs } = entry;
    report(turn, spec, { source: "hub", value, least: value, timeMs, intervalMs: 0 });
  }
  const text = `${entry.operationName} ${entry.reason ?? ""}`.toLowerCase();
  const rule = RULES.find((candidate) => candidate.when(entry, text));
  if (!rule) return;
  const subject = String(entry.properties.name ?? entry.moduleId ?? "").slice(0, 128);
  raise(turn, {
    type: rule.type,
    rule: rule.rule,
    cause: subject,
    value: (entry.reason ?? entry.operationName).slice(0, 256),
    range: { expected: rule.expected },
    explanation: `${entry.operationName}: ${(entry.reason ?? entry.result).slice(0, 256)}`,
  });
}

const TRANSPORTS: Readonly<Record<string, "Mqtt" | "Amqp" | "Http">> = {
  mqtt: "Mqtt",
  mqttws: "Mqtt",
  amqp: "Amqp",
  amqpws: "Amqp",
  http: "Http",
  https: "Http",
};

/**
 * 401 of any kind (no such device, bad or expired credentials), plain 403, 403008 (an address
 * that is filtered) and 403012 (a device that is disabled). The other 403 codes are limits: 403002
 * quota, 403004 full queue, 403006 and 403800 too many at once.
 */
function isUnauthorized(statusCode: number | null): boolean {
  const code = String(statusCode ?? "");
  return /^401/.test(code) || ["403", "403008", "403012"].includes(code);
}

/** The window metric that an operation counts for, if any. */
function metricOf(entry: OperationEntry): Metric | null {
  const name = entry.operationName;
  const transport = TRANSPORTS[entry.protocol.toLowerCase()] ?? "Mqtt";
  if (failed(entry) && /authenticationFailed|unauthorized|forbidden/i.test(name))
    return "unauthorized";
  if (isUnauthorized(entry.statusCode)) return "unauthorized";
  if (/purge/i.test(name)) return "queuePurges";
  if (/^c2d.*(reject|deadletter)/i.test(name)) return `c2dRejected${transport}`;
  if (/^c2d(deliver|receive)/i.test(name)) return `c2d${transport}`;
  if (/^(d2c|telemetry)/i.test(name) && !failed(entry)) return `d2c${transport}`;
  if (/^(invoke.*method|.*methodInvoke|directMethod|invokeMethod)/i.test(name))
    return "directMethods";
  if (/^(fileUpload|upload)/i.test(name)) return "fileUploads";
  if (/TwinOperations$/.test(entry.category) && /update|patch|replace|report/i.test(name)) {
    return "twinUpdates";
  }
  if (/twin.*(update|patch|replace)|(update|patch|replace).*twin/i.test(name)) return "twinUpdates";
  return null;
}
