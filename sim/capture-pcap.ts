/** The pcap format (draft-ietf-opsawg-pcap): a header, then records. */
import { isKnownLinkType } from "../host/netx/link.ts";
import { CaptureError, REMEDY_CONVERT, REMEDY_CUT } from "./capture-error.ts";
import {
  type CapturePacket,
  checkFrame,
  elapsedMs,
  emptyPacket,
  unknownLinkType,
} from "./capture-packet.ts";

export const PCAP_MAGIC_MICROS = 0xa1b2c3d4;
export const PCAP_MAGIC_NANOS = 0xa1b23c4d;

const HEADER_BYTES = 24;
const RECORD_BYTES = 16;
/** The upper bits of the link type field say how long the frame check sequence is. */
const LINK_TYPE_MASK = 0x03ff_ffff;

/**
 * Checks the header of a pcap file.
 *
 * @param little true if the file's numbers are little endian
 * @param nanos true if its times are nanoseconds, false if microseconds
 * @returns a function that starts to read the packets from the first
 */
export function openPcap(
  bytes: Uint8Array,
  name: string,
  little: boolean,
  nanos: boolean,
): () => IterableIterator<CapturePacket> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_BYTES) {
    throw new CaptureError(name, bytes.length, "cut off in the file header", REMEDY_CUT);
  }
  const major = view.getUint16(4, little);
  const minor = view.getUint16(6, little);
  // Before 2.4 some writers swapped the two lengths of a record: no way to tell.
  if (major !== 2 || minor < 4) {
    throw new CaptureError(name, 4, `pcap version ${major}.${minor}, not 2.4`, REMEDY_CONVERT);
  }
  const linkType = view.getUint32(20, little) & LINK_TYPE_MASK;
  if (!isKnownLinkType(linkType)) throw unknownLinkType(name, 20, linkType);
  return () => readRecords(bytes, view, name, { little, nanos, linkType });
}

interface PcapOptions {
  readonly little: boolean;
  readonly nanos: boolean;
  readonly linkType: number;
}

function* readRecords(
  bytes: Uint8Array,
  view: DataView,
  name: string,
  { little, nanos, linkType }: PcapOptions,
): IterableIterator<CapturePacket> {
  const packet = emptyPacket(bytes);
  packet.linkType = linkType;
  const unitsPerSecond = nanos ? 1_000_000_000 : 1_000_000;
  const nanosPerUnit = nanos ? 1 : 1000;
  let firstSeconds = 0;
  let firstNanos = 0;
  for (let at = HEADER_BYTES; at < bytes.length; at = packet.offset + packet.length) {
    if (bytes.length - at < RECORD_BYTES) {
      throw new CaptureError(name, at, "cut off in a packet's record header", REMEDY_CUT);
    }
    const length = view.getUint32(at + 8, little);
    checkFrame(bytes, name, at + 8, at + RECORD_BYTES, length);
    const fraction = view.getUint32(at + 4, little);
    // A fraction of a second and more is wrong but harmless: some writers round up to one.
    const carry = fraction < unitsPerSecond ? 0 : Math.floor(fraction / unitsPerSecond);
    packet.seconds = view.getUint32(at, little) + carry;
    packet.nanos = (fraction - carry * unitsPerSecond) * nanosPerUnit;
    packet.offset = at + RECORD_BYTES;
    packet.length = length;
    packet.originalBytes = Math.max(length, view.getUint32(at + 12, little));
    if (at === HEADER_BYTES) {
      firstSeconds = packet.seconds;
      firstNanos = packet.nanos;
    }
    packet.sinceFirstMs = elapsedMs(packet, firstSeconds, firstNanos);
    yield packet;
  }
}
