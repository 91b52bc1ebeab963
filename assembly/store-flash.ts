/** Writes to flash, one operation at a time. */
import { OK, PENDING, PRIORITIES } from "./abi";
import { crc32 } from "./crc";
import { flash_erase, flash_program } from "./host";
import { PRIORITY_HIGH, PRIORITY_LOW } from "./message";
import { state } from "./state";
import {
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
  SECTOR_RECORD_BYTES,
  Sector,
  SectorHead,
  saved,
} from "./store-layout";
import { firstQueued, priorityAt, remove, strideAt, strideOf } from "./store-queue";
import { isBlank, seedOf } from "./store-read";
import { addressOf, isActive, oldest, sectorAt, stateStride } from "./store-sectors";

/** Added to a sector's erases with each failure, and taken off when it works again. */
export const ERASES_FAILED: u32 = 0x1000000;
/** After two failures a sector is used when there is no other. */
const ERASES_BAD: u32 = 2 * ERASES_FAILED;
/** After a failure flash is tried again in 1 s, then in twice as many, up to this often doubled. */
const RETRY_DOUBLINGS_MAX: u32 = 6;
/** After so many in a row flash is not used any more. */
const FAILURES_MAX: u32 = 10;

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
  const out = memory.data(2 * SECTOR_RECORD_BYTES, 4);
  const head = changetype<SectorHead>(out + RECORD_HEAD_BYTES);
  memory.copy(changetype<usize>(head), changetype<usize>(saved), offsetof<Saved>());
  pool.dirty = 0;
  if (op === OP_STATE) {
    store<u16>(out, HEAD_STATE);
    program(op, sector, out, seal(out, offsetof<Saved>(), seedOf(sector)));
    return;
  }
  // A number that failed may stand in flash all the same: it is not used again.
  pool.number += 1;
  store<u16>(out, HEAD_SECTOR);
  store<u32>(out, pool.number, RECORD_SEQUENCE);
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
  let free: Sector | null = null;
  let victim: Sector | null = null;
  let bad: Sector | null = null;
  let least: u32 = 0xffffffff;
  let unused: u32 = 0;
  let spare: u32 = 0;
  let holding: u32 = 0;
  for (let i: u32 = 0; i < pool.sectors; i++) {
    const sector = sectorAt(i);
    if (sector.count) {
      holding += 1;
    } else if (isActive(sector)) {
      // It is not needed when there is a new one.
      if (sector.priority === priority || log(sector.priority).closed) spare += 1;
    } else {
      if (sector.erases < ERASES_BAD) unused += 1;
      else if (bad === null || sector.erases < bad.erases) bad = sector;
      if (sector.erases < least) {
        least = sector.erases;
        free = sector;
      }
    }
  }
  // One stays empty: that into which the counters go when the only one of a priority is given up.
  if (unused) spare += unused - 1;
  if (!isToKeep && (spare === 0 || holding >= pool.holding_max)) {
    victim = oldest(PRIORITY_LOW);
    if (victim === null && priority === PRIORITY_HIGH) victim = oldest(PRIORITY_HIGH);
    if (victim !== null) {
      pool.victim = changetype<usize>(victim);
      pool.dirty |= <u32>isActive(victim); // What stands there alone is to be written elsewhere.
      if (least >= ERASES_BAD && (!isActive(victim) || roomForState() !== null)) {
        free = victim;
      }
      log(victim.priority).settled = 0; // Its events are not sent from now on.
    } else if (spare === 0 && bad !== null) {
      free = bad;
    } else if (unused) return false;
  }
  if (free === null) {
    pool.victim = 0;
    return false;
  }
  pool.opening = changetype<usize>(free);
  pool.opening_priority = priority;
  pool.opening_erased = 0;
  return true;
}

/** What it held is gone. */
function clear(sector: Sector): void {
  sector.number = 0;
  sector.count = 0;
}

function erase(sector: Sector): void {
  if (isActive(sector)) log(sector.priority).active = 0;
  begin(OP_ERASE, sector);
  const result = flash_erase(addressOf(sector));
  if (result !== PENDING) finish(result);
}

/** Erases the sector that is opened, unless it is blank, then writes its head. */
function goOnOpening(): void {
  const sector = changetype<Sector>(pool.opening);
  if (isBlank(addressOf(sector), pool.sector_bytes)) {
    programState(OP_SECTOR, sector);
  } else if (pool.opening_erased) {
    fail(OP_ERASE, sector);
  } else {
    pool.opening_erased = 1;
    erase(sector);
  }
}

/** A sector with room for the counters. The last place is for starts and acknowledgements. */
function roomForState(): Sector | null {
  for (let priority: u32 = 0; priority < PRIORITIES; priority++) {
    const active = log(priority).active;
    if (active === 0 || active === pool.victim || log(priority).closed) continue;
    const sector = changetype<Sector>(active);
    if (sector.end + (stateStride() << pool.noted) <= pool.sector_bytes) return sector;
  }
  return null;
}

/** Begins the next operation. @returns false: there is nothing to do, or no way to do it now */
function step(): bool {
  if (pool.dirty) {
    const sector = roomForState();
    if (sector !== null) {
      programState(OP_STATE, sector);
      return true;
    }
  }
  if (pool.opening) {
    goOnOpening();
    return true;
  }
  if (pool.victim) {
    erase(changetype<Sector>(pool.victim));
    return true;
  }
  if (!pool.noted) {
    if (open(PRIORITY_HIGH, true)) return true;
    pool.noted = 1; // No event is given up for it.
  }
  if (pool.queued === 0) return false;
  const priority = priorityAt(0);
  const stride = strideAt(0);
  const active = log(priority).active;
  if (active && !log(priority).closed) {
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
  remove(0); // No high event may go for it.
  pool.dirty = 1;
  return true;
}

/** Pauses; a sector that could not be opened or erased is taken when there is no other. */
function fail(op: u32, sector: Sector): void {
  pool.retry_s = state.uptime_s + (1 << min<u32>(pool.failures, RETRY_DOUBLINGS_MAX));
  pool.failures += 1;
  pool.dirty = 1;
  pool.opening = 0;
  pool.victim = 0;
  if (op < OP_ERASE) {
    // The record may look good: what it holds is written again elsewhere.
    log(sector.priority).closed = 1;
  } else {
    sector.erases += ERASES_FAILED;
    clear(sector); // What it held was given up.
  }
  if (pool.failures < FAILURES_MAX) return;
  pool.sectors = 0;
  pool.retry_s = 0;
  pool.salt = pool.spare_salt; // Sequence numbers that are sent from here on are not written down.
}

/** The operation has ended. */
export function finish(status: i32): void {
  const op = pool.op;
  const sector = changetype<Sector>(pool.op_sector);
  pool.op = OP_NONE;
  if (status !== OK) {
    fail(op, sector);
    return;
  }
  if (op === OP_ERASE) {
    sector.erases += 1;
    clear(sector);
    if (pool.victim === pool.op_sector) pool.victim = 0;
    return;
  }
  sector.end += pool.op_bytes;
  if (op !== OP_STATE) pool.failures = 0;
  if (op === OP_EVENT) {
    sector.count += 1;
    remove(0);
    return;
  }
  if (op === OP_SECTOR) {
    sector.number = pool.number;
    sector.erases &= ERASES_FAILED - 1;
    sector.priority = pool.opening_priority;
    // Its head repeats what stands in sectors that take no more.
    for (let priority: u32 = 0; priority < PRIORITIES; priority++) {
      const own = log(priority);
      if (own.closed || priority === sector.priority) own.active = 0;
      own.closed = 0;
    }
    log(sector.priority).active = pool.op_sector;
    pool.opening = 0;
  }
  if (!pool.dirty) pool.noted = 1; // Else it has changed while it was written.
}

/** Does what can be done until an operation goes on or one has failed. */
export function run(): void {
  while (pool.sectors && pool.op === OP_NONE && !pool.retry_s && step()) {}
}
