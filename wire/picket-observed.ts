/** Reads events that come of a board's observations: a map, by the table in observations.ts. */
import { ipv4Text, ipv6Text } from "./address.ts";
import { type CborReader, INDEFINITE } from "./cbor.ts";
import type { Payloads } from "./events.ts";
import { EVENTS, type Field } from "./json1-table.ts";
import { type FieldPlace, OBSERVATIONS, type ObservedName, recordLayout } from "./observations.ts";
import * as keys from "./picket-keys.ts";

type Item = Payloads[ObservedName];

const decoder = new TextDecoder("utf-8"); // What is not UTF-8 becomes U+FFFD: boards send bytes.

interface Reading {
  readonly places: readonly FieldPlace[];
  /** What the fields are when they are left out. */
  readonly defaults: Readonly<Record<string, unknown>>;
}

const READINGS = Object.fromEntries(
  (Object.keys(OBSERVATIONS) as ObservedName[]).map((name) => {
    const { places } = recordLayout(name);
    return [name, { places, defaults: defaultsOf(name, places) }];
  }),
) as unknown as Readonly<Record<ObservedName, Reading>>;

export function readObserved(reader: CborReader, name: ObservedName): Item {
  const { places, defaults } = READINGS[name];
  const pairs = reader.map();
  if (pairs === INDEFINITE) reader.fail("a map of known length expected");
  const item: Record<string, unknown> = { ...defaults };
  for (let i = 0; i < pairs; i++) {
    const key = reader.unsigned();
    if (key === keys.AGGREGATED_HITS) item.hitCount = reader.unsigned();
    else if (key === keys.AGGREGATED_FIRST) {
      // By fixed names: many times quicker than by a name in a variable. No clock, no time.
      const time = reader.signed();
      if (time >= 0) item.firstTimeMs = time * 1000;
    } else if (key === keys.AGGREGATED_LAST) {
      const time = reader.signed();
      if (time >= 0) item.lastTimeMs = time * 1000;
    } else {
      const place = places[key - 1];
      if (place === undefined) reader.fail(`${name} has no field ${key}`);
      item[place.name] = readField(reader, place);
    }
  }
  return item as unknown as Item;
}

function readField(reader: CborReader, { name, field }: FieldPlace): unknown {
  switch (field.type) {
    case "text":
      return decoder.decode(reader.bytes());
    case "address": {
      const bytes = reader.bytes();
      if (bytes.length === 4) return ipv4Text(bytes);
      return bytes.length === 16 ? ipv6Text(bytes) : reader.fail(`${name} is no address`);
    }
    case "boolean":
      return reader.unsigned() !== 0;
    case "choice":
      return field.values[reader.unsigned()] ?? reader.fail(`${name} is out of range`);
    case "i32":
      return reader.signed();
    default:
      return reader.unsigned();
  }
}

/**
 * Zero and empty are not sent, and some fields have no place in a record: what an event must have
 * is then 0, "" or the first choice; what it may have is absent.
 */
function defaultsOf(event: ObservedName, places: readonly FieldPlace[]): Record<string, unknown> {
  const defaults: Record<string, unknown> = {};
  for (const [name, field] of Object.entries<Field>(EVENTS[event].fields)) {
    if (!("required" in field)) continue;
    const place = places.find((entry) => entry.name === name);
    if (field.required) defaults[name] = place ? zeroOf(place) : field.kind === "text" ? "" : 0;
    else if (field.otherwise !== undefined) defaults[name] = field.otherwise;
  }
  return defaults;
}

function zeroOf({ field }: FieldPlace): unknown {
  if (field.type === "choice") return field.values[0];
  if (field.type === "boolean") return false;
  return field.type === "text" || field.type === "address" ? "" : 0;
}
