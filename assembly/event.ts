/** The frame of every event, and the buffer in which one is built. */
import { writeArray, writeNegative, writeUnsigned } from "./cbor";
import { EVENT_BYTES_MAX } from "./options";
import { state } from "./state";
import { append } from "./store";
import { record } from "./store-layout";

export const event: usize = record;

/** Fields of every event: kind, time, interval. */
const COMMON_FIELDS: u32 = 3;

/**
 * Begins an event.
 *
 * @param intervalS seconds that it covers, up to now
 * @param fields beside the common ones
 * @returns where the fields go
 */
export function begin(kind: u32, intervalS: u32, fields: u32): usize {
  let at = writeArray(event, COMMON_FIELDS + fields);
  at = writeUnsigned(at, kind);
  at = writeTime(at, state.wall_s, state.uptime_s);
  return writeUnsigned(at, intervalS);
}

/** Writes a `time`: the wall clock, or the uptime when there is none. */
export function writeTime(at: usize, wallS: u32, uptimeS: u32): usize {
  return wallS ? writeUnsigned(at, wallS) : writeNegative(at, uptimeS);
}

/** Hands the event that ends at `end` to the store. */
export function commit(priority: u32, end: usize): void {
  assert(end - event <= EVENT_BYTES_MAX);
  append(priority, event, <u32>(end - event));
}
