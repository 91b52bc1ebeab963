/** Names of IP protocols in texts, and their IANA numbers. */
import {
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_IGMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "./events.ts";

const NAMES: ReadonlyMap<number, string> = new Map([
  [PROTOCOL_ICMP, "ICMP"],
  [PROTOCOL_IGMP, "IGMP"],
  [PROTOCOL_TCP, "TCP"],
  [PROTOCOL_UDP, "UDP"],
  [PROTOCOL_ICMPV6, "ICMPv6"],
]);
const NUMBERS: ReadonlyMap<string, number> = new Map([
  ...[...NAMES].map(([number, name]) => [name.toLowerCase(), number] as const),
  // As Linux tools name them, on whose output fielded agents rely.
  ["tcp6", PROTOCOL_TCP],
  ["udp6", PROTOCOL_UDP],
  ["ipv6-icmp", PROTOCOL_ICMPV6],
]);

/** "TCP" for 6; the decimal number where there is no name. */
export function protocolName(protocol: number): string {
  return NAMES.get(protocol) ?? String(protocol);
}

/** The number of a name in either case, or of a decimal number up to 255; null: neither. */
export function protocolNumber(text: string): number | null {
  if (/^(0|[1-9]\d{0,2})$/.test(text)) return Number(text) <= 255 ? Number(text) : null;
  return NUMBERS.get(text.toLowerCase()) ?? null;
}
