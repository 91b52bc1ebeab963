import { readDuration } from "./duration";
import { readInteger } from "./integer";
import { json, TYPE_FALSE, TYPE_NUMBER, TYPE_STRING, TYPE_TRUE, text } from "./json";
import { ABSENT, CONFLICT, findPart, MISMATCH, NOTED } from "./twin";
import {
  CACHE_BYTES_MIN,
  INTERVAL_S_MAX,
  KIND_BOOLEAN,
  KIND_CACHE,
  KIND_DISABLED,
  KIND_DURATION,
  KIND_FREQUENCY,
  KIND_INTERVALS,
  KIND_MESSAGE,
  KIND_PERMANENT_DISABLED,
  KIND_PERMANENT_PRIORITY,
  KIND_PRIORITY,
  KINDS,
  MESSAGE_BYTES_LEAST,
  MESSAGE_BYTES_MOST,
  SIZE_BYTES_MAX,
  WORD_FALSE,
  WORD_HIGH,
  WORD_LOW,
  WORD_MEDIUM,
  WORD_OFF,
  WORD_TRUE,
} from "./twin-table";

/** Bits of the low priority's minutes above those of the high priority's. */
export const INTERVALS_SHIFT: u32 = 14;
export const INTERVALS_MASK: u32 = (1 << 14) - 1;
const MINUTES_MAX: u32 = 9999;

/**
 * Reads the value that has just ended as one of a property.
 *
 * @returns what the document says of it: the value plus one, perhaps NOTED, or a fault
 */
export function readValue(property: u32, type: u32): u32 {
  const kind = <u32>load<u8>(KINDS + property);
  if (type === TYPE_STRING) return readText(kind);
  if (type === TYPE_NUMBER) {
    if (kind === KIND_CACHE) return sized(CACHE_BYTES_MIN, SIZE_BYTES_MAX, SIZE_BYTES_MAX);
    if (kind === KIND_MESSAGE) {
      return sized(MESSAGE_BYTES_LEAST, MESSAGE_BYTES_MOST, MESSAGE_BYTES_MOST + 1);
    }
  }
  if (type === TYPE_TRUE || type === TYPE_FALSE) return readBoolean(kind, type === TYPE_TRUE);
  return MISMATCH;
}

function sized(least: u32, most: u32, saturated: u32): u32 {
  const bytes = readInteger(saturated);
  return bytes < least || bytes > most ? MISMATCH : bytes + 1;
}

function readBoolean(kind: u32, isTrue: bool): u32 {
  const code = 1 + <u32>isTrue;
  if (kind === KIND_BOOLEAN || kind === KIND_DISABLED) return code;
  if (kind !== KIND_PERMANENT_DISABLED) return MISMATCH;
  return isTrue ? code | NOTED : code;
}

function readText(kind: u32): u32 {
  if (kind === KIND_DURATION) {
    const seconds = readDuration();
    if (seconds === 0) return MISMATCH;
    return seconds > INTERVAL_S_MAX ? (INTERVAL_S_MAX + 1) | NOTED : seconds + 1;
  }
  if (kind === KIND_INTERVALS) return readIntervals();
  const word = findPart(WORD_HIGH, WORD_FALSE);
  if (kind === KIND_PRIORITY || kind === KIND_PERMANENT_PRIORITY) {
    if (word > WORD_OFF) return MISMATCH;
    return kind !== KIND_PRIORITY && word === WORD_OFF ? (WORD_LOW + 1) | NOTED : word + 1;
  }
  if (kind === KIND_FREQUENCY) {
    if (word === WORD_MEDIUM) return (WORD_HIGH + 1) | NOTED; // No later than asked for.
    return word <= WORD_LOW ? word + 1 : MISMATCH;
  }
  if (word !== WORD_TRUE && word !== WORD_FALSE) return MISMATCH;
  return kind === KIND_BOOLEAN ? MISMATCH : readBoolean(kind, word === WORD_TRUE);
}

/** "HIGH,MEDIUM,LOW": minutes, 1 to 9999 without leading zeros, which must not descend. */
function readIntervals(): u32 {
  let high: u32 = 0;
  let before: u32 = 0;
  let minutes: u32 = 0;
  let commas: u32 = 0;
  let fault: u32 = ABSENT;
  for (let i: u32 = 0; i <= json.text_bytes; i++) {
    const byte = i < json.text_bytes ? <u32>load<u8>(text + i) : 0x2c;
    const digit = byte - 0x30;
    if (digit <= 9) {
      minutes = minutes * 10 + digit;
      if (minutes - 1 >= MINUTES_MAX) return MISMATCH;
      continue;
    }
    if (byte !== 0x2c || minutes === 0) return MISMATCH;
    if (minutes < before) fault = CONFLICT;
    if (commas === 0) high = minutes;
    before = minutes;
    minutes = 0;
    commas += 1;
  }
  if (commas !== 3) return MISMATCH;
  return fault === ABSENT ? (high | (before << INTERVALS_SHIFT)) + 1 : fault;
}
