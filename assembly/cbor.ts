/** Deterministic CBOR (RFC 8949 4.2.1): each writer returns the address behind what it wrote. */

/** Most bytes that the head of an item takes here (32-bit arguments). */
export const CBOR_HEAD_MAX: u32 = 5;

const UNSIGNED: u32 = 0x00;
const NEGATIVE: u32 = 0x20;
const BYTES: u32 = 0x40;
const ARRAY: u32 = 0x80;
const MAP: u32 = 0xa0;
export const CBOR_ARRAY_OPEN: u32 = 0x9f;
export const CBOR_BREAK: u32 = 0xff;

function writeHead(at: usize, major: u32, argument: u32): usize {
  if (argument < 24) {
    store<u8>(at, major | argument);
    return at + 1;
  }
  if (argument < 0x100) {
    store<u16>(at, major | 24 | (argument << 8));
    return at + 2;
  }
  if (argument < 0x10000) {
    store<u8>(at, major | 25);
    store<u16>(at, bswap<u16>(<u16>argument), 1);
    return at + 3;
  }
  store<u8>(at, major | 26);
  store<u32>(at, bswap<u32>(argument), 1);
  return at + 5;
}

export function writeByte(at: usize, byte: u32): usize {
  store<u8>(at, byte);
  return at + 1;
}

export function writeUnsigned(at: usize, value: u32): usize {
  return writeHead(at, UNSIGNED, value);
}

export function writeSigned(at: usize, value: i32): usize {
  return value < 0 ? writeNegative(at, ~(<u32>value)) : writeHead(at, UNSIGNED, value);
}

/** Writes -1 - value. */
export function writeNegative(at: usize, value: u32): usize {
  return writeHead(at, NEGATIVE, value);
}

export function writeArray(at: usize, items: u32): usize {
  return writeHead(at, ARRAY, items);
}

export function writeMap(at: usize, pairs: u32): usize {
  return writeHead(at, MAP, pairs);
}

export function writeBytes(at: usize, from: usize, bytes: u32): usize {
  const to = writeHead(at, BYTES, bytes);
  memory.copy(to, from, bytes);
  return to + bytes;
}
