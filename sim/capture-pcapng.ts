/** The pcapng format (draft-ietf-opsawg-pcapng): sections of blocks, each with its interfaces. */
import { isKnownLinkType } from "../host/netx/link.ts";
import { CaptureError, REMEDY_CONVERT, REMEDY_CUT, REMEDY_DAMAGED } from "./capture-error.ts";
import {
  type CapturePacket,
  checkFrame,
  elapsedMs,
  emptyPacket,
  unknownLinkType,
} from "./capture-packet.ts";
import { type PcapngInterface, readInterface } from "./capture-pcapng-interface.ts";

export const PCAPNG_SECTION = 0x0a0d0d0a;

const BLOCK_INTERFACE = 1;
/** The obsolete Packet Block. */
const BLOCK_PACKET = 2;
const BLOCK_SIMPLE_PACKET = 3;
const BLOCK_ENHANCED_PACKET = 6;

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Type and length in front, length again behind. */
const BLOCK_BYTES_MIN = 12;
const SECTION_BYTES_MIN = 28;
/** The frame's place in a packet block, enhanced or obsolete: after its type, length and fields. */
const FRAME_AT = 28;

/** Where the reader is: one object for the whole file, so that a packet costs no allocation. */
interface Reader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly name: string;
  /** Byte order of the section. */
  little: boolean;
  /** Interfaces of the section, by number. */
  interfaces: PcapngInterface[];
  readonly packet: CapturePacket;
  /** A packet with a time was seen; `first…` is its time. */
  started: boolean;
  firstSeconds: number;
  firstNanos: number;
}

/**
 * Reads a pcapng file from its first packet. Blocks of other types are skipped. A simple packet
 * block has no time: it gets that of the packet before it.
 *
 * @throws CaptureError at the first block that is damaged, cut off, or of unknown link type
 */
export function* readPcapng(bytes: Uint8Array, name: string): IterableIterator<CapturePacket> {
  const reader: Reader = {
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    name,
    little: false,
    interfaces: [],
    packet: emptyPacket(bytes),
    started: false,
    firstSeconds: 0,
    firstNanos: 0,
  };
  let end: number;
  for (let at = 0; at < bytes.length; at = end) {
    end = blockEnd(reader, at);
    switch (reader.view.getUint32(at, reader.little)) {
      case PCAPNG_SECTION:
        startSection(reader, at, end);
        break;
      case BLOCK_INTERFACE:
        reader.interfaces.push(readInterface(reader.view, name, reader.little, at, end));
        break;
      case BLOCK_ENHANCED_PACKET:
        readPacket(reader, at, end, reader.view.getUint32(at + 8, reader.little));
        yield reader.packet;
        break;
      case BLOCK_PACKET:
        readPacket(reader, at, end, reader.view.getUint16(at + 8, reader.little));
        yield reader.packet;
        break;
      case BLOCK_SIMPLE_PACKET:
        readSimplePacket(reader, at, end);
        yield reader.packet;
        break;
    }
  }
}

/** Checks the frame of the block at `at` and returns the offset after it. */
function blockEnd(reader: Reader, at: number): number {
  const { view, name } = reader;
  const left = view.byteLength - at;
  if (left < BLOCK_BYTES_MIN) throw new CaptureError(name, at, "cut off in a block", REMEDY_CUT);
  if (view.getUint32(at) === PCAPNG_SECTION) reader.little = sectionOrder(reader, at);
  const length = view.getUint32(at + 4, reader.little);
  if (length < BLOCK_BYTES_MIN || length % 4 !== 0) {
    throw new CaptureError(
      name,
      at + 4,
      `a block of ${length} bytes is impossible`,
      REMEDY_DAMAGED,
    );
  }
  if (length > left) {
    const what = `cut off in a block (or packet): ${left} of its ${length} bytes are there`;
    throw new CaptureError(name, at, what, REMEDY_CUT);
  }
  const again = view.getUint32(at + length - 4, reader.little);
  if (again !== length) {
    const what = `a block's two lengths differ (${length} and ${again})`;
    throw new CaptureError(name, at + length - 4, what, REMEDY_DAMAGED);
  }
  return at + length;
}

/** Returns true if the section that starts at `at` is little endian. */
function sectionOrder({ view, name }: Reader, at: number): boolean {
  if (view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC) return true;
  if (view.getUint32(at + 8) === BYTE_ORDER_MAGIC) return false;
  throw new CaptureError(name, at + 8, "a section without byte-order magic", REMEDY_DAMAGED);
}

function startSection(reader: Reader, at: number, end: number): void {
  if (end - at < SECTION_BYTES_MIN) {
    throw new CaptureError(reader.name, at, "a section header is too short", REMEDY_DAMAGED);
  }
  const major = reader.view.getUint16(at + 12, reader.little);
  if (major !== 1) {
    const what = `pcapng version ${major}, not 1`;
    throw new CaptureError(reader.name, at + 12, what, REMEDY_CONVERT);
  }
  reader.interfaces = [];
}

/** Reads an enhanced or an obsolete packet block: they differ in the interface field only. */
function readPacket(reader: Reader, at: number, end: number, index: number): void {
  const { view, name, little, packet } = reader;
  if (end - at < FRAME_AT + 4) {
    throw new CaptureError(name, at, "a packet block is too short", REMEDY_DAMAGED);
  }
  const source = interfaceOf(reader, at, index);
  setFrame(reader, at + 20, at + FRAME_AT, end - 4, view.getUint32(at + 20, little));
  packet.originalBytes = Math.max(packet.length, view.getUint32(at + 24, little));
  packet.linkType = source.linkType;
  source.readTime(view.getUint32(at + 12, little), view.getUint32(at + 16, little), packet);
  if (Math.abs(packet.seconds) > SECONDS_MAX) {
    throw new CaptureError(name, at + 12, "a packet's time is out of range", REMEDY_DAMAGED);
  }
  if (!reader.started) {
    reader.started = true;
    reader.firstSeconds = packet.seconds;
    reader.firstNanos = packet.nanos;
  }
  packet.sinceFirstMs = elapsedMs(packet, reader.firstSeconds, reader.firstNanos);
}

/** The year 36,812: keeps milliseconds far from the end of exact numbers. */
const SECONDS_MAX = 2 ** 40;

function readSimplePacket(reader: Reader, at: number, end: number): void {
  const { view, name, little, packet } = reader;
  if (end - at < BLOCK_BYTES_MIN + 4) {
    throw new CaptureError(name, at, "a simple packet block is too short", REMEDY_DAMAGED);
  }
  const source = interfaceOf(reader, at, 0);
  const originalBytes = view.getUint32(at + 8, little);
  // The block does not say what was captured: all, or as much as the interface's limit.
  const limit = source.snapBytes === 0 ? originalBytes : source.snapBytes;
  setFrame(reader, at + 8, at + 12, end - 4, Math.min(originalBytes, limit));
  packet.originalBytes = originalBytes;
  packet.linkType = source.linkType;
}

function interfaceOf(reader: Reader, at: number, index: number): PcapngInterface {
  const source = reader.interfaces[index];
  if (source === undefined) {
    const what = `a packet of interface ${index}, which is not described before it`;
    throw new CaptureError(reader.name, at + 8, what, REMEDY_DAMAGED);
  }
  if (!isKnownLinkType(source.linkType)) {
    throw unknownLinkType(reader.name, source.at + 8, source.linkType);
  }
  return source;
}

function setFrame(
  reader: Reader,
  lengthAt: number,
  start: number,
  end: number,
  length: number,
): void {
  checkFrame(reader.bytes, reader.name, lengthAt, start, length);
  if (start + length > end) {
    const what = `a packet of ${length} bytes in a block with room for ${end - start}`;
    throw new CaptureError(reader.name, lengthAt, what, REMEDY_DAMAGED);
  }
  reader.packet.offset = start;
  reader.packet.length = length;
}
