/** What the agent goes by now: documented defaults, the start record, then the module twin. */
import { Config, Start } from "./layout";
import {
  KIND_CONFIGURATION_ERROR,
  KIND_CONNECTION_CREATE,
  KIND_HEARTBEAT,
  PRIORITY_LOW,
} from "./message";
import { MESSAGE_BYTES_MAX, STORE_BYTES, STORE_FLASH, STORE_SECTORS_MAX, TWIN } from "./options";
import {
  AGGREGATIONS,
  DEFAULT_LEVELS,
  DEFAULTS,
  PRIORITIES_COUNT,
  SETTING_AGGREGATION,
  SETTING_CACHE,
  SETTING_MESSAGE,
  SETTING_PRIORITY,
  SETTINGS,
} from "./twin-table";

/** Beside PRIORITY_HIGH and PRIORITY_LOW: the event is not collected. */
export const PRIORITY_OFF: u32 = 2;

/** Intervals that are settings: the first ones. */
const INTERVALS: u32 = 3;

/** All settings by number, u32 each; without TWIN the first ones, which are then the defaults. */
const settings: usize = TWIN ? memory.data(SETTINGS * 4, 4) : DEFAULTS;
export const config: Config = changetype<Config>(settings);
const limits: usize = TWIN ? memory.data(4, 4) : 0;

if (offsetof<Config>("cache_bytes_max") !== SETTING_CACHE * 4) ERROR("Config: cache_bytes_max");
if (offsetof<Config>("message_bytes_max") !== SETTING_MESSAGE * 4) ERROR("Config: message_bytes");
if (offsetof<Config>("snapshot_interval_s") !== (INTERVALS - 1) * 4) ERROR("Config: intervals");

/** Defaults are in force; the record's intervals count in their place where they are not 0. */
export function setDefaults(start: Start): void {
  const given = changetype<usize>(start) + offsetof<Start>("high_interval_s");
  for (let i: u32 = 0; i < INTERVALS * 4; i += 4) {
    const interval = load<u32>(given + i);
    if (interval) store<u32>(i, interval, DEFAULTS);
  }
  const sectors = min<u32>(start.flash_sectors, STORE_SECTORS_MAX);
  const cache = STORE_FLASH && sectors ? sectors * start.flash_sector_bytes : STORE_BYTES;
  if (TWIN) {
    store<u32>(limits, cache);
    for (let i: u32 = 0; i < SETTINGS; i++) setSetting(i, defaultOf(i));
  } else {
    config.cache_bytes_max = min<u32>(config.cache_bytes_max, cache);
    config.message_bytes_max = min<u32>(config.message_bytes_max, MESSAGE_BYTES_MAX);
  }
}

/** Default of a setting by its number in wire/twin-properties.ts. */
export function defaultOf(setting: u32): u32 {
  if (setting < SETTING_PRIORITY) return load<u32>(setting << 2, DEFAULTS);
  const level = <u32>load<u8>(setting - SETTING_PRIORITY, DEFAULT_LEVELS);
  return setting < SETTING_AGGREGATION + AGGREGATIONS ? level : level * 3600;
}

/** Value in force of a setting by its number: s, B, a priority, 0 or 1. */
export function settingOf(setting: u32): u32 {
  return load<u32>(setting << 2, settings);
}

/** Puts a setting in force. @returns whether the board can give as much */
export function setSetting(setting: u32, value: u32): bool {
  let most: u32 = 0xffffffff;
  if (setting === SETTING_CACHE) most = load<u32>(limits);
  if (setting === SETTING_MESSAGE) most = MESSAGE_BYTES_MAX;
  store<u32>(setting << 2, min<u32>(value, most), settings);
  return value <= most;
}

/** PRIORITY_HIGH, PRIORITY_LOW or PRIORITY_OFF of an event kind. */
export function priorityOf(kind: u32): u32 {
  let place = kind - KIND_HEARTBEAT;
  if (kind > KIND_CONFIGURATION_ERROR) {
    place = kind - KIND_CONNECTION_CREATE;
    if (place > KIND_SNAPSHOT_LAST) return PRIORITY_LOW; // Has no property.
    place += KIND_CONFIGURATION_ERROR;
  }
  return TWIN ? settingOf(SETTING_PRIORITY + place) : <u32>load<u8>(place, DEFAULT_LEVELS);
}

const KIND_SNAPSHOT_LAST: u32 = PRIORITIES_COUNT - KIND_CONFIGURATION_ERROR - 1;

/** Seconds over which equal events of a kind are one; 0: each is sent. */
export function aggregationS(kind: u32): u32 {
  const place = kind - KIND_CONNECTION_CREATE;
  if (place >= AGGREGATIONS) return 0;
  if (!TWIN) return 3600;
  const setting = SETTING_AGGREGATION + place;
  return settingOf(setting) ? settingOf(setting + AGGREGATIONS) : 0;
}
