import { readDuration } from "./duration";
import { readInteger } from "./integer";
import { json, TYPE_FALSE, TYPE_NUMBER, TYPE_STRING, TYPE_TRUE, text } from "./json";
import { ABSENT, CONFLICT, findPart, MISMATCH, NOTED } from "./twin";
import {
  INTERVAL_S_MAX,
  KIND_BOOLEAN,
  KIND_CACHE,
  KIND_DURATION,
  KIND_INTERVALS,
  KIND_MESSAGE,
  KIND_PERMANENT_DISABLED,
  KIND_PERMANENT_PRIORITY,
  KIND_WORDS,
  KINDS,
  MESSAGE_BYTES_MOST,
  SIZE_BYTES_MAX,
  SIZE_BYTES_MIN,
  WORD_CODES,
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
  const kind = <u32>load<u8>(property, KINDS);
  if (type === TYPE_NUMBER) {
    if (kind === KIND_CACHE) return sized(SIZE_BYTES_MAX, SIZE_BYTES_MAX);
    return kind === KIND_MESSAGE ? sized(MESSAGE_BYTES_MOST, MESSAGE_BYTES_MOST + 1) : MISMATCH;
  }
  if (type === TYPE_TRUE) return readWord(kind, WORD_TRUE);
  if (type === TYPE_FALSE) return readWord(kind, WORD_FALSE);
  if (type !== TYPE_STRING || kind === KIND_BOOLEAN) return MISMATCH;
  if (kind === KIND_INTERVALS) return readIntervals();
  if (kind !== KIND_DURATION) return readWord(kind, findPart(WORD_HIGH, WORD_FALSE));
  const seconds = readDuration();
  if (seconds === 0) return MISMATCH;
  return seconds > INTERVAL_S_MAX ? (INTERVAL_S_MAX + 1) | NOTED : seconds + 1;
}

/** @param saturated what stands for all numbers from it on */
function sized(most: u32, saturated: u32): u32 {
  const bytes = readInteger(saturated);
  return bytes < SIZE_BYTES_MIN || bytes > most ? MISMATCH : bytes + 1;
}

function readWord(kind: u32, word: u32): u32 {
  if (((<u32>load<u8>(kind, KIND_WORDS) >> word) & 1) === 0) return MISMATCH;
  const code = <u32>load<u8>(word, WORD_CODES);
  if (word === WORD_MEDIUM) return code | NOTED; // As High: no later than asked for.
  if (kind === KIND_PERMANENT_PRIORITY && word === WORD_OFF) return (WORD_LOW + 1) | NOTED;
  return kind === KIND_PERMANENT_DISABLED && word === WORD_TRUE ? code | NOTED : code;
}

/** "HIGH,MEDIUM,LOW": minutes, 1 to 9999 without leading zeros, which must not descend. */
function readIntervals(): u32 {
  let high: u32 = 0;
  let before: u32 = 0;
  let minutes: u32 = 0;
  let commas: u32 = 0;
  let fault: u32 = ABSENT;
  for (let i: u32 = 0; i <= json.text_bytes; i++) {
    const byte = i < json.text_bytes ? <u32>load<u8>(i, text) : 0x2c;
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
