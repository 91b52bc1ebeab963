/** How values of the neutral model stand in security message 1.0: schema, writing, reading. */
import { canonicalAddress } from "./address.ts";
import { WireError } from "./events.ts";
import { protocolName, protocolNumber } from "./protocol.ts";

/** 9999-12-31T23:59:59.999Z, the last time that RFC 3339 can write, ms. */
const TIME_MS_MAX = 253_402_300_799_999;
const TIMESTAMP =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d{1,9})?(?:[Zz]|([+-])(\d\d):(\d\d))?$/;
const PORT_LIST = /^(\*|\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*)$/;
const DECIMAL = /^(0|[1-9]\d{0,15})$/;

/** One way of writing; `write` and `read` are inverse, and `read` gets what the schema allows. */
export interface Kind {
  readonly schema: object;
  readonly write: (value: unknown) => unknown;
  readonly read: (json: unknown) => unknown;
}

const same = (value: unknown) => value;
const INTEGER = {
  type: "integer",
  minimum: Number.MIN_SAFE_INTEGER,
  maximum: Number.MAX_SAFE_INTEGER,
};

export const KINDS = {
  text: { schema: { type: "string" }, write: same, read: same },
  integer: { schema: INTEGER, write: same, read: same },
  count: { schema: { ...INTEGER, minimum: 0 }, write: same, read: same },
  boolean: { schema: { type: "boolean" }, write: same, read: same },
  /** Only ever true; otherwise absent. */
  flag: { schema: { const: true }, write: same, read: same },
  port: { schema: { type: "string", format: "port" }, write: String, read: Number },
  portList: { schema: { type: "string", format: "port-list" }, write: same, read: same },
  protocol: {
    schema: { type: "string", format: "protocol" },
    write: (value) => protocolName(value as number),
    read: (json) => protocolNumber(json as string),
  },
  address: {
    schema: { type: "string", format: "ip" },
    write: same,
    read: (json) => canonicalAddress(json as string),
  },
  direction: choice("In", "Out"),
  initiator: {
    schema: { enum: ["Local", "Remote"] },
    write: (value) => (value === "local" ? "Local" : value === "remote" ? "Remote" : undefined),
    read: (json) => (json as string).toLowerCase(),
  },
  transport: choice("MQTT", "AMQP", "HTTP"),
  loginResult: choice("Success", "Fail"),
  firewallAction: choice("Allow", "Deny", "Other"),
  baselineResult: choice("Pass", "Fail", "Err"),
  baselineSeverity: choice("Critical", "Important", "Warning", "Informational"),
  diagnosticSeverity: choice("Fatal", "Error", "Warning", "Information", "Debug"),
  errorType: choice("TypeMismatch", "NotOptimal", "Conflict"),
  queue: choice("High", "Low"),
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof KINDS;

/** ExtraDetails of one item while it is read: what a field claims is taken out. */
export type Details = Map<string, string>;

/** A value as texts in ExtraDetails; `read` leaves alone what it cannot read. */
export interface DetailKind {
  readonly write: (name: string, value: unknown) => readonly (readonly [string, string])[];
  readonly read: (name: string, details: Details) => unknown;
}

export const DETAIL_KINDS = {
  text: oneText(
    (value) => value as string,
    (text) => text,
  ),
  count: oneText(String, readCount),
  time: oneText((value) => timeText(value as number), readTime),
  /** Several counts, the name before each of theirs. */
  counts: {
    write: (name, value) =>
      Object.entries(value as Record<string, number>).map(([k, v]) => [name + k, String(v)]),
    read: (name, details) => {
      const found = [...details].filter(([key]) => key.startsWith(name) && key !== name);
      const counts = found.flatMap(([key, text]) => {
        const count = readCount(text);
        if (count === undefined) return [];
        details.delete(key);
        return [[key.slice(name.length), count] as const];
      });
      return counts.length === 0 ? undefined : Object.fromEntries(counts);
    },
  },
} as const satisfies Record<string, DetailKind>;

export type DetailKindName = keyof typeof DETAIL_KINDS;

/** Formats that the schemas name, for ajv. */
export const FORMATS: Record<string, (text: string) => boolean> = {
  guid: (text) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text),
  timestamp: (text) => timestampMs(text) !== null,
  ip: (text) => canonicalAddress(text) !== null,
  port: (text) => /^\d{1,5}$/.test(text) && Number(text) <= 65535,
  "port-list": (text) => PORT_LIST.test(text),
  protocol: (text) => protocolNumber(text) !== null,
};

/**
 * RFC 3339 text to ms since the epoch; null when it is none. Fielded agents also write a blank
 * for the T and leave the zone out (it is UTC then). Digits below the millisecond are cut.
 */
export function timestampMs(text: string): number | null {
  const match = TIMESTAMP.exec(text);
  if (!match) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  if (hour > 23 || minute > 59 || second > 59) return null;
  const [, , , , , , , fraction, sign, zoneHours = "0", zoneMinutes = "0"] = match;
  if (Number(zoneHours) > 23 || Number(zoneMinutes) > 59) return null;
  const ms = Number((fraction ?? ".").slice(1, 4).padEnd(3, "0"));
  const zone = (Number(zoneHours) * 60 + Number(zoneMinutes)) * (sign === "-" ? -1 : 1);
  return date.getTime() + ((hour * 60 + minute - zone) * 60 + second) * 1000 + ms;
}

/** @param ms since the epoch. @throws WireError outside the years 1970 to 9999 */
export function timeText(ms: number): string {
  if (!(ms >= 0 && ms <= TIME_MS_MAX)) {
    throw new WireError(`time ${ms} ms is outside the years 1970 to 9999`);
  }
  return new Date(ms).toISOString();
}

/** Decimal text to a safe integer; undefined when it is none. */
export function readCount(text: string): number | undefined {
  if (!DECIMAL.test(text)) return undefined;
  return Number(text) <= Number.MAX_SAFE_INTEGER ? Number(text) : undefined;
}

function readTime(text: string): number | undefined {
  const ms = timestampMs(text);
  return ms === null || ms < 0 ? undefined : ms;
}

function choice(...names: readonly string[]): Kind {
  return { schema: { enum: names }, write: same, read: same };
}

function oneText(write: (value: unknown) => string, read: (text: string) => unknown): DetailKind {
  return {
    write: (name, value) => [[name, write(value)]],
    read: (name, details) => {
      const text = details.get(name);
      const value = text === undefined ? undefined : read(text);
      if (value !== undefined) details.delete(name);
      return value;
    },
  };
}
