/**
 * Legacy messages in the neutral model. What that model has no field for stands in `extraDetails`
 * (of the first payload item under its own name, of item i under `Payload[i].`), except zeros and
 * absent values.
 */
import { canonicalAddress } from "./address.ts";
import {
  type Diagnostic,
  type ListeningPorts,
  type NetworkActivity,
  type OSBaseline,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  type SecurityEvent,
  type SecurityMessage,
} from "./events.ts";
import { detailKey } from "./json1-details.ts";
import type {
  LegacyEvent,
  LegacyFlow,
  LegacyMessage,
  LegacyPayloads,
  LegacyPort,
  LegacyProtocol,
} from "./legacy-model.ts";

type Details = Record<string, string>;
/** What an event's payload decides. */
type Body<E extends SecurityEvent = SecurityEvent> = E extends SecurityEvent
  ? Pick<E, "name" | "category" | "eventType" | "payload"> & { details?: Details }
  : never;

const RESULTS = { PASS: "Pass", FAIL: "Fail", ERROR: "Err" } as const;
const SEVERITIES = {
  CRITICAL: "Critical",
  IMPORTANT: "Important",
  WARNING: "Warning",
  INFORMATIONAL: "Informational",
} as const;
const LEVELS = {
  NOTSET: "Information",
  FATAL: "Fatal",
  ERROR: "Error",
  WARN: "Warning",
  INFO: "Information",
  DEBUG: "Debug",
} as const;

/**
 * The agent's name stands for the id that the format lacks; there is no message id. A time of 0
 * is a device without a clock.
 */
export function fromLegacy(message: LegacyMessage): SecurityMessage {
  const version = message.security_module_version;
  return {
    format: "legacy-2.3",
    agentId: message.security_module_id,
    agentVersion: `${version >>> 24}.${(version >>> 16) & 0xff}.${version & 0xffff}`,
    messageId: null,
    events: message.events.map((event) => neutralEvent(event, message.timezone)),
  };
}

function neutralEvent(event: LegacyEvent, timezone: number): SecurityEvent {
  const { details, ...body } = neutralBody(event);
  const extraDetails: Details = { ...details };
  if (timezone !== 0) extraDetails.Timezone = String(timezone);
  return {
    ...body,
    id: event.id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"),
    timeMs: event.time === 0 ? null : event.time * 1000,
    intervalMs: event.collection_interval * 1000,
    isEmpty: body.payload.length === 0,
    ...(Object.keys(extraDetails).length > 0 && { extraDetails }),
  } as SecurityEvent;
}

function neutralBody(event: LegacyEvent): Body {
  switch (event.payload_type) {
    case "NetworkActivity":
      return networkActivity(event.payload);
    case "SystemInformation":
      return systemInformation(event.payload);
    case "ListeningPorts":
      return listeningPorts(event.payload);
    case "Heartbeat":
      return { name: "Heartbeat", ...PERIODIC, eventType: "Operational", payload: [{}] };
    case "Baseline":
      return baseline(event.payload);
    case "Process":
      return processEvent(event.payload);
    case "Log":
      return log(event.payload);
  }
}

const PERIODIC = { category: "Periodic", eventType: "Security" } as const;
const TRIGGERED = { category: "Triggered", eventType: "Security" } as const;

function networkActivity(payload: LegacyPayloads["NetworkActivity"]): Body {
  const v4 = (payload.ipv4_activity ?? []).map((flow) => neutralFlow(flow, PROTOCOL_ICMP));
  const v6 = (payload.ipv6_activity ?? []).map((flow) => neutralFlow(flow, PROTOCOL_ICMPV6));
  return { name: "NetworkActivity", ...PERIODIC, payload: [...v4, ...v6] };
}

function neutralFlow(flow: LegacyFlow, icmp: number): NetworkActivity {
  return {
    protocol: protocolNumber(flow.protocol, icmp),
    localAddress: addressText(flow.local_address),
    localPort: flow.local_port,
    remoteAddress: addressText(flow.remote_address),
    remotePort: flow.remote_port,
    packetsIn: 0,
    packetsOut: 0,
    bytesIn: flow.bytes_in,
    bytesOut: flow.bytes_out,
    initiator: null,
    outbound: looksOutbound(flow),
    ...(flow.process_id !== undefined && { processId: flow.process_id }),
    ...(flow.user_id !== undefined && { userId: String(flow.user_id) }),
    ...(flow.executable !== undefined && { executable: flow.executable }),
    ...(flow.commandline !== undefined && { commandLine: flow.commandline }),
  };
}

/**
 * The format does not say who opened a flow, yet rules on outbound connections must see fielded
 * devices. Taken as outbound: the device sent something, and its port is not the lower one, as a
 * service's would be.
 */
function looksOutbound(flow: LegacyFlow): boolean {
  return flow.bytes_out > 0 && flow.local_port >= flow.remote_port;
}

function listeningPorts(payload: LegacyPayloads["ListeningPorts"]): Body {
  const ports = [...(payload.ipv4_ports ?? []), ...(payload.ipv6_ports ?? [])];
  return { name: "ListeningPorts", ...PERIODIC, payload: ports.map(neutralPort) };
}

function neutralPort(port: LegacyPort): ListeningPorts {
  return {
    protocol: protocolNumber(port.protocol, PROTOCOL_ICMP),
    localAddress: addressText(port.local_address),
    localPort: port.local_port,
  };
}

function systemInformation(payload: LegacyPayloads["SystemInformation"]): Body {
  const item = {
    ...(payload.os_info !== undefined && { osName: payload.os_info }),
    ...(payload.hw_info !== undefined && { hardwareModel: payload.hw_info }),
  };
  const details: Details = {};
  if (payload.kernel_info !== undefined) details.KernelInfo = payload.kernel_info;
  return { name: "SystemInformation", ...PERIODIC, payload: [item], details };
}

function baseline(payload: LegacyPayloads["Baseline"]): Body {
  const checks = payload.baseline_checks ?? [];
  const details: Details = {};
  const items = checks.map((check, i): OSBaseline => {
    if (check.remediation !== undefined) details[detailKey(i, "Remediation")] = check.remediation;
    return {
      cceId: check.id,
      description: check.description ?? "",
      result: RESULTS[check.result],
      error: check.error ?? "",
      severity: SEVERITIES[check.severity],
    };
  });
  return { name: "OSBaseline", ...PERIODIC, payload: items, details };
}

function processEvent(payload: LegacyPayloads["Process"]): Body {
  const common = {
    executable: payload.executable ?? "",
    processId: payload.process_id,
    hitCount: payload.hit_count,
  };
  const userId = String(payload.user_id);
  const commandLine = payload.commandline ?? "";
  if (payload.event_type !== "EXIT") {
    const item = {
      ...common,
      parentProcessId: payload.parent_process_id,
      userId,
      ...(payload.user_name !== undefined && { userName: payload.user_name }),
      commandLine,
    };
    const details = { EventType: payload.event_type };
    return { name: "ProcessCreate", ...TRIGGERED, payload: [item], details };
  }
  const details: Details = {
    ParentProcessId: String(payload.parent_process_id),
    UserId: userId,
    ...(payload.user_name !== undefined && { UserName: payload.user_name }),
    ...(commandLine !== "" && { CommandLine: commandLine }),
    ExitStatus: "unknown",
  };
  const item = { ...common, exitStatus: 0 };
  return { name: "ProcessTerminate", ...TRIGGERED, payload: [item], details };
}

function log(payload: LegacyPayloads["Log"]): Body {
  const logs = payload.logs ?? [];
  const details: Details = {};
  const items = logs.map((record, i): Diagnostic => {
    details[detailKey(i, "FileName")] = record.filename;
    if (record.line !== 0) details[detailKey(i, "Line")] = String(record.line);
    if (record.timestamp !== 0) details[detailKey(i, "Timestamp")] = String(record.timestamp);
    if (record.level === "NOTSET") details[detailKey(i, "Level")] = record.level;
    return { severity: LEVELS[record.level], message: record.message, processId: 0, threadId: 0 };
  });
  // Only a periodic event may be empty.
  const category = items.length === 0 ? "Periodic" : "Triggered";
  return { name: "Diagnostic", category, eventType: "Diagnostic", payload: items, details };
}

function protocolNumber(protocol: LegacyProtocol, icmp: number): number {
  if (protocol === "TCP") return PROTOCOL_TCP;
  return protocol === "UDP" ? PROTOCOL_UDP : icmp;
}

/** Dotted IPv4 text as it is; 32 hexadecimal digits as IPv6 text. */
function addressText(address: string): string {
  if (address.includes(".")) return address;
  const groups = address.match(/.{4}/g) ?? [];
  return canonicalAddress(groups.join(":")) ?? address;
}
