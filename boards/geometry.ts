/** Whether a board's partitions fit its flash. */
import type { BoardProfile, Memory, Partition, PartitionName } from "./profile-fields.ts";

/** What the core's store works with (assembly/store-*.ts). */
export const STORE_SECTORS_MIN = 4;
export const STORE_PROGRAM_BYTES_MAX = 32;

export function memoryBytes(memory: Memory): number {
  return memory.sectors.reduce((sum, { bytes, count }) => sum + bytes * count, 0);
}

/** Sizes of the sectors that make up a range; undefined: it does not begin or end with one. */
export function sectorsOf(memory: Memory, offset: number, bytes: number): number[] | undefined {
  const end = offset + bytes;
  const found: number[] = [];
  let at = 0;
  for (const run of memory.sectors) {
    for (let i = 0; i < run.count && at < end; i++, at += run.bytes) {
      if (at >= offset) found.push(run.bytes);
      else if (at + run.bytes > offset) return undefined;
    }
  }
  return at === end ? found : undefined;
}

/** Address of a partition's first byte. */
export function partitionAddress(profile: BoardProfile, name: PartitionName): number {
  const { memory, offset } = profile.partitions[name];
  return Number(profile.memories[memory]?.origin ?? "0x0") + offset;
}

/**
 * @returns what is wrong, in one line, or undefined
 */
export function checkGeometry(profile: BoardProfile): string | undefined {
  const { partitions } = profile;
  for (const [name, partition] of Object.entries(partitions)) {
    const trouble = checkPartition(profile, name, partition);
    if (trouble !== undefined) return trouble;
  }
  return (
    checkOverlap(partitions) ??
    checkSlots(profile) ??
    checkStore(profile) ??
    checkProgram(profile) ??
    checkBudget(profile)
  );
}

function checkPartition(
  { memories }: BoardProfile,
  name: string,
  { memory, offset, bytes }: Partition,
): string | undefined {
  const where = memories[memory];
  if (where === undefined) return `partition ${name}: there is no memory ${memory}`;
  const size = memoryBytes(where);
  if (offset + bytes > size) {
    return `partition ${name}: ends at ${offset + bytes}, outside ${memory} of ${size} bytes`;
  }
  if (sectorsOf(where, offset, bytes) !== undefined) return undefined;
  return `partition ${name}: ${offset} to ${offset + bytes} are not whole sectors of ${memory}`;
}

function checkOverlap(partitions: BoardProfile["partitions"]): string | undefined {
  const all = Object.entries(partitions).sort(([, a], [, b]) => a.offset - b.offset);
  for (const [i, [name, first]] of all.entries()) {
    for (const [other, second] of all.slice(i + 1)) {
      if (first.memory === second.memory && second.offset < first.offset + first.bytes) {
        return `partitions ${name} and ${other} overlap`;
      }
    }
  }
  return undefined;
}

function checkSlots({ partitions }: BoardProfile): string | undefined {
  const { core_a: a, core_b: b } = partitions;
  if (a.bytes === b.bytes) return undefined;
  return `core_a has ${a.bytes} bytes, core_b ${b.bytes}: a module must fit either`;
}

function checkStore(profile: BoardProfile): string | undefined {
  const { store } = profile.partitions;
  const memory = profile.memories[store.memory] as Memory;
  const sectors = sectorsOf(memory, store.offset, store.bytes) ?? [];
  const [erase = 1] = sectors;
  if (sectors.some((bytes) => bytes !== erase)) return "partition store: unequal sectors";
  const bytes = profile.store_sector_bytes;
  if (bytes % erase !== 0 || store.bytes % bytes !== 0) {
    return `store_sector_bytes: ${bytes} is not a whole number of sectors of ${erase} bytes`;
  }
  if (store.bytes / bytes < STORE_SECTORS_MIN) {
    return `partition store: ${store.bytes / bytes} sectors, the store wants ${STORE_SECTORS_MIN}`;
  }
  const unit = memory.program_bytes;
  if (unit <= STORE_PROGRAM_BYTES_MAX && (unit & (unit - 1)) === 0) return undefined;
  return `partition store: program unit ${unit}, the store works with 1 to ${STORE_PROGRAM_BYTES_MAX}`;
}

function checkProgram({ memories, partitions, flash_bytes }: BoardProfile): string | undefined {
  const bytes = memoryBytes(memories[partitions.firmware.memory] as Memory);
  if (bytes === flash_bytes) return undefined;
  return `flash_bytes is ${flash_bytes}, but the firmware's memory has sectors of ${bytes} bytes`;
}

function checkBudget(profile: BoardProfile): string | undefined {
  const { agent_flash_bytes, agent_ram_bytes, flash_bytes, ram_bytes } = profile;
  if (agent_flash_bytes > flash_bytes) return "agent_flash_bytes is more than flash_bytes";
  if (agent_ram_bytes > ram_bytes) return "agent_ram_bytes is more than ram_bytes";
  return undefined;
}
