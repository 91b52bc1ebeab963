/** IP addresses: bytes in network order to canonical text, and any valid text to canonical text. */
import { isIPv4, isIPv6 } from "node:net";

/** @param bytes 4 bytes, network order. Returns dotted decimal text. */
export function ipv4Text(bytes: Uint8Array): string {
  const a = bytes[0] ?? 0;
  const b = bytes[1] ?? 0;
  const c = bytes[2] ?? 0;
  const d = bytes[3] ?? 0;
  const value = (a << 24) | (b << 16) | (c << 8) | d;
  const slot = (Math.imul(value, 0x9e3779b1) >>> 20) & (RECENT_TEXTS - 1);
  if (recentValues[slot] === value) return recentTexts[slot] as string;
  const text = `${a}.${b}.${c}.${d}`;
  recentValues[slot] = value;
  recentTexts[slot] = text;
  return text;
}

// The same hosts come again and again: their texts are made, compared and hashed once.
const RECENT_TEXTS = 4096;
const recentValues = new Int32Array(RECENT_TEXTS);
const recentTexts: string[] = new Array(RECENT_TEXTS).fill("0.0.0.0");

/**
 * RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups as
 * `::`; an IPv4-mapped address (RFC 4291 2.5.5.2) ends dotted.
 *
 * @param bytes 16 bytes, network order
 */
export function ipv6Text(bytes: Uint8Array): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${ipv4Text(bytes.subarray(12, 16))}`;
  }
  const { start, length } = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(":");
  return `${hex.slice(0, start).join(":")}::${hex.slice(start + length).join(":")}`;
}

/** Canonical text of an IPv4 or IPv6 address; null when the text is none (a zone is refused). */
export function canonicalAddress(text: string): string | null {
  if (isIPv4(text)) return text;
  if (!isIPv6(text) || text.includes("%")) return null;
  return ipv6Text(ipv6Bytes(text));
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let i = 0; i <= groups.length; i++) {
    if (groups[i] === 0) continue;
    if (i - start > best.length) best = { start, length: i - start };
    start = i + 1;
  }
  return best;
}

/** @param text a valid IPv6 address without a zone */
function ipv6Bytes(text: string): Uint8Array {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  let plain = text;
  if (dotted) {
    const [a, b, c, d] = dotted.slice(2).map(Number) as [number, number, number, number];
    plain = `${dotted[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const [head = "", tail] = plain.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const bytes = new Uint8Array(16);
  const put = (groups: string[], at: number) => {
    groups.forEach((group, i) => {
      const value = Number.parseInt(group, 16);
      bytes[at + 2 * i] = value >> 8;
      bytes[at + 2 * i + 1] = value & 0xff;
    });
  };
  put(left, 0);
  put(right, 16 - 2 * right.length);
  return bytes;
}
