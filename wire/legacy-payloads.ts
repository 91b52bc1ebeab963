/** Payload tables of the legacy schema; field ids are vtable indexes. All throw WireError. */
import { ipv4Text } from "./address.ts";
import {
  damaged,
  fieldAt,
  stringField,
  type Table,
  tableField,
  tablesField,
  vectorField,
} from "./flatbuffers.ts";
import {
  BASELINE_RESULTS,
  BASELINE_SEVERITIES,
  type LegacyBaselineCheck,
  type LegacyFlow,
  type LegacyPayloads,
  type LegacyPort,
  type LegacyRecord,
  LOG_LEVELS,
  PROCESS_EVENTS,
  PROTOCOLS,
} from "./legacy-model.ts";

type AddressBytes = 4 | 16;

/** Readers by payload type. */
export const PAYLOAD_READERS: {
  readonly [N in keyof LegacyPayloads]: (table: Table) => LegacyPayloads[N];
} = {
  NetworkActivity: (table) => ({
    ...optional(
      "ipv4_activity",
      tablesField(table, 0, "ipv4_activity", (t) => flow(t, 4)),
    ),
    ...optional(
      "ipv6_activity",
      tablesField(table, 1, "ipv6_activity", (t) => flow(t, 16)),
    ),
  }),
  SystemInformation: (table) => ({
    ...optional("os_info", stringField(table, 0, "os_info")),
    ...optional("kernel_info", stringField(table, 1, "kernel_info")),
    ...optional("hw_info", stringField(table, 2, "hw_info")),
  }),
  ListeningPorts: (table) => ({
    ...optional("ipv4_ports", ports(table, 0, "ipv4_ports", 4)),
    ...optional("ipv6_ports", ports(table, 1, "ipv6_ports", 16)),
  }),
  Heartbeat: () => ({}),
  Baseline: (table) =>
    optional("baseline_checks", tablesField(table, 0, "baseline_checks", baselineCheck)),
  Process: (table) => ({
    ...optional("executable", stringField(table, 0, "executable")),
    process_id: u32(table, 1),
    parent_process_id: u32(table, 2),
    user_id: u32(table, 3),
    ...optional("user_name", stringField(table, 4, "user_name")),
    ...optional("commandline", stringField(table, 5, "commandline")),
    event_type: enumeration(table, 6, PROCESS_EVENTS, "event_type"),
    hit_count: u32(table, 7, 1),
  }),
  Log: (table) => optional("logs", tablesField(table, 0, "logs", record)),
};

export function u16(table: Table, id: number): number {
  const at = fieldAt(table, id, 2);
  return at === 0 ? 0 : table.buffer.view.getUint16(at, true);
}

export function u32(table: Table, id: number, absent = 0): number {
  const at = fieldAt(table, id, 4);
  return at === 0 ? absent : table.buffer.view.getUint32(at, true);
}

/** `value` if it is there. */
export function required<T>(value: T | null, what: string, table: Table): T {
  if (value === null) damaged(`${what} is missing from the table`, table.at);
  return value;
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function optional<K extends string, V>(key: K, value: V | null): { [P in K]?: V } {
  return value === null ? {} : ({ [key]: value } as { [P in K]: V });
}

function enumeration<T extends string>(
  table: Table,
  id: number,
  names: readonly T[],
  what: string,
): T {
  const at = fieldAt(table, id, 1);
  return enumName(table, at, at === 0 ? 0 : table.buffer.view.getInt8(at), names, what);
}

function enumName<T extends string>(
  table: Table,
  at: number,
  value: number,
  names: readonly T[],
  what: string,
): T {
  const name = names[value];
  if (name === undefined) damaged(`${what}: the schema has no value ${value}`, at || table.at);
  return name;
}

function address(table: Table, at: number, bytes: AddressBytes): string {
  const raw = table.buffer.bytes.subarray(at, at + bytes);
  return bytes === 4 ? ipv4Text(raw) : hex(raw);
}

function flow(table: Table, bytes: AddressBytes): LegacyFlow {
  const addresses = fieldAt(table, 0, 2 * bytes);
  if (addresses === 0) damaged("addresses are missing from the flow", table.at);
  const common = required(tableField(table, 1, "common"), "common", table);
  const has = (id: number) => fieldAt(common, id, 2) !== 0;
  return {
    local_port: u16(common, 0),
    remote_port: u16(common, 1),
    bytes_in: u32(common, 2),
    bytes_out: u32(common, 3),
    protocol: enumeration(common, 4, PROTOCOLS, "protocol"),
    ...optional("process_id", has(5) ? u16(common, 5) : null),
    ...optional("user_id", has(6) ? u16(common, 6) : null),
    ...optional("executable", stringField(common, 7, "executable")),
    ...optional("commandline", stringField(common, 8, "commandline")),
    local_address: address(table, addresses, bytes),
    remote_address: address(table, addresses + bytes, bytes),
  };
}

/** Inline structs: address, u16 port, i8 protocol, one byte of padding. */
function ports(table: Table, id: number, what: string, bytes: AddressBytes): LegacyPort[] | null {
  const vector = vectorField(table, id, bytes + 4, what);
  if (vector === null) return null;
  const { view } = table.buffer;
  return Array.from({ length: vector.count }, (_, i) => {
    const at = vector.at + i * (bytes + 4);
    const protocolAt = at + bytes + 2;
    return {
      local_address: address(table, at, bytes),
      local_port: view.getUint16(at + bytes, true),
      protocol: enumName(table, protocolAt, view.getInt8(protocolAt), PROTOCOLS, "protocol"),
    };
  });
}

function baselineCheck(table: Table): LegacyBaselineCheck {
  return {
    id: required(stringField(table, 0, "id"), "id", table),
    result: enumeration(table, 1, BASELINE_RESULTS, "result"),
    ...optional("error", stringField(table, 2, "error")),
    ...optional("description", stringField(table, 3, "description")),
    severity: enumeration(table, 4, BASELINE_SEVERITIES, "severity"),
    ...optional("remediation", stringField(table, 5, "remediation")),
  };
}

function record(table: Table): LegacyRecord {
  const at = fieldAt(table, 2, 8);
  const timestamp = at === 0 ? 0n : table.buffer.view.getBigUint64(at, true);
  return {
    message: required(stringField(table, 0, "message"), "message", table),
    level: enumeration(table, 1, LOG_LEVELS, "level"),
    timestamp: timestamp <= Number.MAX_SAFE_INTEGER ? Number(timestamp) : timestamp,
    line: u32(table, 3),
    filename: required(stringField(table, 4, "filename"), "filename", table),
  };
}
