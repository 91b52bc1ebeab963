/** The boards of a scenario: names, addresses, cores. */
import { buildCore } from "../boards/build.ts";
import { type OptionName, resolveOptions } from "../boards/options.ts";
import { loadBoard } from "../boards/profile.ts";
import { type DeviceAddress, parseDeviceAddresses } from "../host/netx/address.ts";
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
    const options = boardOptions(entry, file);
    const { wasm } = await buildCore(options);
    const { count, name } = entry;
    planned.push({
      entry,
      deviceIds:
        count === undefined ? [name] : Array.from({ length: count }, (_, i) => `${name}-${i + 1}`),
      addresses: parseDeviceAddresses(entry.addresses?.join(",") ?? DEFAULT_ADDRESSES),
      wasm,
      messageBytesMax: resolveOptions(options).MESSAGE_BYTES_MAX,
      intervals: intervalsOf(entry),
      startMs: durationMs(entry.startAfter ?? "0s"),
    });
  }
  return planned;
}

function intervalsOf({ intervals = {} }: BoardEntry): Intervals {
  const { high, low, snapshot } = intervals;
  return {
    highMs: high === undefined ? DEFAULT_INTERVALS.highMs : durationMs(high),
    lowMs: low === undefined ? DEFAULT_INTERVALS.lowMs : durationMs(low),
    snapshotMs: snapshot === undefined ? DEFAULT_INTERVALS.snapshotMs : durationMs(snapshot),
  };
}

function boardOptions(entry: BoardEntry, file: string): Partial<Record<OptionName, number>> {
  try {
    const profile = entry.profile === undefined ? undefined : loadBoard(entry.profile);
    const flash: Record<string, number> = { STORE_FLASH: entry.flash ? 1 : 0 };
    if (entry.flash) flash.STORE_SECTORS_MAX = entry.flash.sectors;
    const given = { ...profile?.options, ...flash, ...entry.options };
    resolveOptions(given);
    return given;
  } catch (cause) {
    const what = (cause as Error).message;
    throw new ScenarioError(`${file}: board ${entry.name}: ${what}`, { cause });
  }
}
