/**
 * What a board tells its agent, one table: the record that goes through the core's `observe`, the
 * event that comes of it, and the names in messages. `assembly/records.ts`, the C header and
 * `wire/observations.cddl` are generated from it.
 *
 * A record is a u16 kind, a u16 of zero, then the fields in the order of the table, each aligned
 * to its size, little-endian; its length is a multiple of 4. In the event, field n has key n (from
 * 1); fields that are 0 or empty are left out.
 */
import type { Payloads } from "./events.ts";
import * as keys from "./picket-keys.ts";

/** u8 to i32; `address`: length (0, 4 or 16), then 16 bytes; `text`: UTF-8, filled up with zeros. */
export type RecordField =
  | { readonly type: "u8" | "u16" | "u32" | "i32" }
  | { readonly type: "boolean" }
  | { readonly type: "address" }
  | { readonly type: "text"; readonly bytes: number }
  /** One of at most 31; "" stands for an absent field. */
  | { readonly type: "choice"; readonly values: readonly string[] };

export interface RecordTable<P> {
  readonly kind: number;
  /** Items of a snapshot, which the core asks for; else the board tells them when they happen. */
  readonly snapshot?: true;
  /** The first fields that equal events may differ in, in aggregation; the rest is compared. */
  readonly differing?: number;
  readonly fields: { readonly [K in keyof P]?: RecordField };
}

export type ObservedName =
  | "ConnectionCreate"
  | "ProcessCreate"
  | "ProcessTerminate"
  | "Login"
  | "Diagnostic"
  | "ListeningPorts"
  | "LocalUsers"
  | "FirewallConfiguration"
  | "ConnectedHardware"
  | "OSBaseline"
  | "SystemInformation";

const U16 = { type: "u16" } as const;
const U32 = { type: "u32" } as const;
const ADDRESS = { type: "address" } as const;

function text(bytes: number): RecordField {
  return { type: "text", bytes };
}

function choice(...values: readonly string[]): RecordField {
  return { type: "choice", values };
}

export const OBSERVATIONS: { readonly [N in ObservedName]: RecordTable<Payloads[N]> } = {
  ConnectionCreate: {
    kind: keys.KIND_CONNECTION_CREATE,
    differing: 1,
    fields: {
      localPort: U16,
      remotePort: U16,
      protocol: { type: "u8" },
      direction: choice("Out", "In"),
      localAddress: ADDRESS,
      remoteAddress: ADDRESS,
    },
  },
  ProcessCreate: {
    kind: keys.KIND_PROCESS_CREATE,
    differing: 2,
    fields: {
      processId: U32,
      parentProcessId: U32,
      userId: text(16),
      userName: text(32),
      executable: text(32),
      commandLine: text(64),
    },
  },
  ProcessTerminate: {
    kind: keys.KIND_PROCESS_TERMINATE,
    differing: 1,
    fields: { processId: U32, exitStatus: { type: "i32" }, executable: text(32) },
  },
  Login: {
    kind: keys.KIND_LOGIN,
    fields: {
      processId: U32,
      remotePort: U16,
      localPort: U16,
      result: choice("Fail", "Success"),
      operation: text(15),
      remoteAddress: ADDRESS,
      userId: text(15),
      userName: text(32),
      executable: text(32),
    },
  },
  Diagnostic: {
    kind: keys.KIND_DIAGNOSTIC,
    fields: {
      processId: U32,
      threadId: U32,
      severity: choice("Fatal", "Error", "Warning", "Information", "Debug"),
      correlationId: text(39),
      message: text(120),
    },
  },
  ListeningPorts: {
    kind: keys.KIND_LISTENING_PORTS,
    snapshot: true,
    fields: { localPort: U16, protocol: { type: "u8" }, localAddress: ADDRESS },
  },
  LocalUsers: {
    kind: keys.KIND_LOCAL_USERS,
    snapshot: true,
    fields: { userId: text(16), userName: text(32), groupIds: text(48), groupNames: text(96) },
  },
  FirewallConfiguration: {
    kind: keys.KIND_FIREWALL_CONFIGURATION,
    snapshot: true,
    fields: {
      priority: U16,
      enabled: { type: "boolean" },
      action: choice("Allow", "Deny", "Other"),
      direction: choice("", "In", "Out"),
      chainName: text(16),
      application: text(16),
      sourceAddress: text(48),
      sourcePort: text(16),
      destinationAddress: text(48),
      destinationPort: text(16),
      protocol: text(8),
    },
  },
  ConnectedHardware: {
    kind: keys.KIND_CONNECTED_HARDWARE,
    snapshot: true,
    fields: { hardwareCategory: text(24), hardwareSubCategory: text(24), hardwareName: text(48) },
  },
  OSBaseline: {
    kind: keys.KIND_OS_BASELINE,
    snapshot: true,
    fields: {
      result: choice("Pass", "Fail", "Err"),
      severity: choice("Critical", "Important", "Warning", "Informational"),
      cceId: text(22),
      description: text(96),
      error: text(64),
    },
  },
  SystemInformation: {
    kind: keys.KIND_SYSTEM_INFORMATION,
    snapshot: true,
    fields: {
      totalPhysicalMemoryInKB: U32,
      freePhysicalMemoryInKB: U32,
      osName: text(24),
      osVersion: text(16),
      osVendor: text(24),
      osArchitecture: text(16),
      hostName: text(32),
      biosVersion: text(16),
      bootDevice: text(16),
      hardwareVendor: text(24),
      hardwareModel: text(32),
      firmwareVersion: text(16),
    },
  },
};

/** Bytes before the fields: kind and zero. */
export const RECORD_HEAD_BYTES = 4;
export const ADDRESS_BYTES = 17;

export interface FieldPlace {
  readonly name: string;
  /** Key in the event's map. */
  readonly key: number;
  readonly field: RecordField;
  /** Offset in the record, and bytes there. */
  readonly at: number;
  readonly bytes: number;
}

/** Where the fields of a record stand, and the record's length. */
export function recordLayout(name: ObservedName): { places: FieldPlace[]; bytes: number } {
  let at = RECORD_HEAD_BYTES;
  const places = Object.entries(OBSERVATIONS[name].fields).map(([name, field], index) => {
    const bytes = fieldBytes(field);
    const align = field.type === "text" || field.type === "address" ? 1 : bytes;
    at = Math.ceil(at / align) * align;
    const place = { name, key: index + 1, field, at, bytes };
    at += bytes;
    return place;
  });
  return { places, bytes: Math.ceil(at / 4) * 4 };
}

function fieldBytes(field: RecordField): number {
  switch (field.type) {
    case "u16":
      return 2;
    case "u32":
    case "i32":
      return 4;
    case "address":
      return ADDRESS_BYTES;
    case "text":
      return field.bytes;
    default:
      return 1;
  }
}
