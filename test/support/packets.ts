/** Builds IP packets for tests; checksums are left 0, as nothing here looks at them. */
import { parseAddress } from "../../host/netx/address.ts";
import { joinBytes } from "./pcap-writer.ts";

export const SYN = 0x02;
export const FIN = 0x01;
export const RST = 0x04;
export const ACK = 0x10;

export interface TcpFields {
  readonly from: string;
  readonly fromPort: number;
  readonly to: string;
  readonly toPort: number;
  readonly flags?: number;
  readonly sequence?: number;
  readonly acknowledged?: number;
  readonly payload?: Uint8Array;
}

/** A TCP segment in an IP packet of the addresses' version. */
export function tcpPacket(fields: TcpFields): Uint8Array {
  const { from, to, fromPort, toPort, flags = ACK, sequence = 0, acknowledged = 0 } = fields;
  const header = new Uint8Array(20);
  const view = new DataView(header.buffer);
  view.setUint16(0, fromPort);
  view.setUint16(2, toPort);
  view.setUint32(4, sequence >>> 0);
  view.setUint32(8, acknowledged >>> 0);
  view.setUint8(12, 5 << 4);
  view.setUint8(13, flags);
  return ipPacket(from, to, 6, joinBytes([header, fields.payload ?? new Uint8Array(0)]));
}

/** An IP packet without options or extension headers. */
export function ipPacket(
  from: string,
  to: string,
  protocol: number,
  payload: Uint8Array,
): Uint8Array {
  const [source, destination] = [parseAddress(from), parseAddress(to)];
  if (source === undefined || source.length !== destination?.length) {
    throw new Error(`ipPacket: ${from} to ${to}`);
  }
  const version4 = source.length === 4;
  const header = new Uint8Array(version4 ? 12 : 8);
  const view = new DataView(header.buffer);
  if (version4) {
    view.setUint8(0, 0x45);
    view.setUint16(2, 20 + payload.length);
    view.setUint8(8, 64);
    view.setUint8(9, protocol);
  } else {
    view.setUint8(0, 0x60);
    view.setUint16(4, payload.length);
    view.setUint8(6, protocol);
    view.setUint8(7, 64);
  }
  return joinBytes([header, source, destination, payload]);
}

/** An Ethernet frame; the addresses mean nothing. */
export function ethernetFrame(etherType: number, payload: Uint8Array): Uint8Array {
  const header = Uint8Array.of(2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, etherType >> 8, etherType & 255);
  return joinBytes([header, payload]);
}
