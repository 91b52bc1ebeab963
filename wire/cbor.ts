/**
 * A cursor over CBOR (RFC 8949) for messages whose shape is known: it reads what the caller
 * expects next and refuses all else with the offset. Nothing is allocated but what it returns.
 */
import { WireError } from "./events.ts";

const UNSIGNED = 0;
const NEGATIVE = 1;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const TAG = 6;
const NAMES = ["unsigned", "negative", "byte string", "text", "array", "map", "tag", "simple"];
const BREAK = 0xff;
const FALSE = 0xf4;
const TRUE = 0xf5;
/** Length of an array or map that ends with a break. */
export const INDEFINITE = -1;

export interface CborReader {
  /** Offset of the next byte. */
  readonly at: number;
  readonly isAtEnd: boolean;
  /** Fails with what is wrong at the present offset. */
  fail(what: string): never;
  /** A number of at most 2^53 - 1. */
  unsigned(): number;
  /** An unsigned or negative number. */
  signed(): number;
  /** A view of the input, not a copy. */
  bytes(): Uint8Array;
  text(): string;
  /** Number of items, or INDEFINITE. */
  array(): number;
  /** Number of pairs, or INDEFINITE. */
  map(): number;
  tag(): number;
  boolean(): boolean;
  /** Takes a break if one is next. */
  tryBreak(): boolean;
  /** Steps over one item of any kind; nesting is bounded. */
  skip(): void;
}

const SKIP_DEPTH_MAX = 16;
const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads `bytes` from their start. There is one reader, since making its functions anew costs more
 * than most messages: a second call ends the use of what the first one returned.
 */
export function createCborReader(bytes: Uint8Array): CborReader {
  input = bytes;
  at = 0;
  return reader;
}

let input: Uint8Array = new Uint8Array(0);
let at = 0;

function fail(what: string): never {
  throw new WireError(`byte ${at}: ${what}`);
}

function byte(): number {
  const value = input[at];
  if (value === undefined) fail("the message ends too early");
  at += 1;
  return value;
}

function argument(info: number): number {
  if (info < 24) return info;
  if (info > 27) fail("a length that is not allowed here");
  let value = 0;
  for (let left = 1 << (info - 24); left > 0; left--) value = value * 256 + byte();
  if (!Number.isSafeInteger(value)) fail("a number above 2^53 - 1");
  return value;
}

function head(major: number): number {
  const first = input[at];
  if (first === undefined) fail("the message ends too early");
  if (first >> 5 !== major) fail(`${NAMES[major]} expected, found ${NAMES[first >> 5]}`);
  at += 1;
  return argument(first & 31);
}

function container(major: number): number {
  const first = input[at];
  if (first !== undefined && first === ((major << 5) | 31)) {
    at += 1;
    return INDEFINITE;
  }
  const items = head(major);
  // Each item takes a byte or more: a length beyond the input is a lie.
  if (items > input.length - at) fail(`${items} items announced, ${input.length - at} bytes left`);
  return items;
}

function slice(major: number): Uint8Array {
  const length = head(major);
  if (length > input.length - at) fail(`${length} bytes announced, ${input.length - at} left`);
  at += length;
  return input.subarray(at - length, at);
}

function signed(): number {
  const first = input[at];
  return first !== undefined && first >> 5 === NEGATIVE ? -1 - head(NEGATIVE) : head(UNSIGNED);
}

function tryBreak(): boolean {
  if (input[at] !== BREAK) return false;
  at += 1;
  return true;
}

function skip(depth = 0): void {
  if (depth > SKIP_DEPTH_MAX) fail("nested too deep");
  const major = (input[at] ?? fail("the message ends too early")) >> 5;
  if (major === UNSIGNED || major === NEGATIVE) signed();
  else if (major === BYTES || major === TEXT) slice(major);
  else if (major === ARRAY || major === MAP) {
    const length = container(major);
    const items = length === INDEFINITE ? INDEFINITE : major === MAP ? 2 * length : length;
    for (let i = 0; i !== items; i++) {
      if (items === INDEFINITE && tryBreak()) return;
      skip(depth + 1);
    }
  } else if (major === TAG) {
    head(TAG);
    skip(depth + 1);
  } else argument(byte() & 31);
}

const reader: CborReader = {
  get at() {
    return at;
  },
  get isAtEnd() {
    return at === input.length;
  },
  fail,
  unsigned: () => head(UNSIGNED),
  signed,
  bytes: () => slice(BYTES),
  text() {
    const bytes = slice(TEXT);
    try {
      return decoder.decode(bytes);
    } catch {
      fail("text that is not UTF-8");
    }
  },
  array: () => container(ARRAY),
  map: () => container(MAP),
  tag: () => head(TAG),
  boolean() {
    const value = byte();
    if (value !== FALSE && value !== TRUE) fail("true or false expected");
    return value === TRUE;
  },
  tryBreak,
  skip,
};
