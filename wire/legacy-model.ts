/**
 * The legacy agent's message (FlatBuffers schema `AzureIoTSecurity`, version 2.3) as JSON: the
 * schema's own names, fields in the order of the schema with addresses last.
 *
 * Which fields are there. Numbers and enumerations always, with the schema's default when the
 * message leaves them out; `process_id` and `user_id` of a flow are the exception: no RTOS agent
 * has them, so they appear only when the message has them. Texts and vectors appear when the
 * message has them (an empty text or vector is present).
 */

/** Union tag to payload; index is the tag. */
export const PAYLOAD_TYPES = [
  "NONE",
  "NetworkActivity",
  "SystemInformation",
  "ListeningPorts",
  "Heartbeat",
  "Baseline",
  "Process",
  "Log",
] as const;

export const PROTOCOLS = ["TCP", "UDP", "ICMP"] as const;
export const BASELINE_RESULTS = ["PASS", "FAIL", "ERROR"] as const;
export const BASELINE_SEVERITIES = ["CRITICAL", "IMPORTANT", "WARNING", "INFORMATIONAL"] as const;
export const PROCESS_EVENTS = ["FORK", "EXEC", "EXIT"] as const;
export const LOG_LEVELS = ["NOTSET", "FATAL", "ERROR", "WARN", "INFO", "DEBUG"] as const;

export type LegacyProtocol = (typeof PROTOCOLS)[number];

/** IPv4 addresses are dotted texts, IPv6 addresses 32 hexadecimal digits. */
export interface LegacyFlow {
  local_port: number;
  remote_port: number;
  bytes_in: number;
  bytes_out: number;
  protocol: LegacyProtocol;
  process_id?: number;
  user_id?: number;
  executable?: string;
  commandline?: string;
  local_address: string;
  remote_address: string;
}

export interface LegacyPort {
  local_address: string;
  local_port: number;
  protocol: LegacyProtocol;
}

export interface LegacyBaselineCheck {
  id: string;
  result: (typeof BASELINE_RESULTS)[number];
  error?: string;
  description?: string;
  severity: (typeof BASELINE_SEVERITIES)[number];
  remediation?: string;
}

export interface LegacyRecord {
  message: string;
  level: (typeof LOG_LEVELS)[number];
  /** A bigint where a number would lose digits, beyond 2^53 - 1. */
  timestamp: number | bigint;
  line: number;
  filename: string;
}

export interface LegacyPayloads {
  NetworkActivity: { ipv4_activity?: LegacyFlow[]; ipv6_activity?: LegacyFlow[] };
  SystemInformation: { os_info?: string; kernel_info?: string; hw_info?: string };
  ListeningPorts: { ipv4_ports?: LegacyPort[]; ipv6_ports?: LegacyPort[] };
  Heartbeat: Record<string, never>;
  Baseline: { baseline_checks?: LegacyBaselineCheck[] };
  Process: {
    executable?: string;
    process_id: number;
    parent_process_id: number;
    user_id: number;
    user_name?: string;
    commandline?: string;
    event_type: (typeof PROCESS_EVENTS)[number];
    hit_count: number;
  };
  Log: { logs?: LegacyRecord[] };
}

type LegacyEventOf<N extends keyof LegacyPayloads> = {
  /** 32 hexadecimal digits. */
  id: string;
  /** Seconds since the Unix epoch, 32 bits. */
  time: number;
  /** Seconds. */
  collection_interval: number;
  payload_type: N;
  payload: LegacyPayloads[N];
};

export type LegacyEvent = { [N in keyof LegacyPayloads]: LegacyEventOf<N> }[keyof LegacyPayloads];

export interface LegacyMessage {
  security_module_id: string;
  /** Major, minor (8 bits each) and patch (16 bits). */
  security_module_version: number;
  /** Hours from UTC. */
  timezone: number;
  events: LegacyEvent[];
}
