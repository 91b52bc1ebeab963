/**
 * The documented JSON security message, schema 1.0, to and from the neutral model.
 *
 * What 1.0 has no field for stands in ExtraDetails of a payload item, text to text: the event's
 * own `extraDetails` (see `json1-details.ts`), `IntervalMs` in the first item of each event that
 * covers an interval, `MessageId` in the first item of all. An event without payload has no
 * place for them: only there they are left out. An event of a device without a wall clock is
 * stamped 1970-01-01T00:00:00.000Z. An agent id that is no GUID becomes one (RFC 9562 5.5).
 *
 * Read liberally, as fielded agents deviate: timestamps with a blank for the T or without a
 * zone; ProcessCreate without UserId (then ""); ListeningPorts without LocalAddress (then
 * 0.0.0.0); protocol names in either case, or IANA numbers; category and event type other than
 * documented for the event. Otherwise what does not match the schema is refused. TimestampLocal
 * is checked, not kept.
 */
import { createHash } from "node:crypto";
import {
  type Category,
  type EventName,
  type EventType,
  type SecurityEvent,
  type SecurityMessage,
  WireError,
} from "./events.ts";
import { detailKey, splitDetailKey } from "./json1-details.ts";
import { DETAIL_KINDS, FORMATS, KINDS, timestampMs, timeText } from "./json1-kinds.ts";
import { checkJson1 } from "./json1-schema.ts";
import { EVENTS, type Field } from "./json1-table.ts";
import { printable } from "./printable.ts";

/** A payload item: fields by documented name, and ExtraDetails. */
export type Json1Item = { readonly [field: string]: unknown } & {
  readonly ExtraDetails?: Readonly<Record<string, string>>;
};

export interface Json1Event {
  readonly Id: string;
  readonly TimestampLocal: string;
  readonly TimestampUTC: string;
  readonly Category: Category;
  readonly Name: EventName;
  readonly EventType: EventType;
  readonly IsEmpty: boolean;
  readonly PayloadSchemaVersion: "1.0";
  readonly Payload: readonly Json1Item[];
}

export interface Json1Message {
  readonly AgentVersion: string;
  readonly AgentId: string;
  readonly MessageSchemaVersion: "1.0";
  readonly Events: readonly Json1Event[];
}

type Item = Readonly<Record<string, unknown>>;
type TextEntry = readonly [string, string];

/** Namespace of the GUIDs that stand for agent names; chosen once, at random. */
const AGENT_NAMESPACE = "7d1c4c0f-93a5-4e0f-8a1e-5b0a7c8f2d36";

/** @throws WireError on text that is not JSON, or not a security message 1.0 */
export function parseJson1(input: Uint8Array | string): SecurityMessage {
  const message = readJson1(input);
  const first = message.Events.findIndex((event) => event.Payload.length > 0);
  const messageId = message.Events[first]?.Payload[0]?.ExtraDetails?.MessageId;
  return {
    format: "json-1.0",
    agentId: message.AgentId.toLowerCase(),
    agentVersion: message.AgentVersion,
    messageId: messageId ?? null,
    events: message.Events.map((event, i) => readEvent(event, i === first)),
  };
}

/** The message as it stands, checked. @throws WireError as `parseJson1` */
export function readJson1(input: Uint8Array | string): Json1Message {
  const json = parseText(input);
  checkJson1(json);
  return json as Json1Message;
}

/** @throws WireError on a time outside the years 1970 to 9999 */
export function toJson1(message: SecurityMessage): Json1Message {
  const first = message.events.findIndex((event) => event.payload.length > 0);
  return {
    AgentVersion: message.agentVersion,
    AgentId: guid(message.agentId),
    MessageSchemaVersion: "1.0",
    Events: message.events.map((event, i) =>
      writeEvent(event, i === first ? message.messageId : null),
    ),
  };
}

function parseText(input: Uint8Array | string): unknown {
  let text = input;
  if (typeof text !== "string") {
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(text);
    } catch (cause) {
      throw new WireError("JSON: the text is not UTF-8", { cause });
    }
  }
  try {
    return JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (cause) {
    throw new WireError(`JSON: ${printable((cause as Error).message)}`, { cause });
  }
}

function readEvent(event: Json1Event, hasMessageId: boolean): SecurityEvent {
  let intervalMs = 0;
  const extra: TextEntry[] = [];
  const payload = event.Payload.map((item, i) => {
    const details = new Map(Object.entries(item.ExtraDetails ?? {}));
    const read = readItem(event.Name, item, details);
    if (i === 0) {
      intervalMs = (DETAIL_KINDS.count.read("IntervalMs", details) as number | undefined) ?? 0;
      if (hasMessageId) details.delete("MessageId");
    }
    for (const [name, text] of details) extra.push([detailKey(i, name), text]);
    return read;
  });
  const timeMs = timestampMs(event.TimestampUTC) ?? 0;
  return {
    name: event.Name,
    id: event.Id.toLowerCase(),
    category: event.Category,
    eventType: event.EventType,
    timeMs: timeMs > 0 ? timeMs : null,
    intervalMs,
    isEmpty: event.IsEmpty,
    payload,
    ...(extra.length > 0 && { extraDetails: Object.fromEntries(extra) }),
  } as unknown as SecurityEvent;
}

/** Takes from `details` what belongs to fields. */
function readItem(name: EventName, item: Json1Item, details: Map<string, string>): Item {
  const values = fieldsOf(name).map(([key, field]) => {
    if ("detail" in field) return [key, DETAIL_KINDS[field.detail].read(field.json, details)];
    const json = item[field.json];
    if (json !== undefined) return [key, KINDS[field.kind].read(json)];
    return [key, field.required ? undefined : field.otherwise];
  });
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

function writeEvent(event: SecurityEvent, messageId: string | null): Json1Event {
  const items = event.payload.length;
  const extra: TextEntry[][] = event.payload.map(() => []);
  for (const [key, text] of Object.entries(event.extraDetails ?? {})) {
    const { index, name } = splitDetailKey(key, items);
    extra[index]?.push([name, text]);
  }
  if (event.intervalMs > 0) extra[0]?.push(["IntervalMs", String(event.intervalMs)]);
  if (messageId !== null) extra[0]?.push(["MessageId", messageId]);
  const time = timeText(event.timeMs ?? 0);
  return {
    Id: event.id,
    TimestampLocal: time,
    TimestampUTC: time,
    Category: event.category,
    Name: event.name,
    EventType: event.eventType,
    IsEmpty: items === 0,
    PayloadSchemaVersion: "1.0",
    Payload: event.payload.map((item, i) => writeItem(event.name, item, extra[i] ?? [])),
  };
}

function writeItem(name: EventName, item: object, extra: readonly TextEntry[]): Json1Item {
  const fields: [string, unknown][] = [];
  const details: TextEntry[] = [...extra];
  for (const [key, field] of fieldsOf(name)) {
    const value = (item as Item)[key];
    if (value === undefined) continue;
    if ("detail" in field) details.push(...DETAIL_KINDS[field.detail].write(field.json, value));
    else fields.push([field.json, KINDS[field.kind].write(value)]);
  }
  if (details.length > 0) fields.push(["ExtraDetails", Object.fromEntries(details)]);
  return Object.fromEntries(fields.filter(([, json]) => json !== undefined)) as Json1Item;
}

function fieldsOf(name: EventName): [string, Field][] {
  return Object.entries(EVENTS[name].fields);
}

/** The id itself if it is a GUID, else the name-based GUID (version 5) of the text. */
function guid(agentId: string): string {
  if (FORMATS.guid?.(agentId)) return agentId;
  const namespace = Buffer.from(AGENT_NAMESPACE.replaceAll("-", ""), "hex");
  const hash = createHash("sha1").update(namespace).update(agentId).digest().subarray(0, 16);
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x50, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  return hash.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
