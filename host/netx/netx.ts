/**
 * Model of a NetX Duo instance, as far as the agent touches it: frames come in as from a driver,
 * and each unicast IP packet that the device sends or receives is offered to the agent's hooks
 * (on a board: the extended IP packet filter and the transport's receive functions).
 */
import type { DeviceAddress } from "./address.ts";
import { createCounters, type IpInfo, type TcpInfo, type UdpInfo } from "./counters.ts";
import { findIp, type IpPlace, LINK_IP, LINK_NOT_IP } from "./link.ts";
import {
  createLocalAddresses,
  FOR_DEVICE_IN,
  FOR_DEVICE_OUT,
  FOR_GROUP,
  FOR_OTHER_HOST,
} from "./local.ts";

/** `direction` of a packet. */
export const DIRECTION_OUT = FOR_DEVICE_OUT;
export const DIRECTION_IN = FOR_DEVICE_IN;

/** Takes the packets of the device: the agent's ring, or a program on the device. */
export interface PacketPort {
  /**
   * Offers one unicast IP packet. The bytes are the caller's: copy what must last.
   *
   * @param direction DIRECTION_OUT or DIRECTION_IN
   * @param bytes holds the packet
   * @param offset first byte of its IP header
   * @param length captured bytes from there on, at least 20 (IPv4) or 40 (IPv6)
   * @param originalBytes bytes on the wire from there on (link padding included), at least `length`
   */
  offer(
    direction: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    originalBytes: number,
  ): void;
}

/** What became of the frames; `seen` less the others is what was offered. */
export interface PacketCounts {
  seen: number;
  notIp: number;
  /** Too short to read the addresses, or the version is not what the link layer says. */
  malformed: number;
  broadcastOrMulticast: number;
  /** Neither from nor to the device. */
  otherHost: number;
}

export interface NetxOptions {
  /** The device's addresses on its interface. */
  readonly addresses: readonly DeviceAddress[];
  /** The agent's hooks. */
  readonly ring: PacketPort;
  /** What else on the device sees its packets, after the agent. */
  readonly application?: PacketPort;
}

export interface Netx {
  readonly packets: Readonly<PacketCounts>;
  /** Offered packets of which the capture does not hold every byte. */
  readonly truncated: number;
  /** A frame on the wire; `linkType` is a LINKTYPE_ value, lengths are bytes. */
  frame(
    linkType: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    originalBytes: number,
  ): void;
  /** `nx_ip_info_get` and so on: copies of the counters. */
  ipInfo(): IpInfo;
  tcpInfo(): TcpInfo;
  udpInfo(): UdpInfo;
}

/** Makes a NetX instance with one interface. It allocates nothing per packet. */
export function createNetx({ addresses, ring, application }: NetxOptions): Netx {
  const local = createLocalAddresses(addresses);
  const counters = createCounters();
  const packets: PacketCounts = {
    seen: 0,
    notIp: 0,
    malformed: 0,
    broadcastOrMulticast: 0,
    otherHost: 0,
  };
  const place: IpPlace = { offset: 0, version: 0 };
  let truncated = 0;

  /** One of FOR_*, or -1 if the addresses cannot be read. */
  function classify(bytes: Uint8Array, length: number): number {
    const { offset, version } = place;
    if (length < 20 || (bytes[offset] as number) >> 4 !== version) return -1;
    if (version === 4) return local.classifyIpv4(bytes, offset);
    return version === 6 && length >= 40 ? local.classifyIpv6(bytes, offset) : -1;
  }

  return {
    packets,
    get truncated() {
      return truncated;
    },
    frame(linkType, bytes, offset, length, originalBytes) {
      packets.seen++;
      const link = findIp(linkType, bytes, offset, offset + length, place);
      if (link !== LINK_IP) {
        if (link === LINK_NOT_IP) packets.notIp++;
        else packets.malformed++;
        return;
      }
      const ipLength = offset + length - place.offset;
      const kind = classify(bytes, ipLength);
      if (kind === FOR_GROUP) packets.broadcastOrMulticast++;
      else if (kind === FOR_OTHER_HOST) packets.otherHost++;
      else if (kind < 0) packets.malformed++;
      else {
        const original = originalBytes - (place.offset - offset);
        if (original > ipLength) truncated++;
        counters.count(kind, bytes, place.offset, ipLength, original);
        ring.offer(kind, bytes, place.offset, ipLength, original);
        application?.offer(kind, bytes, place.offset, ipLength, original);
      }
    },
    ipInfo: () => ({ ...counters.ip }),
    tcpInfo: () => ({ ...counters.tcp }),
    udpInfo: () => ({ ...counters.udp }),
  };
}
