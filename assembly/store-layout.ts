/** What the store keeps in memory, and the format of its records. docs/store.md has the words. */
import { PRIORITIES } from "./abi";
import { EVENT_BYTES_MAX, STORE_BYTES } from "./options";

/** Before each record: u16 head (bytes, and priority in bit 15), u32 sequence number. */
export const RECORD_SEQUENCE: u32 = 2;
export const RECORD_HEAD_BYTES: u32 = 6;
export const HEAD_BYTES_MASK: u32 = 0x7fff;
export const HEAD_PRIORITY_SHIFT: u32 = 15;
/** Heads of what is no event: more bits are set than in the head of any event. */
export const HEAD_STATE: u32 = 0x7ffe;
export const HEAD_SECTOR: u32 = 0x7ffc;
export const HEAD_BLANK: u32 = 0xffff;
/** After each record in flash: CRC-32. */
export const CRC_BYTES: u32 = 4;
/** What flash is doing. */
export const OP_NONE: u32 = 0;
export const OP_EVENT: u32 = 1;
export const OP_STATE: u32 = 2;
export const OP_ERASE: u32 = 3;
export const OP_SECTOR: u32 = 4;
/** Longest program unit, B. */
export const UNIT_BYTES_MAX: u32 = 32;
/** Longest record of a sector, padding included. */
export const SECTOR_RECORD_BYTES: u32 = 64;

if (EVENT_BYTES_MAX > 0x4000) ERROR("EVENT_BYTES_MAX: looks like HEAD_STATE");
if (STORE_BYTES < EVENT_BYTES_MAX + RECORD_HEAD_BYTES + CRC_BYTES + UNIT_BYTES_MAX) {
  ERROR("STORE_BYTES: does not hold the longest event");
}

/** Counters of a priority. All only grow, so that the greatest of several copies is the last. */
@unmanaged
export class Tally {
  /** Events offered; the sequence number of the next. */
  collected: u32;
  delivered: u32;
  /** Events before this one are gone: delivered or dropped. */
  through: u32;
}

/** What outlives a restart. */
@unmanaged
export class Saved {
  boots: u32;
  damaged: u32;
  high_collected: u32;
  high_delivered: u32;
  high_through: u32;
  low_collected: u32;
  low_delivered: u32;
  low_through: u32;
}

const TALLIES: usize = offsetof<Saved>("high_collected");

/** Payload of the record that begins a sector. A record of state has the first part alone. */
@unmanaged
export class SectorHead extends Saved {
  /** Of this life of the partition; the lower half is the epoch. */
  salt: u32;
  erases: u32;
  priority: u32;
  /** Sequence number of its first event. */
  first: u32;
}

if (RECORD_HEAD_BYTES + offsetof<SectorHead>() + CRC_BYTES > SECTOR_RECORD_BYTES) {
  ERROR("SECTOR_RECORD_BYTES");
}
if (offsetof<SectorHead>() > EVENT_BYTES_MAX)
  ERROR("EVENT_BYTES_MAX: no room to read a sector's head");

/** The store as a whole. */
@unmanaged
export class Store {
  /** Bytes of the queue in use, and that may be. */
  queued: u32;
  queued_max: u32;
  salt: u32;
  /** Bytes that are left in the message. */
  room: u32;
  // Flash; not used without.
  /** 0: the queue is all there is. */
  sectors: u32;
  /** Salt when flash is given up: of this start alone, and not the one in flash. */
  spare_salt: u32;
  sector_bytes: u32;
  unit: u32;
  /** Sectors that may hold events. */
  holding_max: u32;
  /** Number of the newest sector. */
  number: u32;
  /** Saved has changed since it was written. */
  dirty: u32;
  /** This start and all acknowledgements are written down: nothing is sent before. */
  noted: u32;
  /** What flash is doing (OP_*), and in which sector. */
  op: u32;
  op_sector: usize;
  op_bytes: u32;
  /** The last operation has failed: the next one waits until then, uptime in s; 0: it has not. */
  retry_s: u32;
  /** Failures since an event was written. */
  failures: u32;
  /** Sector that is made ready, and for what priority; it has been erased for that. */
  opening: usize;
  opening_priority: u32;
  opening_erased: u32;
  /** Sector whose events are given up: it is erased when none is made ready any more. */
  victim: usize;
  read_failed: u32;
  /** Bytes that the record that was looked at last takes; 0: it is damaged. */
  stride: u32;
}

/** A log in flash; with it the message in flight of a priority. */
@unmanaged
export class Log {
  /** Events before this one are in flight. */
  in_flight: u32;
  /** Events in the queue. */
  queued: u32;
  /** The newest sector, which is written to; 0: none. */
  active: usize;
  /** A program failed in it: nothing more is written to it. */
  closed: u32;
  /** The oldest event is at this place, when `settled`; else the search goes on from it. */
  number: u32;
  offset: u32;
  settled: u32;
  /** A damaged place has been passed since the last good event. */
  damage: u32;
  /** Searches in a row that a failed read has ended. */
  unread: u32;
}

/** A sector of flash. */
@unmanaged
export class Sector {
  /** 0: nothing of worth in it. */
  number: u32;
  erases: u32;
  priority: u32;
  first: u32;
  /** Where the next record goes. */
  end: u32;
  /** Events in it that wait or are in flight. */
  count: u32;
}

// Not globals: a snapshot of the agent is its memory.
export const pool: Store = changetype<Store>(memory.data(offsetof<Store>(), 4));
export const saved: Saved = changetype<Saved>(memory.data(offsetof<Saved>(), 4));
const logs: usize = memory.data(PRIORITIES * offsetof<Log>(), 4);

/** In a function, so that it lies behind what is small: small addresses make shorter code. */
export function queue(): usize {
  return memory.data(STORE_BYTES, 4);
}

/** The record that was looked at last; events are built in the same place before they come here. */
export const record: usize = memory.data(RECORD_HEAD_BYTES + EVENT_BYTES_MAX + CRC_BYTES, 4);

export function log(priority: u32): Log {
  return changetype<Log>(logs + priority * offsetof<Log>());
}

export function tally(priority: u32): Tally {
  return changetype<Tally>(changetype<usize>(saved) + TALLIES + priority * offsetof<Tally>());
}
