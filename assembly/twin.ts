/**
 * The module twin, read as it comes: which value of the document belongs to which property. What
 * the document says of each is kept as one number, so that memory does not grow with documents.
 */
import { E_BAD_RECORD } from "./abi";
import {
  beginJson,
  endJson,
  json,
  TEXT_BYTES_MAX,
  TYPE_NULL,
  TYPE_OBJECT,
  takeJson,
  text,
} from "./json";
import { TWIN } from "./options";
import {
  FLAT_INTERVALS,
  NAMES,
  PART_ENDS,
  PARTS,
  PROPERTIES,
  SETTINGS,
  TEXT_VALUE,
  TWIN_DESIRED,
  TWIN_OBJECT,
} from "./twin-table";
import { readValue } from "./twin-value";
import { judge } from "./twin-verdict";

/** What a document says of a property: ABSENT, a fault, or its value plus one and perhaps NOTED. */
export const ABSENT: u32 = 0;
/** Intervals that do not ascend; no object where one must be; a value that is none of its kind. */
export const FAULT_ORDER: u32 = 0x7fffffff - 2;
export const FAULT_PATH: u32 = 0x7fffffff - 1;
export const FAULT_VALUE: u32 = 0x7fffffff;
/** The value is not quite what was asked for. */
export const NOTED: u32 = 0x80000000;

/** Levels of a document. */
const LEVEL_ROOT: u32 = 1;
const LEVEL_DESIRED: u32 = 2;
const LEVEL_OBJECT: u32 = 3;
const LEVEL_WRAPPER: u32 = 4;
const NO_TARGET: u32 = 0xff;
const UNKNOWN_BYTES: u32 = 128;

export const RESULT_VALID: u32 = 0;
export const RESULT_FAULTY: u32 = 1;
export const RESULT_NO_DOCUMENT: u32 = 2;

@unmanaged
export class Twin {
  /** Bit n: property n is in conflict with another. */
  conflicts: u64;
  /** Open containers that lie on the path to a property, from the outermost. */
  tracked: u32;
  /** What the last key on the path names. */
  target: u32;
  /** The property whose wrapper is open. */
  property: u32;
  /** Level of the outermost container, less one. */
  is_patch: u32;
  /** Of the last document: RESULT_*. */
  result: u32;
  /** A valid document has come since the start. */
  is_accepted: u32;
  /** The reported properties are up to date. */
  is_reported: u32;
  is_reading: u32;
  /** Bytes in `unknown`, and whether some names found no place. */
  unknown_bytes: u32;
  has_more_unknown: u32;
  /** The report: bytes in `text`, and whether it has been refused. */
  report_bytes: u32;
  is_refused: u32;
}

export const twin: Twin = changetype<Twin>(TWIN ? memory.data(offsetof<Twin>(), 8) : 0);
/** Of each property, u32: what the document in hand says, and what the hub has. */
export const wanted: usize = TWIN ? memory.data(PROPERTIES * 4, 4) : 0;
const desired: usize = TWIN ? memory.data(PROPERTIES * 4, 4) : 0;
/** Names that are not known: a byte of length, then the name. */
export const unknown: usize = TWIN ? memory.data(UNKNOWN_BYTES) : 0;

/** What the document in hand says of a property. */
export function wantedOf(property: u32): u32 {
  return load<u32>(wanted + (property << 2));
}

function want(property: u32, code: u32): void {
  store<u32>(wanted + (property << 2), code);
}

/**
 * Begins a document; one that was not ended is forgotten.
 *
 * @param isPatch its outermost object is `desired`, and what it does not name stays
 */
export function beginTwin(isPatch: bool): void {
  beginJson();
  twin.tracked = 0;
  twin.is_patch = isPatch;
  twin.is_reading = 1;
  twin.unknown_bytes = 0;
  twin.has_more_unknown = 0;
  if (isPatch) memory.copy(wanted, desired, PROPERTIES * 4);
  else memory.fill(wanted, 0, PROPERTIES * 4);
}

/** Takes the next bytes of the document. */
export function takeTwin(from: usize, bytes: u32): void {
  if (twin.is_reading) takeJson(from, bytes);
}

/**
 * Ends the document, judges it, and if it is valid puts it in force; reports the result.
 *
 * @returns OK: valid; a positive count of faulty properties; E_BAD_RECORD: it was no document
 */
export function endTwin(): i32 {
  if (!twin.is_reading) return E_BAD_RECORD;
  twin.is_reading = 0;
  const isDocument = endJson();
  if (isDocument) memory.copy(desired, wanted, PROPERTIES * 4);
  return judge(isDocument);
}

/** A key has ended; it is in `text`. */
export function takeKey(): void {
  if (twin.tracked !== json.depth) return;
  const level = json.depth + twin.is_patch;
  let target = NO_TARGET;
  if (level === LEVEL_ROOT) target = find(TWIN_DESIRED, TWIN_DESIRED);
  else if (level === LEVEL_DESIRED) target = find(FLAT_INTERVALS, TWIN_OBJECT);
  else if (level === LEVEL_OBJECT) target = find(0, SETTINGS - 1);
  else if (isPart(TEXT_VALUE, 0) === json.text_bytes) target = twin.property;
  twin.target = target;
  if (target === NO_TARGET && (level & 2) === 2) noteUnknown();
}

/** A value begins, if it is an object or an array, or has ended. */
export function takeValue(type: u32): void {
  if (twin.tracked !== json.depth) return;
  if (json.depth === 0) {
    twin.tracked = 1;
    return;
  }
  const target = twin.target;
  if (target === NO_TARGET) return;
  const level = json.depth + twin.is_patch;
  const isFlat = target >= FLAT_INTERVALS && target < TWIN_OBJECT;
  if (isFlat || level === LEVEL_WRAPPER) {
    want(target, type === TYPE_NULL ? ABSENT : readValue(target, type));
    return;
  }
  // An object of the path: what an earlier one of the same name said does not count.
  const isObject = type === TYPE_OBJECT;
  const isKept = isObject && twin.is_patch !== 0;
  const last =
    level === LEVEL_OBJECT ? target + 1 : level === LEVEL_DESIRED ? SETTINGS : PROPERTIES;
  for (let i = level === LEVEL_OBJECT ? target : 0; i < last; i++) {
    want(i, isKept ? load<u32>(desired + (i << 2)) : ABSENT);
  }
  if (!isObject) want(target, type === TYPE_NULL ? ABSENT : FAULT_PATH);
  else if (wantedOf(target) === FAULT_PATH) want(target, ABSENT);
  if (!isObject) return;
  twin.tracked += 1;
  if (level === LEVEL_OBJECT) twin.property = target;
}

function find(first: u32, last: u32): u32 {
  for (let i = first; i <= last; i++) {
    const bytes = isPart(load<u8>(NAMES + (i << 1)), 0);
    if (bytes > json.text_bytes) continue;
    if (bytes + isPart(load<u8>(NAMES + (i << 1) + 1), bytes) === json.text_bytes) return i;
  }
  return NO_TARGET;
}

/** @returns bytes of a part when `text` has it at this place, else more than there ever are */
export function isPart(part: u32, at: u32): u32 {
  const from = <u32>load<u16>(PART_ENDS + (part << 1));
  const bytes = <u32>load<u16>(PART_ENDS + (part << 1) + 2) - from;
  return isEqual(text + at, PARTS + from, bytes) ? bytes : 2 * TEXT_BYTES_MAX;
}

function isEqual(a: usize, b: usize, bytes: u32): bool {
  for (let i: u32 = 0; i < bytes; i++) if (load<u8>(a + i) !== load<u8>(b + i)) return false;
  return true;
}

/** Keeps the name in `text`; those of the hub itself begin with a dollar sign. */
function noteUnknown(): void {
  const bytes = json.text_bytes;
  if (bytes && load<u8>(text) === 0x24) return;
  let at: u32 = 0;
  while (at < twin.unknown_bytes) {
    const length = <u32>load<u8>(unknown + at);
    if (length === bytes && isEqual(unknown + at + 1, text, bytes)) return;
    at += 1 + length;
  }
  if (bytes === TEXT_BYTES_MAX || at + 1 + bytes > UNKNOWN_BYTES) {
    twin.has_more_unknown = 1;
    return;
  }
  store<u8>(unknown + at, bytes);
  memory.copy(unknown + at + 1, text, bytes);
  twin.unknown_bytes = at + 1 + bytes;
}
