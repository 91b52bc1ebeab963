/** IP addresses as text and bytes, and the device's own addresses. */
import { isIPv4, isIPv6 } from "node:net";
import { ipv4Text, ipv6Text } from "../../wire/address.ts";

/** An address of the device's interface. */
export interface DeviceAddress {
  /** 4 or 16 bytes, network order. */
  readonly bytes: Uint8Array;
  /** Prefix length in bits; absent: not known, so no directed broadcast is recognised. */
  readonly prefix?: number;
}

/** A text that is not an address the device can have. The message is one line. */
export class AddressError extends Error {
  override readonly name = "AddressError";
}

const IPV4_FORM = "give IPv4 (10.20.0.10) or IPv6 (fd00::10), each with or without /PREFIX";

/**
 * Parses a list of device addresses, separated by commas: `ADDRESS[/PREFIX],…`.
 *
 * @throws AddressError if there is none, or one is no unicast address, or stands there twice
 */
export function parseDeviceAddresses(text: string): DeviceAddress[] {
  const seen = new Set<string>();
  return text.split(",").map((part) => {
    const address = parseDeviceAddress(part.trim());
    const canonical = formatAddress(address.bytes);
    if (seen.has(canonical)) {
      throw new AddressError(`device address ${canonical} is given twice: leave one out`);
    }
    seen.add(canonical);
    return address;
  });
}

/**
 * Parses one `ADDRESS[/PREFIX]` of the device.
 *
 * @throws AddressError if it is not the address of one host: nonsense, unspecified, multicast,
 *   broadcast, or the network's own; also IPv4 written as IPv6, and IPv6 with a zone
 */
export function parseDeviceAddress(text: string): DeviceAddress {
  const [host = "", prefixText, ...rest] = text.split("/");
  const bytes = parseAddress(host);
  if (bytes === undefined || rest.length > 0) throw refused(text, "is no IP address", IPV4_FORM);
  if (isMapped(bytes)) throw refused(text, "is IPv4 in IPv6 form", "give it as IPv4");
  if (isGroupAddress(bytes)) throw refused(text, "is a multicast address", "give a unicast one");
  if (bytes.every((byte) => byte === 0)) throw refused(text, "is no host's address", IPV4_FORM);
  if (bytes.length === 4 && bytes.every((byte) => byte === 255)) {
    throw refused(text, "is the broadcast address", IPV4_FORM);
  }
  if (prefixText === undefined) return { bytes };
  const prefix = Number(prefixText);
  const most = bytes.length * 8;
  if (!/^\d{1,3}$/.test(prefixText) || prefix > most) {
    throw refused(text, "has a wrong prefix length", `give 0 to ${most}`);
  }
  if (bytes.length === 4) refuseNetwork(text, bytes, prefix);
  return { bytes, prefix };
}

function refused(text: string, what: string, remedy: string): AddressError {
  return new AddressError(`device address ${JSON.stringify(text)} ${what}: ${remedy}`);
}

/** The first and last address of an IPv4 network belong to no host (but RFC 3021: /31). */
function refuseNetwork(text: string, bytes: Uint8Array, prefix: number): void {
  if (prefix > 30) return;
  const address = readU32(bytes, 0);
  const hosts = 0xffff_ffff >>> prefix;
  if ((address & hosts) >>> 0 === hosts) {
    throw refused(text, "is its network's broadcast address", "give the device's own");
  }
  if ((address & hosts) === 0) {
    throw refused(text, "is a network, no host", "give the device's own address");
  }
}

/** Address bytes (4 or 16, network order) of a text; undefined if it is none or has a zone. */
export function parseAddress(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split("."), Number);
  if (!isIPv6(text) || text.includes("%")) return undefined;
  const halves = text.split("::").map(groupsOf);
  const [front = [], back = []] = halves;
  const zeros = Array<number>(8 - front.length - back.length).fill(0);
  const groups = [...front, ...zeros, ...back];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** The 16-bit groups of one half of an IPv6 text; its last one may be dotted IPv4. */
function groupsOf(half: string): number[] {
  if (half === "") return [];
  return half.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number);
    return [(a << 8) | b, (c << 8) | d];
  });
}

/**
 * Writes an address: dotted IPv4, or IPv6 as RFC 5952 says.
 *
 * @param bytes 4 or 16 bytes, network order
 */
export function formatAddress(bytes: Uint8Array): string {
  return bytes.length === 4 ? ipv4Text(bytes) : ipv6Text(bytes);
}

/** True for multicast: 224.0.0.0/4 or ff00::/8. */
export function isGroupAddress(bytes: Uint8Array): boolean {
  const first = bytes[0] ?? 0;
  return bytes.length === 4 ? first >> 4 === 0xe : first === 0xff;
}

function isMapped(bytes: Uint8Array): boolean {
  if (bytes.length !== 16 || bytes[10] !== 0xff || bytes[11] !== 0xff) return false;
  return bytes.subarray(0, 10).every((byte) => byte === 0);
}

function readU32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  return ((high << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0;
}
