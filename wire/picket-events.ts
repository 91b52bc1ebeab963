/** Reads the events in Picket's own messages (`message.cddl`). */
import { type CborReader, INDEFINITE } from "./cbor.ts";
import type { EventName, Payloads, SecurityEvent } from "./events.ts";
import { EVENTS } from "./json1-table.ts";
import { readFlows } from "./picket-flows.ts";
import * as keys from "./picket-keys.ts";

/** Fields of an event's array before its payload: kind, time, interval. */
const COMMON_FIELDS = 3;

interface Kind {
  readonly name: EventName;
  /** Fields behind the common ones. */
  readonly fields: number;
  readonly read: (reader: CborReader) => readonly Payloads[EventName][];
}

const KINDS: Readonly<Record<number, Kind>> = {
  [keys.KIND_HEARTBEAT]: {
    name: "Heartbeat",
    fields: 0,
    read: () => [{}],
  },
  [keys.KIND_NETWORK_ACTIVITY]: {
    name: "NetworkActivity",
    fields: 1,
    read: readFlows,
  },
  [keys.KIND_ACTIVE_CONNECTIONS]: {
    name: "ActiveConnections",
    fields: 3,
    read: (reader) => [
      { current: reader.unsigned(), min: reader.unsigned(), max: reader.unsigned() },
    ],
  },
  [keys.KIND_CLOUD_TO_DEVICE_MESSAGES]: {
    name: "CloudToDeviceMessages",
    fields: 1,
    read: (reader) => [{ transport: "MQTT", count: reader.unsigned() }],
  },
  [keys.KIND_DROPPED_EVENTS_STATISTICS]: {
    name: "DroppedEventsStatistics",
    fields: 2,
    read: readLosses,
  },
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
};

/** Reads one event; `id` is the GUID that the message gives it. */
export function readEvent(reader: CborReader, id: string): SecurityEvent {
  const fields = reader.array();
  const number = reader.unsigned();
  const kind = KINDS[number];
  if (kind === undefined) reader.fail(`event kind ${number} is not known`);
  if (fields !== COMMON_FIELDS + kind.fields) reader.fail(`${kind.name} of ${fields} fields`);
  const time = reader.signed();
  const intervalMs = reader.unsigned() * 1000;
  const { category, eventType } = EVENTS[kind.name];
  // The table pairs each name with its reader; the union cannot say so.
  return {
    name: kind.name,
    id,
    category,
    eventType,
    timeMs: time < 0 ? null : time * 1000,
    intervalMs,
    isEmpty: false,
    payload: kind.read(reader),
  } as SecurityEvent;
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
