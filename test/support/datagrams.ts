/** Builds IP datagrams with all that their headers may hold; checksums are left 0. */
import { parseAddress } from "../../host/netx/address.ts";
import { joinBytes } from "./pcap-writer.ts";

export const TCP = 6;
export const UDP = 17;
export const ICMP = 1;
export const ICMPV6 = 58;
export const HOP_BY_HOP = 0;
export const ROUTING = 43;
export const FRAGMENT = 44;
export const DESTINATION = 60;

export interface Ipv4Fields {
  readonly from: string;
  readonly to: string;
  readonly protocol: number;
  readonly payload: Uint8Array;
  /** Bytes of options, a multiple of 4 up to 40. */
  readonly optionBytes?: number;
  /** In units of 8 bytes. */
  readonly fragmentOffset?: number;
  readonly moreFragments?: boolean;
  /** What the header says instead of the truth. */
  readonly totalLength?: number;
  readonly headerWords?: number;
}

export function ipv4(fields: Ipv4Fields): Uint8Array {
  const { optionBytes = 0, fragmentOffset = 0, moreFragments = false } = fields;
  const headerBytes = 20 + optionBytes;
  const header = new Uint8Array(headerBytes);
  const view = new DataView(header.buffer);
  view.setUint8(0, 0x40 | (fields.headerWords ?? headerBytes / 4));
  view.setUint16(2, fields.totalLength ?? headerBytes + fields.payload.length);
  view.setUint16(6, (moreFragments ? 0x2000 : 0) | fragmentOffset);
  view.setUint8(8, 64);
  view.setUint8(9, fields.protocol);
  header.set(addressOf(fields.from, 4), 12);
  header.set(addressOf(fields.to, 4), 16);
  header.fill(1, 20); // No operation (RFC 791 3.1).
  return joinBytes([header, fields.payload]);
}

export interface Extension {
  readonly kind: number;
  /** Bytes of the whole header, a multiple of 8; 8 for a fragment header. */
  readonly bytes?: number;
  /** Of a fragment header, in units of 8 bytes. */
  readonly fragmentOffset?: number;
  readonly moreFragments?: boolean;
}

export interface Ipv6Fields {
  readonly from: string;
  readonly to: string;
  readonly protocol: number;
  readonly payload: Uint8Array;
  readonly extensions?: readonly Extension[];
  /** What the header says instead of the truth. */
  readonly payloadLength?: number;
}

export function ipv6(fields: Ipv6Fields): Uint8Array {
  const { extensions = [], protocol } = fields;
  const kinds = [...extensions.map(({ kind }) => kind), protocol];
  const headers = extensions.map((extension, i) => extensionHeader(extension, kinds[i + 1] ?? 0));
  const content = joinBytes([...headers, fields.payload]);
  const header = new Uint8Array(40);
  const view = new DataView(header.buffer);
  view.setUint8(0, 0x60);
  view.setUint16(4, fields.payloadLength ?? content.length);
  view.setUint8(6, kinds[0] ?? 0);
  view.setUint8(7, 64);
  header.set(addressOf(fields.from, 16), 8);
  header.set(addressOf(fields.to, 16), 24);
  return joinBytes([header, content]);
}

function extensionHeader(extension: Extension, next: number): Uint8Array {
  const { kind, bytes = 8, fragmentOffset = 0, moreFragments = false } = extension;
  const header = new Uint8Array(bytes);
  header[0] = next;
  if (kind === FRAGMENT) {
    new DataView(header.buffer).setUint16(2, (fragmentOffset << 3) | (moreFragments ? 1 : 0));
  } else {
    header[1] = bytes / 8 - 1;
  }
  return header;
}

/** A UDP datagram of `dataBytes` zeros. */
export function udp(fromPort: number, toPort: number, dataBytes = 0): Uint8Array {
  const datagram = new Uint8Array(8 + dataBytes);
  const view = new DataView(datagram.buffer);
  view.setUint16(0, fromPort);
  view.setUint16(2, toPort);
  view.setUint16(4, datagram.length);
  return datagram;
}

export interface SegmentFields {
  readonly fromPort: number;
  readonly toPort: number;
  readonly flags: number;
  readonly sequence?: number;
  readonly acknowledged?: number;
  readonly dataBytes?: number;
}

/** A TCP segment without options. */
export function segment(fields: SegmentFields): Uint8Array {
  const bytes = new Uint8Array(20 + (fields.dataBytes ?? 0));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, fields.fromPort);
  view.setUint16(2, fields.toPort);
  view.setUint32(4, fields.sequence ?? 0);
  view.setUint32(8, fields.acknowledged ?? 0);
  view.setUint8(12, 5 << 4);
  view.setUint8(13, fields.flags);
  return bytes;
}

function addressOf(text: string, bytes: number): Uint8Array {
  const address = parseAddress(text);
  if (address?.length !== bytes) throw new Error(`${text} is no address of ${bytes} bytes`);
  return address;
}
