/**
 * The module twin, read as it comes: which value of the document belongs to which property. What
 * the document says of each is kept as one number, so that memory does not grow with documents.
 */
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
  LEVELS,
  NAMES,
  PART_STARTS,
  PARTS,
  PROPERTIES,
  SETTINGS,
  TEXT_MORE,
  TWIN_OBJECT,
} from "./twin-table";
import { readValue } from "./twin-value";
import { judge } from "./twin-verdict";

// What a document says of a property: ABSENT, a fault, or its value plus one and perhaps NOTED.
export const ABSENT: u32 = 0;
/** The value is not quite what was asked for. */
export const NOTED: u32 = 0x80000000;
/** It contradicts another one; alone: its own parts contradict each other. */
export const CONFLICT: u32 = 0x40000000;
/** It is none of its kind. */
export const MISMATCH: u32 = 0x20000000;
/** There is no object where one must be. */
export const MISMATCH_PATH: u32 = MISMATCH + 1;

/** Levels of a document. */
const LEVEL_DESIRED: u32 = 2;
const LEVEL_OBJECT: u32 = 3;
const LEVEL_WRAPPER: u32 = 4;
const NO_TARGET: u32 = 0xff;
const UNKNOWN_BYTES: u32 = 128;
/** Bytes of `,"..."`. */
const QUOTED_MORE: u32 = 6;

@unmanaged
export class Twin {
  /** Open containers that lie on the path to a property, from the outermost. */
  tracked: u32;
  /** What the last key on the path names. */
  target: u32;
  /** The property whose wrapper is open. */
  property: u32;
  /** Level of the outermost container, less one. */
  is_patch: u32;
  /** Of the last document: as `endTwin` returned it. */
  result: i32;
  /** A valid document has come since the start. */
  is_accepted: u32;
  /** The reported properties are up to date, or will be when the document has ended. */
  is_reported: u32;
  /** Bytes in `unknown`, and whether some names found no place. */
  unknown_bytes: u32;
  has_more_unknown: u32;
  /** The report: bytes in `text`, and whether it has been refused. */
  report_bytes: u32;
  is_refused: u32;
}

export const twin: Twin = changetype<Twin>(TWIN ? memory.data(offsetof<Twin>(), 4) : 0);
/** Of each property, u32: what the document in hand says, and what the hub has. */
export const wanted: usize = TWIN ? memory.data(PROPERTIES * 4, 4) : 0;
const desired: usize = TWIN ? memory.data(PROPERTIES * 4, 4) : 0;
/** Names that are not known, each as `,"name"`; there is always room for one more `,"..."`. */
export const unknown: usize = TWIN ? memory.data(UNKNOWN_BYTES) : 0;

/** What the document in hand says of a property. */
export function wantedOf(property: u32): u32 {
  return load<u32>(property << 2, wanted);
}

export function want(property: u32, code: u32): void {
  store<u32>(property << 2, code, wanted);
}

/**
 * Begins a document; one that was not ended is forgotten.
 *
 * @param isPatch its outermost object is `desired`, and what it does not name stays
 */
export function beginTwin(isPatch: bool): void {
  beginJson();
  twin.tracked = 1; // The outermost container, which is not open yet.
  twin.is_patch = isPatch;
  twin.is_reported = 1;
  twin.unknown_bytes = 0;
  twin.has_more_unknown = 0;
  if (isPatch) memory.copy(wanted, desired, PROPERTIES * 4);
  else memory.fill(wanted, 0, PROPERTIES * 4);
}

/** Takes the next bytes of the document. */
export function takeTwin(from: usize, bytes: u32): void {
  takeJson(from, bytes);
}

/**
 * Ends the document, judges it, and if it is valid puts it in force; reports the result.
 *
 * @returns OK: valid; a positive count of faulty properties; E_BAD_RECORD: it was no document
 */
export function endTwin(): i32 {
  const isDocument = endJson();
  if (isDocument) memory.copy(desired, wanted, PROPERTIES * 4);
  return judge(isDocument);
}

/** A key has ended; it is in `text`. */
export function takeKey(): void {
  if (twin.tracked !== json.depth) return;
  const level = json.depth + twin.is_patch;
  let target = find(load<u8>(level << 1, LEVELS), load<u8>((level << 1) + 1, LEVELS));
  if (target === NO_TARGET) {
    if ((level & LEVEL_DESIRED) !== 0) noteUnknown(); // And in the object.
  } else if (level === LEVEL_WRAPPER) {
    target = twin.property;
  }
  twin.target = target;
}

/** A value begins, if it is an object or an array, or has ended. */
export function takeValue(type: u32): void {
  if (twin.tracked !== json.depth) return;
  const target = twin.target;
  if (target === NO_TARGET) return;
  const level = json.depth + twin.is_patch;
  const isFlat = target - FLAT_INTERVALS < TWIN_OBJECT - FLAT_INTERVALS;
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
    want(i, isKept ? load<u32>(i << 2, desired) : ABSENT);
  }
  if (!isObject) want(target, type === TYPE_NULL ? ABSENT : MISMATCH_PATH);
  else if (wantedOf(target) === MISMATCH_PATH) want(target, ABSENT);
  if (!isObject) return;
  twin.tracked += 1;
  if (level === LEVEL_OBJECT) twin.property = target;
}

/** @returns the number of the name in `text`, from `first` to the one before `end` */
function find(first: u32, end: u32): u32 {
  for (let i = first; i < end; i++) {
    const bytes = isPart(load<u8>(i << 1, NAMES), 0);
    if (bytes > json.text_bytes) continue;
    if (bytes + isPart(load<u8>((i << 1) + 1, NAMES), bytes) === json.text_bytes) return i;
  }
  return NO_TARGET;
}

/** @returns the part from `first` to `last` that equals `text`, else one more than `last` */
export function findPart(first: u32, last: u32): u32 {
  while (first <= last && isPart(first, 0) !== json.text_bytes) first++;
  return first;
}

/** @returns bytes of a part when `text` has it at this place, else more than there ever are */
function isPart(part: u32, at: u32): u32 {
  const from = partAt(part);
  const bytes = <u32>(partAt(part + 1) - from);
  for (let i: u32 = 0; i < bytes; i++) {
    if (load<u8>(at + i, text) !== load<u8>(from + i)) return 2 * TEXT_BYTES_MAX;
  }
  return bytes;
}

/** Address of a part; it ends where the next one begins. */
export function partAt(part: u32): usize {
  return PARTS + <usize>load<u16>(part << 1, PART_STARTS);
}

/** Keeps the name in `text`; those of the hub itself begin with a dollar sign. */
function noteUnknown(): void {
  let from = text;
  let bytes = json.text_bytes;
  if (bytes && load<u8>(text) === 0x24) return;
  if (twin.has_more_unknown) return;
  if (bytes === TEXT_BYTES_MAX || twin.unknown_bytes + bytes > UNKNOWN_BYTES - 2 * QUOTED_MORE) {
    twin.has_more_unknown = 1;
    from = partAt(TEXT_MORE);
    bytes = 3;
  }
  const at = unknown + twin.unknown_bytes;
  store<u16>(at, 0x222c);
  memory.copy(at + 2, from, bytes);
  store<u8>(at + 2 + bytes, 0x22);
  twin.unknown_bytes += 3 + bytes;
}
