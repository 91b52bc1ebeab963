/** Finds out what flash holds, whatever it holds. */
import { E_BAD_RECORD, OK, PRIORITIES } from "./abi";
import { Start } from "./layout";
import { EVENT_BYTES_MAX, STORE_SECTORS_MAX } from "./options";
import { ERASES_FAILED, headSeed, run } from "./store-flash";
import { log, pool, Sector, SectorHead, saved, tally, UNIT_BYTES_MAX } from "./store-layout";
import { strideOf } from "./store-queue";
import { check, merge, payload, scan, sequence, settle, UNREAD_MAX } from "./store-read";
import {
  addressOf,
  countInFlash,
  sectorAt,
  sectorFrom,
  sectorStride,
  stateStride,
} from "./store-sectors";

/** One to write to for each priority, one that is empty, and one that may fail. */
const SECTORS_MIN: u32 = 4;
/** Greater values are not from here. */
const NUMBER_MASK: u32 = 0x7fffffff;
const ERASES_MASK: u32 = ERASES_FAILED - 1;

/** Fills the table from the sectors' heads. The first one found says which life it is. */
function readHeads(): void {
  const head = changetype<SectorHead>(payload);
  const seed = headSeed();
  let erases: u32 = 0;
  for (let i: u32 = 0; i < pool.sectors; i++) {
    const sector = sectorAt(i);
    const address = addressOf(sector);
    if (!check(address, pool.sector_bytes, seed)) {
      if (!check(address + sectorStride() / 2, pool.sector_bytes, seed)) continue;
    }
    if (pool.number === 0) pool.salt = head.salt;
    if (head.salt !== pool.salt) continue;
    sector.number = sequence() & NUMBER_MASK;
    sector.priority = head.priority & 1;
    sector.erases = head.erases & ERASES_MASK;
    sector.first = head.first;
    sector.count = 1; // It is not known yet.
    merge();
    pool.number = max<u32>(pool.number, sector.number);
    erases = max<u32>(erases, sector.erases);
    const own = log(sector.priority);
    const active = changetype<Sector>(own.active);
    if (own.active === 0 || active.number < sector.number) own.active = changetype<usize>(sector);
  }
  for (let i: u32 = 0; i < pool.sectors; i++) {
    // What was cut off in between has been erased about as often as the others.
    if (sectorAt(i).number === 0) sectorAt(i).erases = erases;
  }
}

function scanAll(sector: Sector, limit: u32): u32 {
  return scan(sector, sectorStride(), pool.sector_bytes, limit);
}

function countEvents(): void {
  for (let priority: u32 = 0; priority < PRIORITIES; priority++) {
    // The active ones have the last word on the counters: they come first.
    const active = log(priority).active;
    if (active) scanAll(changetype<Sector>(active), 0xffffffff);
  }
  for (let i: u32 = 0; i < pool.sectors; i++) {
    const sector = sectorAt(i);
    if (sector.number === 0) continue;
    const next = sectorFrom(sector.priority, sector.number + 1);
    const limit = next === null ? 0xffffffff : next.first;
    const isDone = limit <= tally(sector.priority).through;
    sector.count = isDone ? 0 : scanAll(sector, limit);
  }
}

/** @returns OK, or E_BAD_RECORD for a geometry that cannot be */
export function mountFlash(start: Start): i32 {
  const unit = <u32>start.flash_program_bytes;
  const bytes = start.flash_sector_bytes;
  if (unit > UNIT_BYTES_MAX || popcnt(unit) !== 1) return E_BAD_RECORD;
  if (start.flash_sectors < SECTORS_MIN || bytes % unit !== 0) return E_BAD_RECORD;
  pool.unit = unit;
  if (bytes < sectorStride() + strideOf(EVENT_BYTES_MAX) + 2 * stateStride()) return E_BAD_RECORD;
  pool.sectors = min<u32>(start.flash_sectors, STORE_SECTORS_MAX);
  if (bytes > 0xffffffff / pool.sectors) return E_BAD_RECORD;
  pool.sector_bytes = bytes;
  pool.holding_max = pool.sectors;
  memory.fill(changetype<usize>(sectorAt(0)), 0, pool.sectors * offsetof<Sector>());
  pool.spare_salt = pool.salt + 1;
  saved.boots = 0;
  readHeads();
  countEvents();
  for (let priority: u32 = 0; priority < PRIORITIES; priority++) {
    // What cannot be read has not been counted either.
    log(priority).unread = UNREAD_MAX;
    settle(priority);
    log(priority).unread = 0;
    // Damage may look like more events than there were.
    const counters = tally(priority);
    const least = counters.delivered + countInFlash(priority);
    counters.collected = max<u32>(counters.collected, least);
  }
  saved.boots += 1;
  pool.dirty = 1;
  run();
  return OK;
}
