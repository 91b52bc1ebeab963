/** The boards of a scenario: names, addresses, cores, flash; what a profile says, and the entry. */
import { buildCore } from "../boards/build.ts";
import { type OptionName, resolveOptions } from "../boards/options.ts";
import { loadBoard } from "../boards/profile.ts";
import type { BoardProfile } from "../boards/profile-fields.ts";
import { type DeviceAddress, parseDeviceAddresses } from "../host/netx/address.ts";
import type { FlashPlan } from "./board-flash.ts";
import { DEFAULT_INTERVALS, type Intervals } from "./core.ts";
import { durationMs } from "./duration.ts";
import { type BoardEntry, type Scenario, ScenarioError } from "./scenario.ts";

export interface PlannedBoard {
  readonly entry: BoardEntry;
  readonly deviceIds: readonly string[];
  readonly addresses: readonly DeviceAddress[];
  readonly wasm: Uint8Array;
  readonly messageBytesMax: number;
  readonly intervals: Intervals;
  readonly startMs: number;
  /** Absent: events are kept in memory. */
  readonly flash?: FlashPlan | undefined;
  /** Absent: no board in particular. */
  readonly profile?: BoardProfile | undefined;
}

/** Each board has a network of its own, so that all may have the same address. */
export const DEFAULT_ADDRESSES = "10.20.0.10/24,fd00:20::10/64";

/**
 * Builds what the boards of a scenario need.
 *
 * @throws ScenarioError for a profile or option that is none, AddressError for a bad address
 */
export async function planBoards(scenario: Scenario, file: string): Promise<PlannedBoard[]> {
  const planned: PlannedBoard[] = [];
  for (const entry of scenario.boards) {
    const { profile, options } = readBoard(entry, file);
    const resolved = resolveOptions(options);
    const { wasm } = await buildCore(options);
    planned.push({
      entry,
      deviceIds: deviceIds(entry),
      addresses: parseDeviceAddresses(entry.addresses?.join(",") ?? DEFAULT_ADDRESSES),
      wasm,
      messageBytesMax: resolved.MESSAGE_BYTES_MAX,
      intervals: intervalsOf(entry, profile),
      startMs: durationMs(entry.startAfter ?? "0s"),
      flash: resolved.STORE_FLASH === 1 ? flashOf(entry, profile) : undefined,
      profile,
    });
  }
  return planned;
}

/** Device ids that a board entry stands for. */
export function deviceIds({ name, count }: BoardEntry): string[] {
  return count === undefined ? [name] : Array.from({ length: count }, (_, i) => `${name}-${i + 1}`);
}

/** The scenario's, else the profile's, else the documented ones. */
function intervalsOf({ intervals = {} }: BoardEntry, profile?: BoardProfile): Intervals {
  const pick = (own: string | undefined, boardS: number | undefined, otherwise: number): number => {
    if (own !== undefined) return durationMs(own);
    return boardS ? boardS * 1000 : otherwise;
  };
  const { high, low, snapshot } = intervals;
  return {
    highMs: pick(high, profile?.high_interval_s, DEFAULT_INTERVALS.highMs),
    lowMs: pick(low, profile?.low_interval_s, DEFAULT_INTERVALS.lowMs),
    snapshotMs: pick(snapshot, profile?.snapshot_interval_s, DEFAULT_INTERVALS.snapshotMs),
  };
}

/** The scenario's geometry, else the profile's store partition. */
function flashOf({ flash = {} }: BoardEntry, profile?: BoardProfile): FlashPlan | undefined {
  const times = {
    programMs: durationMs(flash.programTakes ?? "0s"),
    eraseMs: durationMs(flash.eraseTakes ?? "0s"),
  };
  const { sectorBytes, sectors, unitBytes } = flash;
  if (sectorBytes !== undefined && sectors !== undefined && unitBytes !== undefined) {
    return { sectorBytes, sectors, unitBytes, ...times };
  }
  if (profile === undefined) return undefined;
  const { store } = profile.partitions;
  return {
    sectorBytes: profile.store_sector_bytes,
    sectors: store.bytes / profile.store_sector_bytes,
    unitBytes: profile.memories[store.memory]?.program_bytes ?? 1,
    ...times,
  };
}

function readBoard(
  entry: BoardEntry,
  file: string,
): { profile?: BoardProfile | undefined; options: Partial<Record<OptionName, number>> } {
  try {
    const profile = entry.profile === undefined ? undefined : loadBoard(entry.profile);
    const options: Record<string, number> = { ...profile?.options };
    if (entry.flash) {
      options.STORE_FLASH = 1;
      const { sectors } = flashOf(entry, profile) as FlashPlan;
      options.STORE_SECTORS_MAX ??= sectors;
    }
    Object.assign(options, entry.options);
    resolveOptions(options);
    return { profile, options };
  } catch (cause) {
    const what = (cause as Error).message;
    throw new ScenarioError(`${file}: board ${entry.name}: ${what}`, { cause });
  }
}
