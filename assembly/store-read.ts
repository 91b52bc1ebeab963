/** Reads the logs in flash. Nothing that is read is trusted before its CRC has been seen. */
import { E_BUSY, E_FLASH, OK } from "./abi";
import { crc32 } from "./crc";
import { flash_read, publish } from "./host";
import { EVENT_BYTES_MAX } from "./options";
import {
  CHUNK_BYTES,
  CRC_BYTES,
  found,
  HEAD_BLANK,
  HEAD_BYTES_MASK,
  HEAD_SECTOR,
  HEAD_STATE,
  Log,
  log,
  pool,
  RECORD_HEAD_BYTES,
  RECORD_SEQUENCE,
  Saved,
  Sector,
  SectorHead,
  saved,
  tally,
} from "./store-layout";
import { strideOf } from "./store-queue";
import { addressOf, sectorFrom, sectorStride } from "./store-sectors";

// In functions, so that builds without flash leave them out.
function chunk(): usize {
  return memory.data(CHUNK_BYTES, 4);
}
function walker(): Log {
  return changetype<Log>(memory.data(offsetof<Log>(), 4));
}

/** Payload of the record that was found last, if it fits a chunk. */
export function payload(): usize {
  return chunk() + RECORD_HEAD_BYTES;
}

/** CRCs of a sector's records begin with this: those of its earlier lives do not fit. */
export function seedOf(sector: Sector): u32 {
  // The constant keeps small numbers in the data from being a CRC state of their own.
  return (pool.salt ^ sector.number ^ 0x9e3779b1) | 1;
}

function read(address: u32, bytes: u32): bool {
  if (flash_read(address, chunk(), bytes) === OK) return true;
  pool.read_failed = 1;
  return false;
}

/** Is flash in its erased state? */
export function isBlank(address: u32, bytes: u32): bool {
  while (bytes) {
    const part = min<u32>(bytes, CHUNK_BYTES);
    let all: u32 = 0xff;
    if (!read(address, part)) return false;
    for (let i: u32 = 0; i < part; i++) all &= load<u8>(chunk() + i);
    if (all !== 0xff) return false;
    address += part;
    bytes -= part;
  }
  return true;
}

/** Reads the record that was found, checks it, and hands an event to the host if `id` is not 0. */
function pass(seed: u32, id: u32): i32 {
  const total = RECORD_HEAD_BYTES + found().bytes + CRC_BYTES;
  let crc = seed;
  for (let done: u32 = 0; done < total; done += CHUNK_BYTES) {
    const bytes = min<u32>(total - done, CHUNK_BYTES);
    if (!read(found().address + done, bytes)) return E_FLASH;
    crc = crc32(crc, chunk(), bytes);
    if (id === 0) continue;
    const from = done ? 0 : RECORD_HEAD_BYTES;
    const left = <i32>(total - CRC_BYTES - done);
    const parts = min<i32>(left, bytes) - <i32>from;
    if (parts <= 0) continue;
    const result = publish(id, chunk() + from, parts, 1);
    if (result < 0) return result;
  }
  return crc === 0 ? OK : E_FLASH;
}

/**
 * Looks for a record and fills `found`; a short one stays at `payload`.
 *
 * @param left bytes of the sector from here on
 */
export function check(address: u32, left: u32, seed: u32): bool {
  found().address = address;
  found().head = HEAD_BLANK;
  if (left < RECORD_HEAD_BYTES || !read(address, RECORD_HEAD_BYTES)) return false;
  const head = <u32>load<u16>(chunk());
  found().head = head;
  found().sequence = load<u32>(chunk(), RECORD_SEQUENCE);
  let bytes = head & HEAD_BYTES_MASK;
  if (head === HEAD_STATE) bytes = offsetof<Saved>();
  if (head === HEAD_SECTOR) bytes = offsetof<SectorHead>();
  if (bytes === 0 || bytes > EVENT_BYTES_MAX) return false;
  found().bytes = bytes;
  found().stride = strideOf(bytes);
  return found().stride <= left && pass(seed, 0) === OK;
}

/** Takes over what is greater in the copy of Saved at `from`. */
export function merge(from: usize): void {
  const to = changetype<usize>(saved);
  for (let i: usize = 0; i < offsetof<Saved>(); i += 4) {
    store<u32>(to + i, max<u32>(load<u32>(to + i), load<u32>(from + i)));
  }
}

function isStateTorn(): bool {
  return (found().head & HEAD_STATE) === HEAD_STATE;
}

/**
 * Counts the events from `offset` on, a damaged place as one, and merges counters.
 *
 * @param end where to stop; the place of the next record is left in `sector.end`
 */
export function scan(sector: Sector, offset: u32, end: u32): u32 {
  const base = addressOf(sector);
  const counters = tally(sector.priority);
  let next = sector.first;
  let count: u32 = 0;
  let isDamaged = false;
  while (offset < end) {
    if (check(base + offset, end - offset, seedOf(sector))) {
      if (found().head === HEAD_STATE) {
        merge(payload());
      } else {
        next = found().sequence + 1;
        counters.collected = max<u32>(counters.collected, next);
        count += 1;
      }
      isDamaged = false;
      offset += found().stride;
      continue;
    }
    if (found().head === HEAD_BLANK && isBlank(base + offset, end - offset)) break;
    if (!isDamaged && !isStateTorn()) {
      // An event that was cut off or has been damaged: its number has been used.
      next += 1;
      counters.collected = max<u32>(counters.collected, next);
      count += 1;
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
 * The sector that a place in a log is in, with the record there in `found` (stride 0: damaged).
 * Goes on to the next sector where one ends.
 */
function look(at: Log, priority: u32): Sector | null {
  for (;;) {
    const sector = sectorFrom(priority, at.number);
    if (sector === null) return null;
    if (sector.number !== at.number) {
      at.number = sector.number;
      at.offset = sectorStride();
      at.last = sector.first - 1;
    }
    if (at.offset >= sector.end) {
      at.number += 1;
      continue;
    }
    const address = addressOf(sector) + at.offset;
    if (!check(address, sector.end - at.offset, seedOf(sector))) {
      found().stride = 0;
    } else if (found().head === HEAD_STATE) {
      at.offset += found().stride;
      continue;
    }
    return sector;
  }
}

/** Goes past a damaged place. */
function skip(own: Log, sector: Sector): void {
  const counters = tally(sector.priority);
  const before = sector.count;
  const end = sector.end;
  const isState = isStateTorn();
  let offset = own.offset;
  do {
    offset += pool.unit;
  } while (offset < end && !check(addressOf(sector) + offset, end - offset, seedOf(sector)));
  own.offset = offset;
  sector.count = scan(sector, offset, end);
  sector.end = end;
  if (isState) return;
  own.last += 1;
  if (own.last < counters.through) return; // It is from before.
  if (before > sector.count) saved.damaged += before - sector.count;
  counters.through = min<u32>(own.last + 1, counters.collected);
  pool.dirty = 1;
}

/** Finds the oldest good event in flash and leaves its number in `through`. */
export function settle(priority: u32): bool {
  const own = log(priority);
  const counters = tally(priority);
  pool.read_failed = 0;
  while (!own.settled) {
    const sector = look(own, priority);
    if (sector === null || pool.read_failed) return false;
    if (found().stride === 0) {
      skip(own, sector);
    } else if (found().sequence >= counters.through) {
      counters.through = found().sequence;
      own.settled = 1;
    } else {
      own.last = found().sequence;
      own.offset += found().stride;
      sector.count -= 1;
    }
  }
  return true;
}

/** As publishEvents, from flash. */
export function publishSettled(priority: u32, id: u32, room: u32): i32 {
  if (!settle(priority)) return E_BUSY;
  const cursor = walker();
  memory.copy(changetype<usize>(cursor), changetype<usize>(log(priority)), offsetof<Log>());
  const first = tally(priority).through;
  let events: u32 = 0;
  for (;;) {
    const sector = look(cursor, priority);
    if (sector === null || found().stride === 0) break;
    if (found().sequence !== first + events || found().bytes >= room) break;
    const result = pass(seedOf(sector), id);
    if (result < 0) return result;
    pool.published += found().bytes;
    room -= found().bytes;
    events += 1;
    cursor.offset += found().stride;
  }
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
  settle(priority);
}
