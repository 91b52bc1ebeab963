/**
 * Events that wait for their delivery: one log for each priority, in memory. When a log is full
 * its oldest events make room, and are counted.
 */
import { E_UNKNOWN_ID, OK, PRIORITIES } from "./abi";
import { publish } from "./host";
import { Log } from "./layout";
import { CAUSE_STORE_FULL } from "./message";
import { MESSAGE_BYTES_MAX, STORE_BYTES } from "./options";
import { lose } from "./state";

/** Each log has half of the store. */
const LOG_BYTES: u32 = STORE_BYTES / PRIORITIES;
/** Before each record: its length, u16. */
const RECORD_HEAD: u32 = 2;

const logs: usize = memory.data(PRIORITIES * offsetof<Log>(), 4);
const records: usize = memory.data(PRIORITIES * LOG_BYTES, 4);

export function log(priority: u32): Log {
  return changetype<Log>(logs + priority * offsetof<Log>());
}

function base(priority: u32): usize {
  return records + priority * LOG_BYTES;
}

/** Bytes of the record at an offset; 0 marks where the log goes on at its beginning. */
function recordBytes(priority: u32, offset: u32): u32 {
  return offset + RECORD_HEAD > LOG_BYTES ? 0 : load<u16>(base(priority) + offset);
}

/** Where the record stands that begins at `offset` or, behind the last one, at 0. */
function wrap(priority: u32, offset: u32): u32 {
  return recordBytes(priority, offset) ? offset : 0;
}

function releaseFirst(priority: u32): void {
  const own = log(priority);
  const first = wrap(priority, own.first);
  own.first = first + RECORD_HEAD + recordBytes(priority, first);
  own.count -= 1;
  own.sequence += 1;
}

/** Makes room for `bytes` at the end of the log, at the cost of its oldest records. */
function makeRoom(priority: u32, bytes: u32): void {
  const own = log(priority);
  for (;;) {
    if (own.count === 0) {
      own.first = 0;
      own.end = 0;
      return;
    }
    const first = wrap(priority, own.first);
    if (first < own.end) {
      if (own.end + bytes <= LOG_BYTES) return;
      if (bytes < first) {
        // The rest is too small: the log goes on at its beginning.
        if (own.end + RECORD_HEAD <= LOG_BYTES) store<u16>(base(priority) + own.end, 0);
        own.end = 0;
        return;
      }
    } else if (own.end + bytes < first) {
      return;
    }
    releaseFirst(priority);
    own.dropped += 1;
    // A message in flight has lost its first event: what is acknowledged later is one less.
    if (own.in_flight_count) own.in_flight_count -= 1;
    lose(CAUSE_STORE_FULL);
  }
}

/** Puts an event at the end of its log. */
export function append(priority: u32, event: usize, bytes: u32): void {
  assert(bytes + RECORD_HEAD < LOG_BYTES);
  makeRoom(priority, bytes + RECORD_HEAD);
  const own = log(priority);
  const to = base(priority) + own.end;
  store<u16>(to, bytes);
  memory.copy(to + RECORD_HEAD, event, bytes);
  own.end += RECORD_HEAD + bytes;
  own.count += 1;
  own.collected += 1;
}

/**
 * Hands the oldest events of a log to the host, as many as a message holds.
 *
 * @param taken bytes of the message so far
 * @returns how many events, or a negative error of the host
 */
export function publishEvents(priority: u32, id: u32, taken: u32): i32 {
  const own = log(priority);
  let offset = own.first;
  let room = MESSAGE_BYTES_MAX - taken;
  let events: u32 = 0;
  while (events < own.count) {
    offset = wrap(priority, offset);
    const bytes = recordBytes(priority, offset);
    if (bytes >= room) break; // One byte stays for the end of the array.
    const result = publish(id, base(priority) + offset + RECORD_HEAD, bytes, 1);
    if (result < 0) return result;
    room -= bytes;
    offset += RECORD_HEAD + bytes;
    events += 1;
  }
  return events;
}

/** Notes the message in flight, or its end when `id` is 0. */
export function setInFlight(priority: u32, id: u32, events: u32): void {
  const own = log(priority);
  own.in_flight = id;
  own.in_flight_count = events;
}

/** Releases the events of the message in flight: they are delivered. */
export function release(priority: u32, id: u32): i32 {
  const own = log(priority);
  if (own.in_flight !== id) return E_UNKNOWN_ID;
  while (own.in_flight_count) {
    releaseFirst(priority);
    own.in_flight_count -= 1;
  }
  own.in_flight = 0;
  return OK;
}
