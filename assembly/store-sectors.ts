/** The sectors of the flash partition: what is in each, and which is used next. */
import { PRIORITIES } from "./abi";
import { PRIORITY_HIGH, PRIORITY_LOW } from "./message";
import { STORE_SECTORS_MAX } from "./options";
import { log, pool, Saved, Sector, SectorHead, tally } from "./store-layout";
import { strideOf } from "./store-queue";

/** Erase count of a sector that is out of use; added to that of one that is better kept. */
export const ERASES_BAD: u32 = 0xffffffff;
const ERASES_LAST: u32 = 0x80000000;
const SECTOR: usize = offsetof<Sector>();

// In a function, so that builds without flash have no table.
function table(): usize {
  return memory.data(STORE_SECTORS_MAX * SECTOR, 4);
}

export function sectorAt(index: u32): Sector {
  return changetype<Sector>(table() + index * SECTOR);
}

/** Where a sector begins in the partition, B. */
export function addressOf(sector: Sector): u32 {
  return <u32>((changetype<usize>(sector) - table()) / SECTOR) * pool.sector_bytes;
}

/** Where a sector's records begin: its head comes twice. */
export function sectorStride(): u32 {
  return 2 * strideOf(offsetof<SectorHead>());
}

export function stateStride(): u32 {
  return strideOf(offsetof<Saved>());
}

export function isOpening(sector: Sector): bool {
  return changetype<usize>(sector) === pool.opening;
}

/** The sector of a priority with events and the least number from `number` on. */
export function sectorFrom(priority: u32, number: u32): Sector | null {
  let best: Sector | null = null;
  for (let i: u32 = 0; i < pool.sectors; i++) {
    const sector = sectorAt(i);
    if (sector.count === 0 || sector.priority !== priority || isOpening(sector)) continue;
    if (sector.number < number) continue;
    if (best === null || sector.number < best.number) best = sector;
  }
  return best;
}

/** Events of a priority in flash; without those of a sector that is about to be erased? */
export function countInFlash(priority: u32, isAll: bool): u32 {
  let count: u32 = 0;
  for (let i: u32 = 0; i < pool.sectors; i++) {
    const sector = sectorAt(i);
    if (sector.priority !== priority) continue;
    if (isAll || !isOpening(sector)) count += sector.count;
  }
  return count;
}

/** Is it the one that its priority writes to? Only those hold counters that no later one repeats. */
export function isActive(sector: Sector): bool {
  return log(sector.priority).active === changetype<usize>(sector);
}

/** Does another sector hold all counters? */
export function isCovered(sector: Sector): bool {
  return pool.covering !== 0 && pool.covering !== changetype<usize>(sector);
}

/** A sector other than this one that has room to write the counters down, or null. */
export function roomForState(except: usize): Sector | null {
  for (let priority: u32 = 0; priority < PRIORITIES; priority++) {
    const active = log(priority).active;
    if (active === 0 || active === except) continue;
    const sector = changetype<Sector>(active);
    if (sector.end + stateStride() <= pool.sector_bytes) return sector;
  }
  return null;
}

/** May it be erased without losing counters? */
function isExpendable(sector: Sector): bool {
  if (!isActive(sector) || isCovered(sector)) return true;
  return roomForState(changetype<usize>(sector)) !== null;
}

/** Where the oldest events of a priority are that may be given up. */
function oldest(priority: u32): Sector | null {
  const end = log(priority).in_flight;
  const isInFlight = end > tally(priority).through;
  let sector = sectorFrom(priority, 0);
  while (sector !== null) {
    if (isExpendable(sector) && !(isInFlight && sector.first < end)) break;
    sector = sectorFrom(priority, sector.number + 1);
  }
  return sector;
}

/**
 * The sector to be used next: the least erased one without events, else the one with the oldest
 * low events, for a high event then the oldest high ones.
 *
 * @returns null when there is none, or none without events and those are to be kept
 */
export function choose(priority: u32, isToKeep: bool): Sector | null {
  let best: Sector | null = null;
  let least = ERASES_BAD;
  let holding: u32 = 0;
  for (let i: u32 = 0; i < pool.sectors; i++) {
    const sector = sectorAt(i);
    if (sector.count) {
      holding += 1;
      continue;
    }
    // An active one may still have room: it is taken last.
    const cost = isActive(sector) ? sector.erases | ERASES_LAST : sector.erases;
    if (cost >= least || !isExpendable(sector)) continue;
    least = cost;
    best = sector;
  }
  if (isToKeep || (best !== null && holding < pool.holding_max)) return best;
  best = oldest(PRIORITY_LOW);
  return best === null && priority === PRIORITY_HIGH ? oldest(PRIORITY_HIGH) : best;
}
