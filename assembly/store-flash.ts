/** Writes to flash, one operation at a time. */
import { OK, PENDING } from "./abi";
import { crc32 } from "./crc";
import { flash_erase, flash_program } from "./host";
import { PRIORITY_HIGH } from "./message";
import {
  CHUNK_BYTES,
  CRC_BYTES,
  HEAD_BYTES_MASK,
  HEAD_SECTOR,
  HEAD_STATE,
  log,
  OP_ERASE,
  OP_EVENT,
  OP_NONE,
  OP_SECTOR,
  OP_STATE,
  pool,
  queue,
  RECORD_HEAD_BYTES,
  RECORD_SEQUENCE,
  Saved,
  Sector,
  SectorHead,
  saved,
} from "./store-layout";
import { firstQueued, priorityAt, remove, strideAt, strideOf } from "./store-queue";
import { isBlank, seedOf } from "./store-read";
import {
  addressOf,
  choose,
  ERASES_BAD,
  isActive,
  isCovered,
  roomForState,
  stateStride,
} from "./store-sectors";

/** Sectors below which flash is no longer used. */
export const SECTORS_MIN: u32 = 4;

function begin(op: u32, sector: Sector): void {
  pool.op = op;
  pool.op_sector = changetype<usize>(sector);
}

/** Ends a record of `bytes` payload with its CRC. @returns bytes that it takes in flash */
function seal(record: usize, bytes: u32, seed: u32): u32 {
  const total = RECORD_HEAD_BYTES + bytes;
  const stride = strideOf(bytes);
  store<u32>(record + total, crc32(seed, record, total));
  memory.fill(record + total + CRC_BYTES, 0xff, stride - total - CRC_BYTES);
  return stride;
}

function program(op: u32, sector: Sector, from: usize, bytes: u32): void {
  begin(op, sector);
  pool.op_bytes = bytes;
  const result = flash_program(addressOf(sector) + sector.end, from, bytes);
  if (result !== PENDING) finish(result);
}

/** Writes the counters down; with OP_SECTOR twice, as the first records of a sector. */
function programState(op: u32, sector: Sector): void {
  const out = memory.data(2 * CHUNK_BYTES, 4);
  const head = changetype<SectorHead>(out + RECORD_HEAD_BYTES);
  memory.copy(changetype<usize>(head), changetype<usize>(saved), offsetof<Saved>());
  pool.dirty = 0;
  store<u32>(out, pool.number + 1, RECORD_SEQUENCE);
  if (op === OP_STATE) {
    store<u16>(out, HEAD_STATE);
    program(op, sector, out, seal(out, offsetof<Saved>(), seedOf(sector)));
    return;
  }
  store<u16>(out, HEAD_SECTOR);
  head.salt = pool.salt;
  head.erases = sector.erases;
  head.priority = pool.opening_priority;
  head.first = firstQueued(pool.opening_priority);
  sector.first = head.first;
  sector.end = 0;
  const stride = seal(out, offsetof<SectorHead>(), headSeed());
  memory.copy(out + stride, out, stride);
  program(op, sector, out, 2 * stride);
}

/** CRCs of sector heads begin with this: those of another geometry do not fit. */
export function headSeed(): u32 {
  return (pool.sector_bytes + pool.unit) ^ 0x544b4350;
}

/** Chooses a sector and clears the way to it. @returns false: there is none now */
function open(priority: u32, isToKeep: bool): bool {
  const sector = choose(priority, isToKeep);
  if (sector === null) return false;
  const own = log(sector.priority);
  if (isActive(sector)) {
    if (!isCovered(sector)) {
      const other = roomForState(changetype<usize>(sector));
      if (other === null) return false;
      programState(OP_STATE, other);
      return true;
    }
    own.active = 0;
  }
  own.settled = 0; // Its events are not sent from now on.
  pool.opening = changetype<usize>(sector);
  pool.opening_priority = priority;
  pool.opening_erased = 0;
  return true;
}

/** Takes a sector out of use; with too few left, events wait in the queue alone. */
function giveUp(sector: Sector): void {
  clear(sector);
  sector.erases = ERASES_BAD;
  pool.opening = 0;
  pool.good -= 1;
  if (pool.good >= SECTORS_MIN - 1) return;
  pool.sectors = 0;
  pool.salt = pool.spare_salt; // Sequence numbers that are sent from here on are not written down.
}

/** What it held is gone. */
function clear(sector: Sector): void {
  sector.number = 0;
  sector.count = 0;
}

/** Erases the sector that is opened, unless it is blank, then writes its head. */
function goOnOpening(): void {
  const sector = changetype<Sector>(pool.opening);
  if (isBlank(addressOf(sector), pool.sector_bytes)) {
    programState(OP_SECTOR, sector);
  } else if (pool.opening_erased) {
    giveUp(sector);
  } else {
    pool.opening_erased = 1;
    begin(OP_ERASE, sector);
    const result = flash_erase(addressOf(sector));
    if (result !== PENDING) finish(result);
  }
}

/** Begins the next operation. @returns false: there is nothing to do, or no way to do it now */
function step(): bool {
  if (pool.opening) {
    goOnOpening();
    return true;
  }
  if (pool.dirty) {
    const sector = roomForState(0);
    if (sector !== null) {
      programState(OP_STATE, sector);
      return true;
    }
    if (open(PRIORITY_HIGH, true)) return true;
    pool.booted = 1; // No event is given up for it.
  }
  if (pool.queued === 0) return false;
  const priority = priorityAt(0);
  const stride = strideAt(0);
  const active = log(priority).active;
  if (active) {
    const sector = changetype<Sector>(active);
    // Room stays to write the counters down twice.
    if (sector.end + stride + 2 * stateStride() <= pool.sector_bytes) {
      seal(queue(), <u32>load<u16>(queue()) & HEAD_BYTES_MASK, seedOf(sector));
      program(OP_EVENT, sector, queue(), stride);
      return true;
    }
  }
  if (open(priority, false)) return true;
  if (priority === PRIORITY_HIGH) return false;
  remove(0); // No low event may go for it that is not in flight.
  pool.dirty = 1;
  return true;
}

/** The operation has ended. */
export function finish(status: i32): void {
  const op = pool.op;
  const sector = changetype<Sector>(pool.op_sector);
  pool.op = OP_NONE;
  if (status !== OK) {
    pool.failed = 1;
    pool.dirty = 1;
    sector.end = pool.sector_bytes;
    if (op >= OP_ERASE) giveUp(sector);
    return;
  }
  if (op === OP_ERASE) {
    sector.erases += 1;
    clear(sector);
    return;
  }
  sector.end += pool.op_bytes;
  if (op === OP_EVENT) {
    sector.count += 1;
    remove(0);
    if (pool.covering !== pool.op_sector) pool.covering = 0;
    return;
  }
  if (op === OP_SECTOR) {
    pool.number += 1;
    sector.number = pool.number;
    sector.priority = pool.opening_priority;
    log(pool.opening_priority).active = pool.op_sector;
    pool.opening = 0;
  }
  pool.covering = pool.op_sector;
  pool.booted = 1;
}

/** Does what can be done until an operation goes on or one has failed. */
export function run(): void {
  pool.failed = 0;
  while (pool.sectors && pool.op === OP_NONE && !pool.failed && step()) {}
}
