/** Conditions of custom rules, compiled to tests of one payload item. */
import type { SecurityEvent } from "../wire/events.ts";
import { detailKey } from "../wire/json1-details.ts";
import { protocolNumber } from "../wire/protocol.ts";
import type { Condition } from "./custom-rule-schema.ts";
import { createPrefixTable } from "./prefix-table.ts";

type Value = string | number | boolean | undefined;
/** Reads a field of payload item `index` of an event. */
export type FieldReader = (event: SecurityEvent, index: number) => Value;
export type ItemTest = (event: SecurityEvent, index: number) => boolean;
type ValueTest = (value: Value) => boolean;

/** A rule that cannot be compiled: one line. */
export class RuleError extends Error {
  override readonly name = "RuleError";
}

/** `tags.NAME`, `event.FIELD`, or a field of the payload item; nested objects are not read. */
export function readField(path: string): FieldReader {
  if (path.startsWith("tags.")) {
    const name = path.slice("tags.".length);
    return (event, index) => {
      const details = event.extraDetails;
      return details && scalar(details, detailKey(index, name));
    };
  }
  if (path.startsWith("event.")) {
    const name = path.slice("event.".length);
    return (event) => scalar(event as unknown as Record<string, unknown>, name);
  }
  const read = Object.hasOwn(FLOW_FIELDS, path) ? FLOW_FIELDS[path] : undefined;
  return (event, index) => {
    const item = event.payload[index] as unknown as Record<string, unknown> | undefined;
    if (item === undefined) return undefined;
    return read ? plain(read(item)) : scalar(item, path);
  };
}

type Item = Readonly<Record<string, unknown>>;
/** Fields that most rules read, of the events with most items: quicker by a name that is fixed. */
const FLOW_FIELDS: Readonly<Record<string, (item: Item) => unknown>> = {
  protocol: (item) => item.protocol,
  localPort: (item) => item.localPort,
  remoteAddress: (item) => item.remoteAddress,
  remotePort: (item) => item.remotePort,
  packetsIn: (item) => item.packetsIn,
  packetsOut: (item) => item.packetsOut,
  bytesIn: (item) => item.bytesIn,
  bytesOut: (item) => item.bytesOut,
  initiator: (item) => item.initiator,
  outbound: (item) => item.outbound,
};

function scalar(object: Record<string, unknown>, name: string): Value {
  return plain(object[name]); // What objects inherit is neither text nor number.
}

function plain(value: unknown): Value {
  const kind = typeof value;
  return kind === "string" || kind === "number" || kind === "boolean"
    ? (value as Value)
    : undefined;
}

/** @throws RuleError that names the field */
export function compileWhere(where: Readonly<Record<string, Condition>>): ItemTest {
  const tests = Object.entries(where).map(([path, condition]) => {
    const read = readField(path);
    const test = compileCondition(path, condition);
    return (event: SecurityEvent, index: number) => test(read(event, index));
  });
  return (event, index) => {
    for (const test of tests) if (!test(event, index)) return false;
    return true;
  };
}

function compileCondition(path: string, condition: Condition): ValueTest {
  if (typeof condition !== "object") return equals(path, condition);
  const tests: ValueTest[] = [];
  const { eq, ne, gt, gte, lt, lte, like, cidr, notCidr, exists } = condition;
  if (exists !== undefined) tests.push((value) => (value !== undefined) === exists);
  if (eq !== undefined) tests.push(equals(path, eq));
  if (ne !== undefined) tests.push(not(equals(path, ne)));
  if (condition.in) tests.push(oneOf(path, condition.in));
  if (condition.notIn) tests.push(not(oneOf(path, condition.notIn)));
  if (gt !== undefined) tests.push((value) => numeric(value) > gt);
  if (gte !== undefined) tests.push((value) => numeric(value) >= gte);
  if (lt !== undefined) tests.push((value) => numeric(value) < lt);
  if (lte !== undefined) tests.push((value) => numeric(value) <= lte);
  if (like !== undefined) tests.push(glob(like));
  if (cidr) tests.push(inNetworks(path, cidr));
  if (notCidr) tests.push(not(inNetworks(path, notCidr)));
  return (value) => {
    for (const test of tests) if (!test(value)) return false;
    return true;
  };
}

const not =
  (test: ValueTest): ValueTest =>
  (value) =>
    value !== undefined && !test(value);

/** Tags are texts, so numbers in them are read as numbers where the rule has one. */
function equals(path: string, wanted: string | number | boolean): ValueTest {
  const goal = normal(path, wanted);
  if (typeof goal === "number") return (value) => numeric(value) === goal;
  if (typeof goal === "boolean") return (value) => value === goal || value === String(goal);
  return (value) => value === goal;
}

function oneOf(path: string, wanted: readonly (string | number)[]): ValueTest {
  const goals = new Set(wanted.map((item) => String(normal(path, item))));
  return (value) => value !== undefined && goals.has(String(value));
}

function normal(path: string, wanted: string | number | boolean): string | number | boolean {
  if (path !== "protocol" || typeof wanted !== "string") return wanted;
  const protocol = protocolNumber(wanted);
  if (protocol === null) throw new RuleError(`where.protocol: "${wanted}" is no protocol`);
  return protocol;
}

/** NaN for what is no number: every comparison with it is false. */
function numeric(value: Value): number {
  if (typeof value === "number") return value;
  return typeof value === "string" && value.trim() !== "" ? Number(value) : Number.NaN;
}

function inNetworks(path: string, networks: readonly string[]): ValueTest {
  try {
    const table = createPrefixTable(networks);
    return (value) => typeof value === "string" && table.match(value) >= 0;
  } catch (cause) {
    throw new RuleError(`where.${path}: ${(cause as Error).message}`, { cause });
  }
}

/** Linear in text times pattern: no backtracking beyond the last `*`. */
function glob(pattern: string): ValueTest {
  const goal = pattern.toLowerCase();
  return (value) => value !== undefined && matchGlob(String(value).toLowerCase(), goal);
}

function matchGlob(text: string, pattern: string): boolean {
  let t = 0;
  let p = 0;
  let star = -1;
  let mark = 0;
  while (t < text.length) {
    if (pattern[p] === "*") {
      star = p++;
      mark = t;
    } else if (p < pattern.length && pattern[p] === text[t]) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
