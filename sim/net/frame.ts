/** Builds Ethernet frames as a device's driver sees them, with right lengths and checksums. */
import { parseAddress } from "../../host/netx/address.ts";

export const TCP = 6;
export const UDP = 17;
export const ICMP = 1;
export const ICMPV6 = 58;

export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;

const ETHERNET_BYTES = 14;
const HOP_LIMIT = 64;

/** One end of a conversation: the address's bytes, 4 or 16, and a port. */
export interface Endpoint {
  readonly address: Uint8Array;
  readonly port: number;
}

/** @throws Error with one line for a text that is no address */
export function endpoint(address: string, port: number): Endpoint {
  const bytes = parseAddress(address);
  if (bytes === undefined) throw new Error(`"${address}" is not an IP address`);
  return { address: bytes, port };
}

export interface TcpFields {
  readonly flags: number;
  readonly sequence: number;
  readonly acknowledged: number;
  readonly data?: Uint8Array;
}

const EMPTY = new Uint8Array(0);

/** A TCP segment (RFC 9293 3.1) without options. */
export function tcpFrame(from: Endpoint, to: Endpoint, fields: TcpFields): Uint8Array {
  const data = fields.data ?? EMPTY;
  const { bytes, view, at } = ipFrame(from.address, to.address, TCP, 20 + data.length);
  view.setUint16(at, from.port);
  view.setUint16(at + 2, to.port);
  view.setUint32(at + 4, fields.sequence >>> 0);
  view.setUint32(at + 8, fields.acknowledged >>> 0);
  view.setUint8(at + 12, 5 << 4);
  view.setUint8(at + 13, fields.flags);
  view.setUint16(at + 14, 0xffff);
  bytes.set(data, at + 20);
  view.setUint16(at + 16, transportChecksum(from.address, to.address, TCP, bytes.subarray(at)));
  return bytes;
}

/** A UDP datagram (RFC 768). */
export function udpFrame(from: Endpoint, to: Endpoint, data: Uint8Array): Uint8Array {
  const { bytes, view, at } = ipFrame(from.address, to.address, UDP, 8 + data.length);
  view.setUint16(at, from.port);
  view.setUint16(at + 2, to.port);
  view.setUint16(at + 4, 8 + data.length);
  bytes.set(data, at + 8);
  const sum = transportChecksum(from.address, to.address, UDP, bytes.subarray(at));
  view.setUint16(at + 6, sum || 0xffff);
  return bytes;
}

/** An echo request, or its reply (RFC 792, RFC 4443). */
export function echoFrame(
  from: Uint8Array,
  to: Uint8Array,
  isReply: boolean,
  sequence: number,
  dataBytes: number,
): Uint8Array {
  const isIpv4 = from.length === 4;
  const protocol = isIpv4 ? ICMP : ICMPV6;
  const { bytes, view, at } = ipFrame(from, to, protocol, 8 + dataBytes);
  const type = isIpv4 ? (isReply ? 0 : 8) : isReply ? 129 : 128;
  view.setUint8(at, type);
  view.setUint16(at + 4, 0x7069);
  view.setUint16(at + 6, sequence & 0xffff);
  for (let i = 0; i < dataBytes; i++) bytes[at + 8 + i] = i & 0xff;
  const body = bytes.subarray(at);
  const sum = isIpv4 ? fold(addWords(body, 0)) : transportChecksum(from, to, protocol, body);
  view.setUint16(at + 2, sum);
  return bytes;
}

/** An Ethernet frame with an IP header and room for `payloadBytes` behind it. */
export function ipFrame(
  from: Uint8Array,
  to: Uint8Array,
  protocol: number,
  payloadBytes: number,
): { bytes: Uint8Array; view: DataView; at: number } {
  if (from.length !== to.length) throw new Error("an IPv4 and an IPv6 address in one packet");
  const isIpv4 = from.length === 4;
  const at = ETHERNET_BYTES + (isIpv4 ? 20 : 40);
  const bytes = new Uint8Array(at + payloadBytes);
  const view = new DataView(bytes.buffer);
  bytes.set([2, 0, 0, 0, 0, to[to.length - 1] as number]);
  bytes.set([2, 0, 0, 0, 0, from[from.length - 1] as number], 6);
  view.setUint16(12, isIpv4 ? 0x0800 : 0x86dd);
  if (isIpv4) {
    view.setUint8(14, 0x45);
    view.setUint16(16, 20 + payloadBytes);
    view.setUint16(20, 0x4000); // Don't fragment.
    view.setUint8(22, HOP_LIMIT);
    view.setUint8(23, protocol);
    bytes.set(from, 26);
    bytes.set(to, 30);
    view.setUint16(24, fold(addWords(bytes.subarray(14, 34), 0)));
  } else {
    view.setUint8(14, 0x60);
    view.setUint16(18, payloadBytes);
    view.setUint8(20, protocol);
    view.setUint8(21, HOP_LIMIT);
    bytes.set(from, 22);
    bytes.set(to, 38);
  }
  return { bytes, view, at };
}

/** Over the pseudo header and the segment (RFC 9293 3.1, RFC 8200 8.1). */
function transportChecksum(
  from: Uint8Array,
  to: Uint8Array,
  protocol: number,
  segment: Uint8Array,
): number {
  const pseudo = addWords(to, addWords(from, protocol + segment.length));
  return fold(addWords(segment, pseudo));
}

/** Adds 16-bit words, big-endian; an odd last byte counts as the upper half. */
export function addWords(bytes: Uint8Array, start: number): number {
  let sum = start;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += ((bytes[i] as number) << 8) + (bytes[i + 1] ?? 0);
  }
  return sum;
}

/** The Internet checksum of a sum (RFC 1071). */
export function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x1_0000);
  return ~folded & 0xffff;
}
