/** Who a packet is for: compares addresses at fixed places of the IP header, nothing deeper. */
import type { DeviceAddress } from "./address.ts";

export const FOR_DEVICE_OUT = 0;
export const FOR_DEVICE_IN = 1;
export const FOR_GROUP = 2;
export const FOR_OTHER_HOST = 3;

/** Tells the addresses of a device from others. */
export interface LocalAddresses {
  /** `at` is the first byte of a whole IPv4 header; returns one of FOR_*. */
  classifyIpv4(bytes: Uint8Array, at: number): number;
  /** `at` is the first byte of a whole IPv6 header; returns one of FOR_*. */
  classifyIpv6(bytes: Uint8Array, at: number): number;
}

/**
 * Rules, in this order: a group or broadcast destination is FOR_GROUP whoever sent it; a source of
 * the device is out, also 0.0.0.0 and :: (the device before it has an address) unless the packet
 * is for the device; a destination of the device is in; the rest is for other hosts.
 */
export function createLocalAddresses(addresses: readonly DeviceAddress[]): LocalAddresses {
  const ipv4 = addresses.filter(({ bytes }) => bytes.length === 4);
  const hosts = Int32Array.from(ipv4, ({ bytes }) => word(bytes, 0));
  const broadcasts = Int32Array.from([-1, ...ipv4.flatMap(broadcastOf)]);
  const ipv6 = addresses.filter(({ bytes }) => bytes.length === 16);
  const words = Int32Array.from(
    ipv6.flatMap(({ bytes }) => [0, 4, 8, 12].map((offset) => word(bytes, offset))),
  );

  return {
    classifyIpv4(bytes, at) {
      const destination = word(bytes, at + 16);
      if (destination >>> 28 === 0xe || isIn(broadcasts, destination)) return FOR_GROUP;
      const source = word(bytes, at + 12);
      if (isIn(hosts, source)) return FOR_DEVICE_OUT;
      if (isIn(hosts, destination)) return FOR_DEVICE_IN;
      return source === 0 ? FOR_DEVICE_OUT : FOR_OTHER_HOST;
    },
    classifyIpv6(bytes, at) {
      if (bytes[at + 24] === 0xff) return FOR_GROUP;
      if (holds(words, bytes, at + 8)) return FOR_DEVICE_OUT;
      if (holds(words, bytes, at + 24)) return FOR_DEVICE_IN;
      return isZero(bytes, at + 8) ? FOR_DEVICE_OUT : FOR_OTHER_HOST;
    },
  };
}

/** Directed broadcast address of the address's network; /31 and /32 have none. */
function broadcastOf({ bytes, prefix }: DeviceAddress): number[] {
  if (prefix === undefined || prefix > 30) return [];
  return [word(bytes, 0) | (0xffff_ffff >>> prefix)];
}

/** `includes` of typed arrays costs several times as much for so few. */
function isIn(list: Int32Array, value: number): boolean {
  for (let i = 0; i < list.length; i++) if (list[i] === value) return true;
  return false;
}

function holds(words: Int32Array, bytes: Uint8Array, at: number): boolean {
  if (words.length === 0) return false;
  const last = word(bytes, at + 12);
  for (let i = 0; i < words.length; i += 4) {
    // The interface identifier differs between hosts, the network seldom.
    if (words[i + 3] !== last || words[i + 2] !== word(bytes, at + 8)) continue;
    if (words[i] === word(bytes, at) && words[i + 1] === word(bytes, at + 4)) return true;
  }
  return false;
}

function isZero(bytes: Uint8Array, at: number): boolean {
  return (word(bytes, at) | word(bytes, at + 4) | word(bytes, at + 8) | word(bytes, at + 12)) === 0;
}

/** Big endian 32 bits as a signed number. */
function word(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}
