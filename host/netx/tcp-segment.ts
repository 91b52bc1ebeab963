/** Reads the header of a TCP segment (RFC 9293 3.1) seen from the device. */
import { DIRECTION_IN } from "./netx.ts";
import { findTransport, type TransportPlace } from "./transport.ts";

export const FLAG_SYN = 0x02;
export const FLAG_RST = 0x04;
export const FLAG_ACK = 0x10;

const TCP = 6;
const HEADER_BYTES = 20;
/** Two IPv6 addresses and two ports. */
const KEY_BYTES_MAX = 36;

/** A segment; filled by `readSegment`, owned by the caller so that nothing is allocated. */
export interface Segment {
  readonly place: TransportPlace;
  /** Local and remote address, local and remote port, network order: the first `keyBytes`. */
  readonly key: Uint8Array;
  keyBytes: number;
  remotePort: number;
  flags: number;
  sequence: number;
  acknowledged: number;
  /** Captured payload, indexes into the packet's bytes. */
  start: number;
  end: number;
  /** Payload bytes on the wire. */
  length: number;
}

export function createSegment(): Segment {
  return {
    place: { protocol: 0, offset: 0, end: 0, fragment: 0 },
    key: new Uint8Array(KEY_BYTES_MAX),
    keyBytes: 0,
    remotePort: 0,
    flags: 0,
    sequence: 0,
    acknowledged: 0,
    start: 0,
    end: 0,
    length: 0,
  };
}

/**
 * Parameters as for `PacketPort.offer`.
 *
 * @returns false for what is no TCP, a fragment of it, malformed, or cut in the header
 */
export function readSegment(
  direction: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  originalBytes: number,
  segment: Segment,
): boolean {
  const { place } = segment;
  if (!findTransport(bytes, offset, length, originalBytes, place)) return false;
  const at = place.offset;
  const captured = Math.min(offset + length, place.end);
  if (place.protocol !== TCP || place.fragment !== 0) return false;
  if (at + HEADER_BYTES > captured) return false;
  const header = ((bytes[at + 12] as number) >> 4) * 4;
  if (header < HEADER_BYTES || at + header > place.end) return false;
  setKey(direction, bytes, offset, segment);
  segment.flags = bytes[at + 13] as number;
  segment.sequence = readI32(bytes, at + 4);
  segment.acknowledged = readI32(bytes, at + 8);
  segment.start = at + header;
  segment.end = Math.max(segment.start, captured);
  segment.length = place.end - segment.start;
  return true;
}

function setKey(direction: number, bytes: Uint8Array, offset: number, segment: Segment): void {
  const { key, place } = segment;
  const version4 = (bytes[offset] as number) >> 4 === 4;
  const size = version4 ? 4 : 16;
  const source = offset + (version4 ? 12 : 8);
  const received = direction === DIRECTION_IN;
  for (let i = 0; i < size; i++) {
    key[i] = bytes[source + i + (received ? size : 0)] as number;
    key[size + i] = bytes[source + i + (received ? 0 : size)] as number;
  }
  for (let i = 0; i < 2; i++) {
    key[2 * size + i] = bytes[place.offset + i + (received ? 2 : 0)] as number;
    key[2 * size + 2 + i] = bytes[place.offset + i + (received ? 0 : 2)] as number;
  }
  segment.keyBytes = 2 * size + 4;
  segment.remotePort = ((key[2 * size + 2] as number) << 8) | (key[2 * size + 3] as number);
}

function readI32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}
