/**
 * JSON (RFC 8259) in chunks of any size, byte by byte, in fixed memory: it accepts what JSON.parse
 * accepts of well-formed UTF-8, except more than DEPTH_MAX containers in each other and documents
 * that are no object. What it finds goes to twin.ts.
 */
import { TWIN } from "./options";
import { findPart, takeKey, takeValue, twin } from "./twin";
import { DEPTH_MAX, TEXT_NO, TEXT_NULL } from "./twin-table";

/** Types of values; a number is an integer only by its value. */
export const TYPE_OBJECT: u32 = 0;
export const TYPE_ARRAY: u32 = 1;
export const TYPE_STRING: u32 = 2;
export const TYPE_NUMBER: u32 = 3;
export const TYPE_FALSE: u32 = 4;
export const TYPE_TRUE: u32 = 5;
export const TYPE_NULL: u32 = 6;

// What comes next; those from IN_STRING on are within a token, which from LITERAL on has no end of
// its own; those from MINUS on are within a number.
const VALUE: u32 = 0;
const FIRST_ITEM: u32 = 1;
const FIRST_KEY: u32 = 2;
const KEY: u32 = 3;
const COLON: u32 = 4;
const AFTER: u32 = 5;
const DONE: u32 = 6;
const FAILED: u32 = 7;
const IN_STRING: u32 = 8;
const ESCAPE: u32 = 9;
const HEX: u32 = 10;
const CONTINUATION: u32 = 11;
const LITERAL: u32 = 12;
const MINUS: u32 = 13;
const ZERO: u32 = 14;
const INTEGER: u32 = 15;
const POINT: u32 = 16;
const FRACTION: u32 = 17;
const EXPONENT: u32 = 18;
const SIGNED: u32 = 19;
const EXPONENT_DIGITS: u32 = 20;

/** Bits of space, tab, line feed and carriage return, counted from 1. */
const SPACES: u32 = 0x80001300;
/** Bits of b, f, n, r and t, counted from 0x60. */
const CONTROLS: u32 = 0x00144044;

/** Texts of as many bytes or more are not kept: they equal nothing that is known. */
export const TEXT_BYTES_MAX: u32 = 63;
/** An integer of a size below 2^53 and the half of its last place have 46 digits at most. */
const DIGITS_MAX: u32 = 48;
/** Stands in texts for what no known name has: control characters, escapes beyond ASCII. */
const OTHER: u32 = 0x3f;
/** No document has so many digits that they could make up for an exponent of this size. */
const EXPONENT_MAX: i32 = 200_000_000;

@unmanaged
export class Json {
  depth: u32;
  state: u32;
  /** The string in hand is a key. */
  is_key: u32;
  /** Bytes left of a character or an escape. */
  left: u32;
  /** Bounds of the next byte of a character. */
  least: u32;
  most: u32;
  /** The escaped character so far. */
  code: u32;
  /** Bytes in `text`: the last key or string, or a number's digits from the first that counts. */
  text_bytes: u32;
  /** A number: 0.DIGITS * 10^point, and whether digits beyond DIGITS_MAX were not 0. */
  point: i32;
  has_more: u32;
  is_negative: u32;
  exponent: i32;
  is_exponent_negative: u32;
}

export const json: Json = changetype<Json>(TWIN ? memory.data(offsetof<Json>(), 4) : 0);
export const text: usize = TWIN ? memory.data(TEXT_BYTES_MAX + 1) : 0;
/** What is open, from the outermost: 1 an object, 0 an array. */
const containers: usize = TWIN ? memory.data(DEPTH_MAX + 1) : 0;

export function beginJson(): void {
  json.depth = 0;
  json.state = VALUE;
}

/** @returns whether the document was whole and well-formed */
export function endJson(): bool {
  return json.state === DONE;
}

export function takeJson(from: usize, bytes: u32): void {
  for (let i: u32 = 0; i < bytes; i++) json.state = next(load<u8>(from + i));
}

function next(byte: u32): u32 {
  let state = json.state;
  if (state >= LITERAL) {
    if (state === LITERAL) {
      if (byte - 0x61 < 26) return inLiteral(byte);
      const found = findPart(TEXT_NO, TEXT_NULL);
      if (found > TEXT_NULL) return FAILED;
      takeValue(found - TEXT_NO + TYPE_FALSE);
    } else {
      state = inNumber(state, byte);
      if (state !== AFTER) return state;
      json.point += json.is_exponent_negative ? -json.exponent : json.exponent;
      takeValue(TYPE_NUMBER);
    }
    state = AFTER;
  }
  if (state >= IN_STRING) return inToken(state, byte);
  if (byte - 1 < 32 && (SPACES >> (byte - 1)) & 1) return state;
  if (state === COLON) return byte === 0x3a ? VALUE : FAILED;
  const isObject = <u32>load<u8>(json.depth, containers);
  if (byte === 0x7d || byte === 0x5d) {
    if (<u32>(byte === 0x7d) !== isObject) return FAILED;
    return state === AFTER || state === FIRST_ITEM + isObject ? close() : FAILED;
  }
  if (state === AFTER) return byte !== 0x2c ? FAILED : isObject ? KEY : VALUE;
  if (state === FIRST_KEY || state === KEY) return byte === 0x22 ? beginString(1) : FAILED;
  return state > FIRST_ITEM ? FAILED : beginValue(byte);
}

function beginValue(byte: u32): u32 {
  if (byte === 0x7b) return open(TYPE_OBJECT);
  if (json.depth === 0) return FAILED;
  if (byte === 0x5b) return open(TYPE_ARRAY);
  if (byte === 0x22) return beginString(0);
  clearText();
  if (byte - 0x61 < 26) return inLiteral(byte);
  json.is_negative = byte === 0x2d;
  return json.is_negative ? MINUS : inNumber(MINUS, byte);
}

function open(type: u32): u32 {
  if (json.depth === DEPTH_MAX) return FAILED;
  takeValue(type);
  json.depth += 1;
  const isObject = <u32>(type === TYPE_OBJECT);
  store<u8>(json.depth, isObject, containers);
  return FIRST_ITEM + isObject;
}

function close(): u32 {
  json.depth -= 1;
  if (twin.tracked > json.depth) twin.tracked = json.depth;
  return json.depth ? AFTER : DONE;
}

function inLiteral(byte: u32): u32 {
  push(byte);
  return LITERAL;
}

function beginString(isKey: u32): u32 {
  clearText();
  json.is_key = isKey;
  return IN_STRING;
}

/** Clears what is known of the token before. */
function clearText(): void {
  const from = offsetof<Json>("text_bytes");
  memory.fill(changetype<usize>(json) + from, 0, offsetof<Json>() - from);
}

function push(byte: u32): void {
  store<u8>(json.text_bytes, byte, text);
  if (json.text_bytes < TEXT_BYTES_MAX) json.text_bytes += 1;
}

function inToken(state: u32, byte: u32): u32 {
  if (state === IN_STRING) return inString(byte);
  if (state === ESCAPE) return escaped(byte);
  json.left -= 1;
  if (state === HEX) return hex(byte);
  if (byte < json.least || byte > json.most) return FAILED;
  push(byte);
  json.least = 0x80;
  json.most = 0xbf;
  return json.left ? CONTINUATION : IN_STRING;
}

/** UTF-8 as RFC 3629 4 has it: nothing overlong, no surrogates, nothing above U+10FFFF. */
function inString(byte: u32): u32 {
  if (byte === 0x22) {
    if (json.is_key) {
      takeKey();
      return COLON;
    }
    takeValue(TYPE_STRING);
    return AFTER;
  }
  if (byte === 0x5c) return ESCAPE;
  if (byte < 0x20) return FAILED;
  push(byte);
  if (byte < 0x80) return IN_STRING;
  if (byte < 0xc2 || byte > 0xf4) return FAILED;
  json.least = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80;
  json.most = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf;
  json.left = 1 + <u32>(byte >= 0xe0) + <u32>(byte >= 0xf0);
  return CONTINUATION;
}

function escaped(byte: u32): u32 {
  if (byte === 0x75) {
    json.left = 4;
    json.code = 0;
    return HEX;
  }
  const isControl = <u32>(byte >> 5 === 3) & (CONTROLS >> (byte & 31));
  if (!isControl && byte !== 0x22 && byte !== 0x5c && byte !== 0x2f) return FAILED;
  push(byte === 0x2f ? byte : OTHER);
  return IN_STRING;
}

function hex(byte: u32): u32 {
  let digit = byte - 0x30;
  if (digit > 9) {
    digit = (byte | 0x20) - 0x61;
    if (digit > 5) return FAILED;
    digit += 10;
  }
  json.code = (json.code << 4) | digit;
  if (json.left) return HEX;
  const isPlain = json.code - 0x20 < 0x60 && json.code !== 0x22 && json.code !== 0x5c;
  push(isPlain ? json.code : OTHER);
  return IN_STRING;
}

/** @returns AFTER when the number ended before this byte */
function inNumber(state: u32, byte: u32): u32 {
  const digit = byte - 0x30;
  if (digit <= 9) {
    if (state === ZERO) return FAILED;
    if (state >= EXPONENT) {
      if (json.exponent < EXPONENT_MAX) json.exponent = json.exponent * 10 + digit;
      return EXPONENT_DIGITS;
    }
    const isInteger = state <= INTEGER;
    if (digit | json.text_bytes) {
      if (json.text_bytes < DIGITS_MAX) push(digit);
      else json.has_more |= digit;
      if (isInteger) json.point += 1;
    } else if (!isInteger) {
      json.point -= 1;
    }
    return !isInteger ? FRACTION : state === MINUS && digit === 0 ? ZERO : INTEGER;
  }
  if (state === ZERO || state === INTEGER) {
    if (byte === 0x2e) return POINT;
  } else if (state === EXPONENT && (byte === 0x2b || byte === 0x2d)) {
    json.is_exponent_negative = byte === 0x2d;
    return SIGNED;
  } else if (state !== FRACTION && state !== EXPONENT_DIGITS) {
    return FAILED;
  }
  if ((byte | 0x20) === 0x65) return state === EXPONENT_DIGITS ? FAILED : EXPONENT;
  return AFTER;
}
