/** What both capture formats share: the packet record and the checks on it. */
import { CaptureError, REMEDY_CUT, REMEDY_DAMAGED } from "./capture-error.ts";

/**
 * One captured packet. The iterator fills the same object for each packet: copy what must last.
 */
export interface CapturePacket {
  /** The whole file; the frame is `length` bytes at `offset` in it. */
  readonly bytes: Uint8Array;
  offset: number;
  /** Captured bytes of the frame. */
  length: number;
  /** Bytes that the frame had on the wire; at least `length`. */
  originalBytes: number;
  /** LINKTYPE_ value of the interface. */
  linkType: number;
  /** Seconds since the Unix epoch, UTC. */
  seconds: number;
  /** Nanoseconds within the second, 0 to 999,999,999. */
  nanos: number;
  /** Whole milliseconds since the first packet, rounded down; negative for an earlier time. */
  sinceFirstMs: number;
}

/**
 * A record longer than this is damage: libpcap's own limit (`MAXIMUM_SNAPLEN`).
 * Frames of 64 KiB and their link header fit.
 */
export const FRAME_BYTES_MAX = 262_144;

/** A packet for an iterator to fill. */
export function emptyPacket(bytes: Uint8Array): CapturePacket {
  return {
    bytes,
    offset: 0,
    length: 0,
    originalBytes: 0,
    linkType: 0,
    seconds: 0,
    nanos: 0,
    sinceFirstMs: 0,
  };
}

/** Throws if a frame of `length` bytes at `start` is impossible or not whole in the file. */
export function checkFrame(
  bytes: Uint8Array,
  name: string,
  lengthAt: number,
  start: number,
  length: number,
): void {
  if (length > FRAME_BYTES_MAX) {
    const what = `a packet of ${length} bytes (at most ${FRAME_BYTES_MAX} are possible)`;
    throw new CaptureError(name, lengthAt, what, REMEDY_DAMAGED);
  }
  if (length > bytes.length - start) {
    const what = `cut off in a packet: ${bytes.length - start} of its ${length} bytes are there`;
    throw new CaptureError(name, start, what, REMEDY_CUT);
  }
}

/** Whole milliseconds from the given time to the packet's, rounded down. */
export function elapsedMs(packet: CapturePacket, seconds: number, nanos: number): number {
  return (packet.seconds - seconds) * 1000 + Math.floor((packet.nanos - nanos) / 1_000_000);
}

/** The error for frames whose link layer we cannot strip. */
export function unknownLinkType(name: string, offset: number, linkType: number): CaptureError {
  const remedy =
    "capture on an Ethernet or raw IP interface, or on `any` (Linux cooked), for example with: " +
    "tcpdump -y EN10MB";
  return new CaptureError(name, offset, `unknown link type ${linkType}`, remedy);
}
