/**
 * Reads packet captures: pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng).
 * The whole file is in memory; packets are views into it, so that a million a second are no matter.
 */
import { CaptureError, REMEDY_CONVERT } from "./capture-error.ts";
import type { CapturePacket } from "./capture-packet.ts";
import { openPcap, PCAP_MAGIC_MICROS, PCAP_MAGIC_NANOS } from "./capture-pcap.ts";
import { PCAPNG_SECTION, readPcapng } from "./capture-pcapng.ts";

export { CaptureError } from "./capture-error.ts";
export type { CapturePacket } from "./capture-packet.ts";

export interface Capture {
  readonly name: string;
  readonly format: "pcap" | "pcapng";
  /** The packets in the order of the file, from the first at each call. Throws CaptureError. */
  packets(): IterableIterator<CapturePacket>;
}

const PCAP_MAGIC_MODIFIED = 0xa1b2cd34;

/**
 * Opens a capture. File headers are checked here, packets while they are iterated.
 *
 * @param bytes the whole file
 * @param name what errors call it
 * @throws CaptureError if it is empty, of unknown format or link type
 */
export function readCapture(bytes: Uint8Array, name: string): Capture {
  if (bytes.length === 0) {
    throw new CaptureError(name, 0, "the file is empty", "give a pcap or pcapng capture");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = bytes.length >= 4 ? view.getUint32(0) : 0;
  if (magic === PCAPNG_SECTION) {
    readPcapng(bytes, name).next();
    return { name, format: "pcapng", packets: () => readPcapng(bytes, name) };
  }
  const little = bytes.length >= 4 ? view.getUint32(0, true) : 0;
  for (const wanted of [PCAP_MAGIC_MICROS, PCAP_MAGIC_NANOS]) {
    if (magic !== wanted && little !== wanted) continue;
    const read = openPcap(bytes, name, little === wanted, wanted === PCAP_MAGIC_NANOS);
    return { name, format: "pcap", packets: read };
  }
  throw unknownFormat(bytes, name, magic, little);
}

function unknownFormat(
  bytes: Uint8Array,
  name: string,
  magic: number,
  little: number,
): CaptureError {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    return new CaptureError(name, 0, "this is gzip", "unpack it first, with: gunzip FILE");
  }
  if (magic === PCAP_MAGIC_MODIFIED || little === PCAP_MAGIC_MODIFIED) {
    return new CaptureError(name, 0, "modified pcap is not supported", REMEDY_CONVERT);
  }
  const what = "neither pcap nor pcapng (unknown first bytes)";
  return new CaptureError(name, 0, what, "give a capture in one of these formats");
}
