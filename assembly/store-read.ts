/** Reads the logs in flash. Nothing that is read is trusted before its CRC has been seen. */
import { E_BUSY, OK } from "./abi";
import { crc32 } from "./crc";
import { flash_read } from "./host";
import { EVENT_BYTES_MAX } from "./options";
import {
  CRC_BYTES,
  HEAD_BLANK,
  HEAD_BYTES_MASK,
  HEAD_SECTOR,
  HEAD_STATE,
  Log,
  log,
  pool,
  RECORD_HEAD_BYTES,
  RECORD_SEQUENCE,
  record,
  Saved,
  Sector,
  SectorHead,
  saved,
  tally,
} from "./store-layout";
import { publishPart, strideOf } from "./store-queue";
import { addressOf, sectorFrom, sectorStride } from "./store-sectors";

// In a function, so that builds without flash leave it out.
function walker(): Log {
  return changetype<Log>(memory.data(offsetof<Log>(), 4));
}

/** Bytes that are read at once when they are to be blank. */
const PART_BYTES: u32 = 64;
/** A place that could not be read in so many searches is damaged. */
export const UNREAD_MAX: u32 = 3;
/** Payload of the record that was looked at last. */
export const payload: usize = record + RECORD_HEAD_BYTES;

function head(): u32 {
  return load<u16>(record);
}

/** Number of the event or sector that was looked at last. */
export function sequence(): u32 {
  return load<u32>(record, RECORD_SEQUENCE);
}

/** CRCs of a sector's records begin with this: those of its earlier lives do not fit. */
export function seedOf(sector: Sector): u32 {
  // The constant keeps small numbers in the data from being a CRC state of their own.
  return (pool.salt ^ sector.number ^ 0x9e3779b1) | 1;
}

function read(address: u32, bytes: u32): bool {
  if (flash_read(address, record, bytes) === OK) return true;
  pool.read_failed = 1;
  return false;
}

/** Is flash in its erased state? */
export function isBlank(address: u32, bytes: u32): bool {
  for (let i: u32 = 0; i < bytes; i++) {
    const at = i % PART_BYTES;
    if (at === 0 && !read(address + i, min<u32>(bytes - i, PART_BYTES))) return false;
    if (load<u8>(record + at) !== 0xff) return false;
  }
  return true;
}

/**
 * Reads a record and looks whether it is good: then `pool.stride` is not 0.
 *
 * @param left bytes of the sector from here on
 */
export function check(address: u32, left: u32, seed: u32): bool {
  pool.stride = 0;
  store<u16>(record, HEAD_BLANK);
  if (left < RECORD_HEAD_BYTES || !read(address, RECORD_HEAD_BYTES)) return false;
  let bytes = head() & HEAD_BYTES_MASK;
  if (head() === HEAD_STATE) bytes = offsetof<Saved>();
  if (head() === HEAD_SECTOR) bytes = offsetof<SectorHead>();
  if (bytes === 0 || bytes > EVENT_BYTES_MAX) return false;
  const stride = strideOf(bytes);
  const total = RECORD_HEAD_BYTES + bytes + CRC_BYTES;
  if (stride > left || !read(address, total) || crc32(seed, record, total) !== 0) return false;
  pool.stride = stride;
  return true;
}

/** Takes over what is greater in the copy of Saved that was read last. */
export function merge(): void {
  const to = changetype<usize>(saved);
  for (let i: usize = 0; i < offsetof<Saved>(); i += 4) {
    store<u32>(to + i, max<u32>(load<u32>(to + i), load<u32>(payload + i)));
  }
}

/**
 * Counts the good events from `offset` on, and merges counters.
 *
 * @param limit sequence number of the first event that another sector holds
 * @param end where to stop; the place of the next record is left in `sector.end`
 */
export function scan(sector: Sector, offset: u32, end: u32, limit: u32): u32 {
  const base = addressOf(sector);
  const counters = tally(sector.priority);
  let next = sector.first;
  let count: u32 = 0;
  let isDamaged = false;
  while (offset < end) {
    if (check(base + offset, end - offset, seedOf(sector))) {
      isDamaged = false;
      if (head() === HEAD_STATE) {
        merge();
      } else {
        if (sequence() >= limit) break;
        next = sequence() + 1;
        counters.collected = max<u32>(counters.collected, next);
        count += 1;
      }
      offset += pool.stride;
      continue;
    }
    const isState = (head() & HEAD_STATE) === HEAD_STATE;
    if (head() === HEAD_BLANK && isBlank(base + offset, end - offset)) break;
    if (!isDamaged && !isState) {
      // An event that was cut off or has been damaged: its number has been used.
      next += 1;
      counters.collected = max<u32>(counters.collected, next);
    }
    isDamaged = true;
    offset += pool.unit;
  }
  // The first unit behind a damaged place may hold bits that do not show.
  if (isDamaged) offset += pool.unit;
  sector.end = min<u32>(offset, end);
  return count;
}

/**
 * The sector that a place in a log is in, with the record there in `record` (`pool.stride` 0:
 * damaged). Goes on to the next sector where one ends.
 */
function look(at: Log, priority: u32): Sector | null {
  for (;;) {
    const sector = sectorFrom(priority, at.number);
    // Not past what is given up: it may yet stay.
    if (sector === null || changetype<usize>(sector) === pool.victim) return null;
    if (sector.number !== at.number) {
      at.number = sector.number;
      at.offset = sectorStride();
    }
    if (at.offset >= sector.end) {
      at.number += 1;
      continue;
    }
    const address = addressOf(sector) + at.offset;
    if (check(address, sector.end - at.offset, seedOf(sector)) && head() === HEAD_STATE) {
      at.offset += pool.stride;
      continue;
    }
    return sector;
  }
}

/** Has a read failed that is to be tried again? */
function isUnread(own: Log): bool {
  return pool.read_failed !== 0 && own.unread < UNREAD_MAX;
}

/** Goes past a damaged place. */
function skip(own: Log, sector: Sector): void {
  const end = sector.end;
  let offset = own.offset;
  do {
    offset += pool.unit;
  } while (offset < end && !check(addressOf(sector) + offset, end - offset, seedOf(sector)));
  const count = scan(sector, offset, end, 0xffffffff);
  sector.end = end;
  if (isUnread(own)) return;
  own.offset = offset;
  own.damage = 1;
  sector.count = count;
}

/** Finds the oldest good event in flash and leaves its number in `through`. */
export function settle(priority: u32): bool {
  const own = log(priority);
  const counters = tally(priority);
  pool.read_failed = 0;
  while (!own.settled) {
    const sector = look(own, priority);
    if (sector === null) return false;
    if (isUnread(own)) {
      own.unread += 1;
      return false;
    }
    if (pool.stride === 0) {
      skip(own, sector);
      continue;
    }
    if (sequence() < counters.through) {
      own.offset += pool.stride;
      sector.count -= 1;
    } else {
      if (own.damage && sequence() > counters.through) {
        saved.damaged += 1;
        pool.dirty = 1;
      }
      counters.through = sequence();
      own.settled = 1;
      own.unread = 0;
    }
    own.damage = 0;
  }
  return true;
}

/** As publishEvents, from flash. */
export function publishSettled(priority: u32, id: u32): i32 {
  if (!settle(priority)) return E_BUSY;
  const cursor = walker();
  memory.copy(changetype<usize>(cursor), changetype<usize>(log(priority)), offsetof<Log>());
  const first = tally(priority).through;
  let events: u32 = 0;
  for (;;) {
    const sector = look(cursor, priority);
    if (sector === null || pool.stride === 0 || sequence() !== first + events) break;
    const result = publishPart(id, payload, head() & HEAD_BYTES_MASK);
    if (result < 0) return result;
    if (result > 0) break;
    events += 1;
    cursor.offset += pool.stride;
  }
  if (events === 0) log(priority).settled = 0; // Damaged since it was found.
  return events;
}

/** Goes past the events before `end`: they are delivered. */
export function releaseSettled(priority: u32, end: u32): void {
  const counters = tally(priority);
  if (end <= counters.through || end > counters.collected) return;
  counters.delivered += end - counters.through;
  counters.through = end;
  log(priority).settled = 0;
  pool.dirty = 1;
  pool.noted = 0;
  settle(priority);
}
