/** Addresses as numbers, without allocation: detection compares many of them. */

/** Big-endian 32-bit words of the address parsed last; IPv4 uses the first. */
export const words = new Uint32Array(4);

/**
 * Parses an IPv4 or IPv6 text into `words`.
 *
 * @returns 4 or 6, or 0 when the text is neither (RFC 4291 2.2; no zone, no prefix)
 */
export function parseAddress(text: string): 0 | 4 | 6 {
  // Rules ask about the same address one after the other.
  if (text === lastText) return lastFamily;
  lastFamily = parseText(text);
  lastText = text;
  return lastFamily;
}

let lastText = "";
let lastFamily: 0 | 4 | 6 = 0;

function parseText(text: string): 0 | 4 | 6 {
  for (let i = 0; i < text.length && i < 5; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x3a) return parseIpv6(text) ? 6 : 0;
    if (c === 0x2e) return parseIpv4(text, 0, 0) ? 4 : 0;
  }
  return 0;
}

function parseIpv4(text: string, from: number, word: number): boolean {
  let value = 0;
  let part = 0;
  let digits = 0;
  let dots = 0;
  for (let i = from; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x2e) {
      if (digits === 0 || dots === 3) return false;
      value = value * 256 + part;
      part = 0;
      digits = 0;
      dots++;
    } else if (c >= 0x30 && c <= 0x39) {
      if (digits > 0 && part === 0) return false; // No leading zeros.
      part = part * 10 + c - 0x30;
      if (part > 255) return false;
      digits++;
    } else {
      return false;
    }
  }
  if (dots !== 3 || digits === 0) return false;
  words[word] = value * 256 + part;
  return true;
}

const groups = new Uint16Array(8);

function parseIpv6(text: string): boolean {
  if (text.length > 45) return false;
  let count = 0;
  let gap = -1;
  let value = 0;
  let digits = 0;
  let start = 0;
  let i = 0;
  if (text.startsWith("::")) {
    gap = 0;
    i = 2;
    start = 2;
  } else if (text.charCodeAt(0) === 0x3a) return false;
  for (; i <= text.length; i++) {
    const c = i < text.length ? text.charCodeAt(i) : 0x3a;
    const digit = hexDigit(c);
    if (digit >= 0) {
      value = value * 16 + digit;
      if (++digits > 4) return false;
      continue;
    }
    if (c === 0x2e) return finishMapped(text, start, count, gap);
    if (c !== 0x3a) return false;
    if (digits === 0) {
      if (i === text.length) break;
      if (gap >= 0) return false;
      gap = count;
    } else {
      if (count === 8) return false;
      groups[count++] = value;
      value = 0;
      digits = 0;
      if (i + 1 === text.length && text.charCodeAt(i) === 0x3a) return false;
    }
    start = i + 1;
  }
  return expand(count, gap);
}

/** The rest of the text is an IPv4 address in place of the last two groups. */
function finishMapped(text: string, start: number, count: number, gap: number): boolean {
  if (count > 6 || !parseIpv4(text, start, 0)) return false;
  const low = words[0] as number;
  groups[count] = low >>> 16;
  groups[count + 1] = low & 0xffff;
  return expand(count + 2, gap);
}

function expand(count: number, gap: number): boolean {
  if (gap < 0 ? count !== 8 : count > 7) return false;
  const shift = 8 - count;
  for (let word = 0; word < 4; word++) {
    words[word] = ((pick(word * 2, gap, shift) << 16) | pick(word * 2 + 1, gap, shift)) >>> 0;
  }
  return true;
}

function pick(index: number, gap: number, shift: number): number {
  if (gap < 0 || index < gap) return groups[index] as number;
  if (index < gap + shift) return 0;
  return groups[index - shift] as number;
}

function hexDigit(c: number): number {
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  if (c >= 0x61 && c <= 0x66) return c - 0x57;
  if (c >= 0x41 && c <= 0x46) return c - 0x37;
  return -1;
}

/** True for loopback, link-local, private and unique-local addresses; false for no address. */
export function isLocalAddress(text: string): boolean {
  const family = parseAddress(text);
  const first = words[0] as number;
  if (family === 4) {
    const top = first >>> 24;
    if (top === 10 || top === 127 || top === 0) return true;
    if (first >>> 20 === 0xac1) return true; // 172.16.0.0/12
    if (first >>> 16 === 0xc0a8 || first >>> 16 === 0xa9fe) return true;
    return first >>> 22 === 0x191; // 100.64.0.0/10, RFC 6598
  }
  if (family === 6) {
    if (first >>> 25 === 0x7e) return true; // fc00::/7
    if (first >>> 22 === 0x3fa) return true; // fe80::/10
    return first === 0 && words[1] === 0 && words[2] === 0 && (words[3] as number) <= 1;
  }
  return false;
}

/** True for multicast, broadcast and unspecified destinations: no host, so no connection. */
export function isGroupAddress(text: string): boolean {
  const family = parseAddress(text);
  const first = words[0] as number;
  if (family === 4) return first >>> 28 === 0xe || first === 0xffffffff || first === 0;
  if (family !== 6) return false;
  return (
    first >>> 24 === 0xff || (first === 0 && words[1] === 0 && words[2] === 0 && words[3] === 0)
  );
}

/** True for 169.254.0.0/16 and fe80::/10: neighbours that come and go. */
export function isLinkLocal(text: string): boolean {
  const family = parseAddress(text);
  const first = words[0] as number;
  return family === 4 ? first >>> 16 === 0xa9fe : family === 6 && first >>> 22 === 0x3fa;
}
