/** The sectors of the flash partition: what is in each, and which is used next. */
import { STORE_SECTORS_MAX } from "./options";
import { log, pool, Saved, Sector, SectorHead } from "./store-layout";
import { strideOf } from "./store-queue";

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

/** The sector of a priority with events and the least number from `number` on. */
export function sectorFrom(priority: u32, number: u32): Sector | null {
  let best: Sector | null = null;
  for (let i: u32 = 0; i < pool.sectors; i++) {
    const sector = sectorAt(i);
    if (sector.count === 0 || sector.priority !== priority) continue;
    if (sector.number < number) continue;
    if (best === null || sector.number < best.number) best = sector;
  }
  return best;
}

/** Events of a priority in flash, those of a sector that is about to be erased included. */
export function countInFlash(priority: u32): u32 {
  let count: u32 = 0;
  for (let i: u32 = 0; i < pool.sectors; i++) {
    const sector = sectorAt(i);
    if (sector.priority === priority) count += sector.count;
  }
  return count;
}

/** Is it the one that its priority writes to? Only those hold counters that no later one repeats. */
export function isActive(sector: Sector): bool {
  return log(sector.priority).active === changetype<usize>(sector);
}

/** Where the oldest events of a priority are that may be given up. */
export function oldest(priority: u32): Sector | null {
  let sector = sectorFrom(priority, 0);
  while (sector !== null && sector.first < log(priority).in_flight) {
    sector = sectorFrom(priority, sector.number + 1);
  }
  return sector;
}
