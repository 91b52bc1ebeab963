/** Finds out what flash holds, whatever it holds. */
import { E_BAD_RECORD, OK, PRIORITIES } from "./abi";
import { Start } from "./layout";
import { EVENT_BYTES_MAX, STORE_SECTORS_MAX } from "./options";
import { geometry, run, SECTOR_SEED, SECTORS_MIN } from "./store-flash";
import {
  found,
  HEAD_SECTOR,
  log,
  pool,
  Sector,
  SectorHead,
  saved,
  tally,
  UNIT_BYTES_MAX,
} from "./store-layout";
import { strideOf } from "./store-queue";
import { check, merge, payload, scan, settle } from "./store-read";
import { addressOf, sectorAt, sectorStride, stateStride } from "./store-sectors";

/** Numbers near the end are not from here. */
const NUMBER_MAX: u32 = 0xf0000000;

/** Reads a sector's head. @returns false when it is none of ours */
function readHead(sector: Sector): bool {
  if (!check(addressOf(sector), pool.sector_bytes, SECTOR_SEED)) return false;
  if (found.head !== HEAD_SECTOR || found.sequence - 1 >= NUMBER_MAX) return false;
  const head = changetype<SectorHead>(payload);
  return head.geometry === geometry() && head.priority < PRIORITIES;
}

/** The next sector of the same priority, or null. */
function successor(sector: Sector): Sector | null {
  let best: Sector | null = null;
  for (let i: u32 = 0; i < pool.sectors; i++) {
    const other = sectorAt(i);
    if (other.priority !== sector.priority || other.number <= sector.number) continue;
    if (best === null || other.number < best.number) best = other;
  }
  return best;
}

/** Fills the table from the heads of the newest life of the partition. */
function readHeads(): void {
  let erases: u32 = 0;
  for (let i: u32 = 0; i < pool.sectors; i++) {
    if (!readHead(sectorAt(i)) || found.sequence <= pool.number) continue;
    pool.number = found.sequence;
    pool.salt = changetype<SectorHead>(payload).salt;
  }
  for (let i: u32 = 0; i < pool.sectors; i++) {
    const sector = sectorAt(i);
    if (!readHead(sector)) continue;
    const head = changetype<SectorHead>(payload);
    sector.erases = head.erases;
    erases = max<u32>(erases, head.erases);
    if (head.salt !== pool.salt) continue;
    sector.number = found.sequence;
    sector.priority = head.priority;
    sector.first = head.first;
    merge(payload + offsetof<SectorHead>());
    const own = log(head.priority);
    const newest = changetype<Sector>(own.newest);
    if (own.newest === 0 || newest.number < sector.number) own.newest = changetype<usize>(sector);
  }
  // What was cut off in between has been erased about as often as the others.
  for (let i: u32 = 0; i < pool.sectors; i++) {
    if (sectorAt(i).number === 0) sectorAt(i).erases = erases;
  }
}

function countEvents(): void {
  // The newest ones have the last word on the counters: they come first.
  for (let priority: u32 = 0; priority < PRIORITIES; priority++) {
    const newest = log(priority).newest;
    if (newest) scan(changetype<Sector>(newest), sectorStride(), pool.sector_bytes);
  }
  for (let i: u32 = 0; i < pool.sectors; i++) {
    const sector = sectorAt(i);
    if (sector.number === 0) continue;
    const own = log(sector.priority);
    const next = successor(sector);
    sector.end = pool.sector_bytes;
    if (next !== null && next.first <= tally(sector.priority).through) continue;
    sector.count = scan(sector, sectorStride(), pool.sector_bytes);
    if (next === null) own.active = changetype<usize>(sector);
  }
}

/** @returns OK, or E_BAD_RECORD for a geometry that cannot be */
export function mountFlash(start: Start): i32 {
  const unit = <u32>start.flash_program_bytes;
  const bytes = start.flash_sector_bytes;
  if (unit === 0 || unit > UNIT_BYTES_MAX || (unit & (unit - 1)) !== 0) return E_BAD_RECORD;
  if (start.flash_sectors < SECTORS_MIN || bytes % unit !== 0) return E_BAD_RECORD;
  pool.unit = unit;
  if (bytes < sectorStride() + strideOf(EVENT_BYTES_MAX) + 2 * stateStride()) return E_BAD_RECORD;
  pool.sectors = min<u32>(start.flash_sectors, STORE_SECTORS_MAX);
  if (bytes > 0xffffffff / pool.sectors) return E_BAD_RECORD;
  pool.sector_bytes = bytes;
  pool.holding_max = pool.sectors;
  for (let i: u32 = 0; i < pool.sectors; i++) {
    memory.fill(changetype<usize>(sectorAt(i)), 0, offsetof<Sector>());
  }
  saved.boots = 0;
  readHeads();
  countEvents();
  for (let priority: u32 = 0; priority < PRIORITIES; priority++) settle(priority);
  saved.boots += 1;
  pool.dirty = 1;
  run();
  return OK;
}
