/** Writes what the board observes into the core's input buffer, as the generated C header does. */

import type { Payloads } from "../wire/events.ts";
import {
  type FieldPlace,
  OBSERVATIONS,
  type ObservedName,
  recordLayout,
} from "../wire/observations.ts";
import { parseAddress } from "./netx/address.ts";

export { type FieldPlace, OBSERVATIONS, type ObservedName, recordLayout };

const LAYOUTS = new Map(
  (Object.keys(OBSERVATIONS) as ObservedName[]).map((name) => [name, recordLayout(name)]),
);
const encoder = new TextEncoder();

/** Observation without the fields that only the core or another agent can give. */
export type Observed<N extends ObservedName> = Partial<Payloads[N]>;

/**
 * Writes one record; texts that are too long are cut between two characters.
 *
 * @returns its length, B
 * @throws Error with one line for a choice or an address that is none
 */
export function writeObservation<N extends ObservedName>(
  input: DataView,
  name: N,
  item: Observed<N>,
): number {
  const { places, bytes } = LAYOUTS.get(name) as ReturnType<typeof recordLayout>;
  new Uint8Array(input.buffer, input.byteOffset, bytes).fill(0);
  input.setUint16(0, OBSERVATIONS[name].kind, true);
  const values = item as Readonly<Record<string, unknown>>;
  for (const place of places) {
    const value = values[place.name];
    if (value !== undefined) writeField(input, place, value);
  }
  return bytes;
}

/** The head of a record alone: the end of a snapshot. */
export function writeSnapshotEnd(input: DataView, name: ObservedName): number {
  input.setUint32(0, OBSERVATIONS[name].kind, true);
  return 4;
}

function writeField(input: DataView, { name, field, at, bytes }: FieldPlace, value: unknown): void {
  switch (field.type) {
    case "text": {
      const to = new Uint8Array(input.buffer, input.byteOffset + at, bytes);
      encoder.encodeInto(String(value), to);
      return;
    }
    case "address": {
      const address = parseAddress(String(value));
      if (address === undefined) throw new Error(`${name}: "${value}" is no address`);
      input.setUint8(at, address.length);
      for (const [i, byte] of address.entries()) input.setUint8(at + 1 + i, byte);
      return;
    }
    case "choice": {
      const index = field.values.indexOf(String(value));
      if (index < 0) throw new Error(`${name}: "${value}" is none of ${field.values.join(", ")}`);
      input.setUint8(at, index);
      return;
    }
    case "boolean":
      input.setUint8(at, value ? 1 : 0);
      return;
    case "u8":
      input.setUint8(at, Number(value));
      return;
    case "u16":
      input.setUint16(at, Number(value), true);
      return;
    default:
      input.setUint32(at, Number(value) >>> 0, true);
  }
}
