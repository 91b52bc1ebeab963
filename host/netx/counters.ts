/**
 * What a NetX Duo instance counts of its own traffic, by the names of `nx_ip_info_get`,
 * `nx_tcp_info_get` and `nx_udp_info_get`, as far as packets on the wire show it.
 *
 * A stack refuses some packets that a capture shows (checksums, closed ports, full queues), so
 * these are upper limits of what a real board would say.
 */
import { findTransport, type TransportPlace } from "./transport.ts";

const TCP = 6;
const UDP = 17;
const TCP_HEADER_BYTES = 20;
const UDP_HEADER_BYTES = 8;

/** `nx_ip_info_get`; bytes are without the IP header, with its extension headers. */
export interface IpInfo {
  ip_total_packets_sent: number;
  ip_total_bytes_sent: number;
  ip_total_packets_received: number;
  ip_total_bytes_received: number;
  ip_invalid_packets: number;
  ip_total_fragments_sent: number;
  ip_total_fragments_received: number;
}

/** `nx_tcp_info_get`; like NetX, packets with data only, and bytes of that data. */
export interface TcpInfo {
  tcp_packets_sent: number;
  tcp_bytes_sent: number;
  tcp_packets_received: number;
  tcp_bytes_received: number;
  tcp_invalid_packets: number;
}

/** `nx_udp_info_get`; bytes without the UDP header. */
export interface UdpInfo {
  udp_packets_sent: number;
  udp_bytes_sent: number;
  udp_packets_received: number;
  udp_bytes_received: number;
  udp_invalid_packets: number;
}

export interface NetxCounters {
  readonly ip: IpInfo;
  readonly tcp: TcpInfo;
  readonly udp: UdpInfo;
  /** Counts a packet that the device sent (0) or received (1). */
  count(
    direction: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    original: number,
  ): void;
}

export function createCounters(): NetxCounters {
  const ip: IpInfo = {
    ip_total_packets_sent: 0,
    ip_total_bytes_sent: 0,
    ip_total_packets_received: 0,
    ip_total_bytes_received: 0,
    ip_invalid_packets: 0,
    ip_total_fragments_sent: 0,
    ip_total_fragments_received: 0,
  };
  const tcp: TcpInfo = {
    tcp_packets_sent: 0,
    tcp_bytes_sent: 0,
    tcp_packets_received: 0,
    tcp_bytes_received: 0,
    tcp_invalid_packets: 0,
  };
  const udp: UdpInfo = {
    udp_packets_sent: 0,
    udp_bytes_sent: 0,
    udp_packets_received: 0,
    udp_bytes_received: 0,
    udp_invalid_packets: 0,
  };
  const place: TransportPlace = { protocol: 0, offset: 0, end: 0, fragment: 0 };

  return {
    ip,
    tcp,
    udp,
    count(direction, bytes, offset, length, original) {
      const sent = direction === 0;
      if (!sent) ip.ip_total_packets_received++;
      if (!findTransport(bytes, offset, length, original, place)) {
        ip.ip_invalid_packets++;
        return;
      }
      countIp(ip, sent, place.end - offset - headerBytes(bytes, offset), place.fragment);
      // Bytes of later fragments count when NetX has put the datagram together: not modelled.
      if (place.fragment !== 0) return;
      if (place.protocol === TCP) countTcp(tcp, sent, bytes, offset + length, place);
      if (place.protocol === UDP) countUdp(udp, sent, place.end - place.offset);
    },
  };
}

function headerBytes(bytes: Uint8Array, offset: number): number {
  const first = bytes[offset] as number;
  return first >> 4 === 4 ? (first & 15) * 4 : 40;
}

function countIp(ip: IpInfo, sent: boolean, payload: number, fragment: number): void {
  if (sent) {
    ip.ip_total_packets_sent++;
    ip.ip_total_bytes_sent += payload;
    if (fragment !== 0) ip.ip_total_fragments_sent++;
    return;
  }
  ip.ip_total_bytes_received += payload;
  if (fragment !== 0) ip.ip_total_fragments_received++;
}

function countTcp(
  tcp: TcpInfo,
  sent: boolean,
  bytes: Uint8Array,
  captured: number,
  place: TransportPlace,
): void {
  const segment = place.end - place.offset;
  if (segment < TCP_HEADER_BYTES) {
    tcp.tcp_invalid_packets++;
    return;
  }
  if (place.offset + 13 > captured) return; // Cut by the capture: nothing to say.
  const header = ((bytes[place.offset + 12] as number) >> 4) * 4;
  if (header < TCP_HEADER_BYTES || header > segment) {
    tcp.tcp_invalid_packets++;
    return;
  }
  const data = segment - header;
  if (data === 0) return;
  if (sent) {
    tcp.tcp_packets_sent++;
    tcp.tcp_bytes_sent += data;
  } else {
    tcp.tcp_packets_received++;
    tcp.tcp_bytes_received += data;
  }
}

function countUdp(udp: UdpInfo, sent: boolean, datagram: number): void {
  if (datagram < UDP_HEADER_BYTES) {
    udp.udp_invalid_packets++;
    return;
  }
  if (sent) {
    udp.udp_packets_sent++;
    udp.udp_bytes_sent += datagram - UDP_HEADER_BYTES;
  } else {
    udp.udp_packets_received++;
    udp.udp_bytes_received += datagram - UDP_HEADER_BYTES;
  }
}
