/** The verdict on a twin document: faults, conflicts, and what comes into force. */
import { E_BAD_RECORD } from "./abi";
import { config, defaultOf, PRIORITY_OFF, setSetting, settingOf } from "./config";
import { configurationError } from "./events";
import {
  CONFIGURATION_CONFLICT,
  CONFIGURATION_NOT_OPTIMAL,
  CONFIGURATION_TYPE_MISMATCH,
  PRIORITY_LOW,
} from "./message";
import { adjustSchedule, flushAll } from "./schedule";
import { state } from "./state";
import { setCacheLimit } from "./store";
import { ABSENT, CONFLICT, MISMATCH, NOTED, twin, want, wanted, wantedOf } from "./twin";
import { reportTwin } from "./twin-report";
import {
  COLLECTORS,
  FLAT_INTERVALS,
  KIND_PERMANENT_PRIORITY,
  KINDS,
  PRIORITIES_COUNT,
  PROPERTIES,
  SETTING_CACHE,
  SETTING_MESSAGE,
  SETTING_PRIORITY,
  SETTINGS,
  TWIN_DESIRED,
} from "./twin-table";
import { INTERVALS_MASK, INTERVALS_SHIFT } from "./twin-value";

const SETTING_HIGH: u32 = 0;
const SETTING_LOW: u32 = 1;
const SETTING_SNAPSHOT: u32 = 2;
const TRUE: u32 = 1;

/** MISMATCH - 1 or more: there is none. */
function valueIn(code: u32): u32 {
  return (code & ~(NOTED | CONFLICT)) - 1;
}

function isValue(code: u32): bool {
  return valueIn(code) < MISMATCH - 1;
}

/** Judges the document that has been read. @returns as endTwin */
export function judge(isDocument: bool): i32 {
  let faults: i32 = E_BAD_RECORD;
  if (isDocument) {
    findConflicts();
    faults = 0;
    for (let i: u32 = 0; i < PROPERTIES; i++) faults += <i32>isFaulty(i);
  } else {
    memory.fill(wanted, 0, PROPERTIES * 4);
    want(TWIN_DESIRED, MISMATCH);
  }
  twin.result = faults;
  if (faults === 0) {
    flushAll(); // What the present configuration has collected goes out under it.
    apply();
    adjustSchedule();
    setCacheLimit(config.cache_bytes_max);
  } else {
    refuse();
  }
  twin.is_reported = 0;
  reportTwin();
  return faults;
}

function refuse(): void {
  if (!twin.is_accepted) state.waiting_for_twin = 1;
  for (let i: u32 = 0; i < PROPERTIES; i++) {
    if (!isFaulty(i)) continue;
    const isConflict = (wantedOf(i) & CONFLICT) !== 0;
    const error = isConflict ? CONFIGURATION_CONFLICT : CONFIGURATION_TYPE_MISMATCH;
    configurationError(i, error, usedFor(i));
  }
}

/** A property that makes the document invalid. */
export function isFaulty(property: u32): bool {
  return (wantedOf(property) & (CONFLICT | MISMATCH)) !== 0;
}

function findConflicts(): void {
  for (let i: u32 = 0; i < SETTINGS; i++) {
    const own = wantedOf(i);
    const flat = flatOf(i);
    if (!isValue(own) || !isValue(flat) || valueIn(own) === valueIn(flat)) continue;
    conflict(i, flatPropertyOf(i));
  }
  requireOrder(SETTING_HIGH, SETTING_LOW);
  requireOrder(SETTING_MESSAGE, SETTING_CACHE);
}

/** Both are given: the first must not be greater. */
function requireOrder(a: u32, b: u32): void {
  const first = wantedOf(a);
  const second = wantedOf(b);
  if (isValue(first) && isValue(second) && valueIn(first) > valueIn(second)) conflict(a, b);
}

function conflict(a: u32, b: u32): void {
  want(a, wantedOf(a) | CONFLICT);
  want(b, wantedOf(b) | CONFLICT);
}

/** The flat property …_Disabled of a setting, FLAT_INTERVALS, or 0: there is none. */
function collectorOf(setting: u32): u32 {
  if (setting <= SETTING_LOW) return FLAT_INTERVALS;
  const place = setting - SETTING_PRIORITY;
  return place < PRIORITIES_COUNT ? <u32>load<u8>(place, COLLECTORS) : 0;
}

function isDisabled(collector: u32): bool {
  const code = wantedOf(collector);
  return isValue(code) && valueIn(code) === TRUE;
}

function flatPropertyOf(setting: u32): u32 {
  const collector = collectorOf(setting);
  return collector === FLAT_INTERVALS || isDisabled(collector) ? collector : collector + 1;
}

/** What the flat properties say of a setting, in the setting's own terms. */
function flatOf(setting: u32): u32 {
  const collector = collectorOf(setting);
  if (collector === 0) return ABSENT;
  const code = wantedOf(flatPropertyOf(setting));
  if (!isValue(code)) return ABSENT;
  if (collector === FLAT_INTERVALS) {
    const minutes = valueIn(code) >> (setting === SETTING_LOW ? INTERVALS_SHIFT : 0);
    return (minutes & INTERVALS_MASK) * 60 + 1;
  }
  if (!isDisabled(collector)) return code;
  const isPermanent = load<u8>(setting, KINDS) === KIND_PERMANENT_PRIORITY;
  return (isPermanent ? PRIORITY_LOW : PRIORITY_OFF) + 1;
}

function apply(): void {
  for (let i: u32 = 0; i < SETTINGS; i++) {
    const own = wantedOf(i);
    const code = own === ABSENT ? flatOf(i) : own;
    setSetting(i, code === ABSENT ? defaultOf(i) : valueIn(code));
  }
  twin.is_accepted = 1;
  state.waiting_for_twin = 0;
  for (let i: u32 = 0; i < PROPERTIES; i++) {
    const code = wantedOf(i);
    if (code === ABSENT) continue;
    let isNoted = (code & NOTED) !== 0;
    if (i < SETTINGS && valueIn(code) !== settingOf(i)) isNoted = true;
    if (i === SETTING_SNAPSHOT && settingOf(i) < settingOf(SETTING_HIGH)) isNoted = true;
    if (isNoted) configurationError(i, CONFIGURATION_NOT_OPTIMAL, usedFor(i));
  }
}

/** The value in force of a setting; for a flat property of the first setting it stands for. */
function usedFor(property: u32): u32 {
  if (property < SETTINGS) return settingOf(property);
  let setting: u32 = 0;
  while (property - collectorOf(setting) > <u32>(setting > SETTING_LOW)) {
    setting += 1;
    if (setting === SETTINGS) return 0;
  }
  return settingOf(setting);
}
