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
  /** Of what may be present, by its bit: the aggregate's fields, then the places. */
  readonly names: readonly string[];
  /** What the fields are when they are left out. */
  readonly defaults: Readonly<Record<string, unknown>>;
  /** Objects that have the fields, by the bits of those present. */
  readonly templates: Map<number, Readonly<Record<string, unknown>>>;
}

const AGGREGATE_NAMES = ["hitCount", "firstTimeMs", "lastTimeMs"];
const [HITS, FIRST, LAST, PLACES] = [0, 1, 2, 3];
const FIELDS_MAX = 30;
const TEMPLATES_MAX = 256;

const READINGS = Object.fromEntries(
  (Object.keys(OBSERVATIONS) as ObservedName[]).map((name) => {
    const { places } = recordLayout(name);
    const names = [...AGGREGATE_NAMES, ...places.map((place) => place.name)];
    if (names.length > FIELDS_MAX) throw new Error(`${name}: more fields than bits`);
    const defaults = defaultsOf(name, places);
    return [name, { places, names, defaults, templates: new Map() } satisfies Reading];
  }),
) as unknown as Readonly<Record<ObservedName, Reading>>;

/** Of the item in hand, by bit. */
const values: unknown[] = new Array(FIELDS_MAX).fill(undefined);

export function readObserved(reader: CborReader, name: ObservedName): Item {
  const reading = READINGS[name];
  const pairs = reader.map();
  if (pairs === INDEFINITE) reader.fail("a map of known length expected");
  let present = 0;
  for (let i = 0; i < pairs; i++) {
    const key = reader.unsigned();
    let bit = PLACES + key - 1;
    if (key === keys.AGGREGATED_HITS) {
      bit = HITS;
      values[HITS] = reader.unsigned();
    } else if (key === keys.AGGREGATED_FIRST || key === keys.AGGREGATED_LAST) {
      const time = reader.signed();
      if (time < 0) continue; // No clock, no time.
      bit = key === keys.AGGREGATED_FIRST ? FIRST : LAST;
      values[bit] = time * 1000;
    } else {
      const place = reading.places[key - 1];
      if (place === undefined) reader.fail(`${name} has no field ${key}`);
      values[bit] = readField(reader, place);
    }
    present |= 1 << bit;
  }
  return itemOf(reading, present);
}

/**
 * An object that has the fields already is copied and filled: many times quicker than one to which
 * each field is added by a name in a variable.
 */
function itemOf({ names, defaults, templates }: Reading, present: number): Item {
  let template = templates.get(present);
  if (template === undefined) {
    const own = names.filter((_, bit) => (present >> bit) & 1);
    template = { ...defaults, ...Object.fromEntries(own.map((field) => [field, undefined])) };
    if (templates.size < TEMPLATES_MAX) templates.set(present, template);
  }
  const item: Record<string, unknown> = { ...template };
  for (let bit = 0; present >> bit !== 0; bit++) {
    if ((present >> bit) & 1) item[names[bit] as string] = values[bit];
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
