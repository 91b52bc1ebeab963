/** Finds the transport header of an IP packet (RFC 791, RFC 8200), for what NetX itself counts. */

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const DESTINATION = 60;
/** Longer chains of extension headers are given up: no sane stack sends them. */
const EXTENSIONS_MAX = 16;

/** Filled by `findTransport`, owned by the caller so that nothing is allocated. */
export interface TransportPlace {
  /** IP protocol number of what is at `offset`. */
  protocol: number;
  /** First byte of the transport header or, in a later fragment, of the fragment's data. */
  offset: number;
  /** One past the packet's last byte by its own length fields; may lie beyond what was captured. */
  end: number;
  /** 0 whole packet, 1 first fragment, 2 later fragment. */
  fragment: number;
}

/**
 * @param bytes holds the packet
 * @param offset first byte of its IP header
 * @param length captured bytes of it
 * @param originalBytes bytes that it had on the wire; used if IPv4's length is 0 (offload)
 * @param place receives the result
 * @returns false if the headers are malformed or not captured
 */
export function findTransport(
  bytes: Uint8Array,
  offset: number,
  length: number,
  originalBytes: number,
  place: TransportPlace,
): boolean {
  const version = length > 0 ? (bytes[offset] as number) >> 4 : 0;
  if (version === 4) return inIpv4(bytes, offset, length, originalBytes, place);
  return version === 6 && inIpv6(bytes, offset, length, originalBytes, place);
}

function inIpv4(
  bytes: Uint8Array,
  offset: number,
  length: number,
  originalBytes: number,
  place: TransportPlace,
): boolean {
  if (length < 20) return false;
  const header = ((bytes[offset] as number) & 15) * 4;
  const total = readU16(bytes, offset + 2) || originalBytes;
  if (header < 20 || total < header || total > originalBytes) return false;
  const fragment = readU16(bytes, offset + 6);
  place.protocol = bytes[offset + 9] as number;
  place.offset = offset + header;
  place.end = offset + total;
  place.fragment = (fragment & 0x1fff) !== 0 ? 2 : (fragment & 0x2000) !== 0 ? 1 : 0;
  return true;
}

function inIpv6(
  bytes: Uint8Array,
  offset: number,
  length: number,
  originalBytes: number,
  place: TransportPlace,
): boolean {
  if (length < 40) return false;
  const total = 40 + readU16(bytes, offset + 4);
  if (total > originalBytes) return false;
  const captured = offset + Math.min(length, total);
  place.end = offset + total;
  place.fragment = 0;
  let next = bytes[offset + 6] as number;
  let at = offset + 40;
  for (let i = 0; i < EXTENSIONS_MAX; i++) {
    place.protocol = next;
    place.offset = at;
    if (place.fragment === 2) return true;
    if (next !== HOP_BY_HOP && next !== ROUTING && next !== FRAGMENT && next !== DESTINATION) {
      return true;
    }
    if (at + 8 > captured) return false;
    if (next === FRAGMENT) {
      const field = readU16(bytes, at + 2);
      if ((field & 0xfff8) !== 0) place.fragment = 2;
      else if ((field & 1) !== 0) place.fragment = 1;
    }
    const bytesLong = next === FRAGMENT ? 8 : ((bytes[at + 1] as number) + 1) * 8;
    if (at + bytesLong > place.end) return false;
    next = bytes[at] as number;
    at += bytesLong;
  }
  return false;
}

function readU16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}
