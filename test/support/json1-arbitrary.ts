/** Messages that security message 1.0 can carry, made from the table of its fields. */
import fc from "fast-check";
import { canonicalAddress, ipv4Text, ipv6Text } from "../../wire/address.ts";
import type { EventName, SecurityMessage } from "../../wire/events.ts";
import type { DetailKindName, KindName } from "../../wire/json1-kinds.ts";
import { EVENTS, type Field } from "../../wire/json1-table.ts";

const guid = fc.uuid();
const text = fc.oneof(fc.string({ unit: "binary", maxLength: 12 }), fc.constant("__proto__"));
const integer = fc.maxSafeInteger();
const count = fc.maxSafeNat();
/** After the epoch, to the ms, within the years that RFC 3339 can write. */
const timeMs = fc.integer({ min: 1, max: 253_402_300_799_999 });
const port = fc.nat(65535);
const address = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }).map(ipv4Text),
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map(ipv6Text),
  // Runs of zeros, where texts of one address differ.
  fc.array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 }).map((bytes) => {
    const address = ipv6Text(Uint8Array.from(bytes));
    return canonicalAddress(address) ?? "not an address";
  }),
);
const portList = fc.constantFrom("*", "22", "22,53", "53248-53250", "1,2-3,4");

const KIND_VALUES: Record<KindName, fc.Arbitrary<unknown>> = {
  text,
  integer,
  count,
  boolean: fc.boolean(),
  flag: fc.constant(true),
  port,
  portList,
  protocol: fc.nat(255),
  address,
  direction: fc.constantFrom("In", "Out"),
  initiator: fc.constantFrom("local", "remote", null),
  transport: fc.constantFrom("MQTT", "AMQP", "HTTP"),
  loginResult: fc.constantFrom("Success", "Fail"),
  firewallAction: fc.constantFrom("Allow", "Deny", "Other"),
  baselineResult: fc.constantFrom("Pass", "Fail", "Err"),
  baselineSeverity: fc.constantFrom("Critical", "Important", "Warning", "Informational"),
  diagnosticSeverity: fc.constantFrom("Fatal", "Error", "Warning", "Information", "Debug"),
  errorType: fc.constantFrom("TypeMismatch", "NotOptimal", "Conflict"),
  queue: fc.constantFrom("High", "Low"),
};
const cause = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 8 });
const DETAIL_VALUES: Record<DetailKindName, fc.Arbitrary<unknown>> = {
  text,
  count,
  time: timeMs,
  counts: fc
    .array(fc.tuple(cause, count), { minLength: 1, maxLength: 4 })
    .map((pairs) => Object.fromEntries(pairs)),
};

const CLAIMED = [
  "HitCount",
  "StartTimeUTC",
  "EndTimeUTC",
  "HardwareVendor",
  "HardwareModel",
  "FirmwareVersion",
  "IntervalMs",
  "MessageId",
];

/** Names that no field of ExtraDetails and no prefix claims. */
const detailName = text.filter(
  (name) => !CLAIMED.includes(name) && !/^(Cause\.|Payload\[)/.test(name),
);

function value(field: Field): fc.Arbitrary<unknown> {
  return "detail" in field ? DETAIL_VALUES[field.detail] : KIND_VALUES[field.kind];
}

/** The neutral model needs what the format requires, and what the reader fills in. */
function isAlwaysThere(field: Field): boolean {
  return !("detail" in field) && (field.required || field.otherwise !== undefined);
}

function item(name: EventName): fc.Arbitrary<object> {
  const fields: [string, Field][] = Object.entries(EVENTS[name].fields);
  const model = Object.fromEntries(fields.map(([key, field]) => [key, value(field)]));
  const requiredKeys = fields.filter(([, field]) => isAlwaysThere(field)).map(([key]) => key);
  return fc.record(model, { requiredKeys, noNullPrototype: true });
}

function event(name: EventName): fc.Arbitrary<object> {
  const { category, eventType } = EVENTS[name];
  const minLength = category === "Triggered" ? 1 : 0;
  return fc
    .record({
      id: guid,
      timeMs: fc.option(timeMs),
      intervalMs: count,
      payload: fc.array(item(name), { minLength, maxLength: 4 }),
      details: fc.array(fc.tuple(fc.nat(3), detailName, text), { maxLength: 4 }),
    })
    .map(({ payload, details, intervalMs, ...rest }) => {
      const pairs = details
        .filter(([index]) => index < payload.length)
        .map(([index, key, value]) => [index === 0 ? key : `Payload[${index}].${key}`, value]);
      return {
        name,
        category,
        eventType,
        ...rest,
        // An empty event has no place for its interval.
        intervalMs: payload.length === 0 ? 0 : intervalMs,
        isEmpty: payload.length === 0,
        payload,
        ...(pairs.length > 0 && { extraDetails: Object.fromEntries(pairs) }),
      };
    });
}

const names = Object.keys(EVENTS) as EventName[];

/** Format "json-1.0"; a message id only where some event has a payload to carry it. */
export const json1Messages: fc.Arbitrary<SecurityMessage> = fc
  .record({
    agentId: guid,
    agentVersion: text,
    messageId: fc.option(text),
    events: fc.array(fc.oneof(...names.map(event)), { minLength: 1, maxLength: 5 }),
  })
  .map(({ messageId, ...message }) => {
    const events = message.events as unknown as SecurityMessage["events"];
    const carried = events.some(({ payload }) => payload.length > 0);
    return { format: "json-1.0", ...message, events, messageId: carried ? messageId : null };
  });
