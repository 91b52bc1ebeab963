/** Reads the events in Picket's own messages (`message.cddl`). */
import { type CborReader, INDEFINITE } from "./cbor.ts";
import type { EventName, Payloads, SecurityEvent } from "./events.ts";
import { EVENTS } from "./json1-table.ts";
import { OBSERVATIONS, type ObservedName } from "./observations.ts";
import { readFlows } from "./picket-flows.ts";
import * as keys from "./picket-keys.ts";
import { readObserved } from "./picket-observed.ts";
import { TWIN_PROPERTIES } from "./twin-properties.ts";
import { twinValueText } from "./twin-text.ts";

/** Fields of an event's array before its payload: kind, time, interval. */
const COMMON_FIELDS = 3;

interface Kind {
  readonly name: EventName;
  /** Possible numbers of fields behind the common ones. */
  readonly fields: readonly number[];
  /** Null: there was nothing to report; the event is empty. */
  readonly read: (reader: CborReader, fields: number) => readonly Payloads[EventName][];
}

/** By number, as the core has them. */
const CONFIGURATION_ERRORS = ["TypeMismatch", "NotOptimal", "Conflict"] as const;

const KINDS: Readonly<Record<number, Kind>> = {
  [keys.KIND_HEARTBEAT]: {
    name: "Heartbeat",
    fields: [0, 2],
    read: (reader, fields) =>
      fields === 0 ? [{}] : [{ bootCount: reader.unsigned(), buildId: hex(reader.bytes()) }],
  },
  [keys.KIND_NETWORK_ACTIVITY]: { name: "NetworkActivity", fields: [1], read: readFlows },
  [keys.KIND_ACTIVE_CONNECTIONS]: {
    name: "ActiveConnections",
    fields: [3],
    read: (reader) => [
      { current: reader.unsigned(), min: reader.unsigned(), max: reader.unsigned() },
    ],
  },
  [keys.KIND_CLOUD_TO_DEVICE_MESSAGES]: {
    name: "CloudToDeviceMessages",
    fields: [1],
    read: (reader) => [{ transport: "MQTT", count: reader.unsigned() }],
  },
  [keys.KIND_DROPPED_EVENTS_STATISTICS]: {
    name: "DroppedEventsStatistics",
    fields: [2],
    read: readLosses,
  },
  [keys.KIND_MESSAGE_STATISTICS]: {
    name: "MessageStatistics",
    fields: [3],
    read: (reader) => [
      {
        messagesSent: reader.unsigned(),
        messagesUnder4KB: reader.unsigned(),
        totalFailed: reader.unsigned(),
      },
    ],
  },
  [keys.KIND_CONFIGURATION_ERROR]: {
    name: "ConfigurationError",
    fields: [3],
    read: readConfigurationError,
  },
  [keys.KIND_CLOCK_CHANGED]: {
    name: "Diagnostic",
    fields: [1],
    read: (reader) => [note("Warning", `the wall clock was set by ${reader.signed()} s`)],
  },
  [keys.KIND_OPTED_OUT]: {
    name: "Diagnostic",
    fields: [1],
    read: (reader) => [
      note("Information", `the user has opted ${reader.boolean() ? "out of" : "into"} monitoring`),
    ],
  },
  ...Object.fromEntries(
    Object.entries(OBSERVATIONS).map(([name, { kind }]) => [
      kind,
      {
        name: name as EventName,
        fields: [1],
        read: (reader: CborReader) => [readObserved(reader, name as ObservedName)],
      },
    ]),
  ),
};

const CAUSES: Readonly<Record<number, string>> = {
  [keys.CAUSE_RING_FULL]: "ringFull",
  [keys.CAUSE_MALFORMED]: "malformed",
  [keys.CAUSE_HEAD_TOO_SHORT]: "headTooShort",
  [keys.CAUSE_FLOW_TABLE_FULL_IPV4]: "flowTableFullIpv4",
  [keys.CAUSE_FLOW_TABLE_FULL_IPV6]: "flowTableFullIpv6",
  [keys.CAUSE_NOT_UNICAST]: "notUnicast",
  [keys.CAUSE_CONNECTIONS_FORGOTTEN]: "connectionsForgotten",
  [keys.CAUSE_OBSERVATION_REFUSED]: "observationRefused",
  [keys.CAUSE_STORE_FULL]: "storeFull",
  [keys.CAUSE_STORE_DAMAGED]: "storeDamaged",
};

/** Reads one event; `id` is the GUID that the message gives it. */
export function readEvent(reader: CborReader, id: string): SecurityEvent {
  const fields = reader.array() - COMMON_FIELDS;
  const number = reader.unsigned();
  const time = reader.signed();
  const intervalMs = reader.unsigned() * 1000;
  const isEmpty = number === keys.KIND_SNAPSHOT_EMPTY;
  const kind = isEmpty ? KINDS[reader.unsigned()] : KINDS[number];
  if (kind === undefined) reader.fail(`event kind ${number} is not known`);
  if (isEmpty ? fields !== 1 : !kind.fields.includes(fields)) {
    reader.fail(`${kind.name} of ${fields} fields`);
  }
  const payload = isEmpty ? [] : kind.read(reader, fields);
  const { category, eventType } = EVENTS[kind.name];
  const event = {
    name: kind.name,
    id,
    category,
    eventType,
    timeMs: time < 0 ? null : time * 1000,
    intervalMs,
    isEmpty: payload.length === 0,
    payload,
  };
  // The table pairs each name with its reader; the union cannot say so.
  if (time >= 0) return event as SecurityEvent;
  return { ...event, extraDetails: { UptimeSeconds: String(-1 - time) } } as SecurityEvent;
}

function readLosses(reader: CborReader): Payloads["DroppedEventsStatistics"][] {
  if (reader.array() !== 4) reader.fail("two counters for each of two queues expected");
  const [highCollected, highDropped, lowCollected, lowDropped] = [
    reader.unsigned(),
    reader.unsigned(),
    reader.unsigned(),
    reader.unsigned(),
  ];
  const pairs = reader.map();
  if (pairs === INDEFINITE) reader.fail("a map of known length expected");
  const causes: Record<string, number> = {};
  for (let i = 0; i < pairs; i++) {
    const cause = reader.unsigned();
    causes[CAUSES[cause] ?? `cause${cause}`] = reader.unsigned();
  }
  return [
    { queue: "High", collectedEvents: highCollected, droppedEvents: highDropped, causes },
    { queue: "Low", collectedEvents: lowCollected, droppedEvents: lowDropped },
  ];
}

function readConfigurationError(reader: CborReader): Payloads["ConfigurationError"][] {
  const property = TWIN_PROPERTIES[reader.unsigned()];
  if (property === undefined) reader.fail("a twin property that is not known");
  const errorType = CONFIGURATION_ERRORS[reader.unsigned()];
  if (errorType === undefined) reader.fail("a kind of configuration error that is not known");
  const usedConfiguration = twinValueText(property, reader.unsigned());
  const message = `${property.name}: ${errorType}, ${usedConfiguration} is used`;
  return [{ configurationName: property.name, errorType, usedConfiguration, message }];
}

function note(
  severity: Payloads["Diagnostic"]["severity"],
  message: string,
): Payloads["Diagnostic"] {
  return { severity, message, processId: 0, threadId: 0 };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
