/** Rules on single flows: allow lists of addresses, threat intelligence. */
import type { ConnectionCreate, NetworkActivity } from "../wire/events.ts";
import { isGroupAddress } from "./address.ts";
import type { IpAllow } from "./compiled-group.ts";
import { customAlertType } from "./rule-types.ts";
import { raise, type Turn } from "./turn.ts";

/** Allowed values named in one alert, the first. */
const ALLOWED_SHOWN_MAX = 16;
const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  1: "ICMP",
  6: "TCP",
  17: "UDP",
  58: "ICMPv6",
};

export function protocolName(protocol: number): string {
  return PROTOCOL_NAMES[protocol] ?? `protocol ${protocol}`;
}

/** Holds one flow against the group's lists and the feeds. */
export function checkFlow(turn: Turn, flow: NetworkActivity): void {
  const { toAllowed, fromAllowed } = turn.group;
  if (flow.outbound && toAllowed) {
    checkAllowed(turn, "ConnectionToIpNotAllowed", toAllowed, flow, "to");
  }
  if (fromAllowed && flow.initiator === "remote") {
    checkAllowed(turn, "ConnectionFromIpNotAllowed", fromAllowed, flow, "from");
  }
  if (turn.settings.intel) checkIntel(turn, flow);
}

/** The same for a connection that the agent reports as it is made. */
export function checkConnection(turn: Turn, connection: ConnectionCreate): void {
  const { toAllowed, fromAllowed } = turn.group;
  if (connection.direction === "Out") {
    if (toAllowed) checkAllowed(turn, "ConnectionToIpNotAllowed", toAllowed, connection, "to");
  } else if (fromAllowed) {
    checkAllowed(turn, "ConnectionFromIpNotAllowed", fromAllowed, connection, "from");
  }
  if (turn.settings.intel) checkIntel(turn, connection);
}

type Remote = {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly protocol: number;
};

function checkAllowed(
  turn: Turn,
  rule: "ConnectionToIpNotAllowed" | "ConnectionFromIpNotAllowed",
  allow: IpAllow,
  remote: Remote,
  preposition: "to" | "from",
): void {
  const { remoteAddress } = remote;
  if (allow.table.match(remoteAddress) >= 0 || isGroupAddress(remoteAddress)) return;
  raise(turn, {
    type: customAlertType(rule),
    rule,
    cause: remoteAddress,
    value: remoteAddress,
    range: { allowed: allow.values.slice(0, ALLOWED_SHOWN_MAX) },
    explanation:
      `${protocolName(remote.protocol)} ${preposition} ${remoteAddress} port ${remote.remotePort}: ` +
      `none of the ${allow.values.length} allowed networks holds it`,
  });
}

function checkIntel(turn: Turn, remote: Remote): void {
  const match = turn.settings.intel?.address(remote.remoteAddress);
  if (!match) return;
  raise(turn, {
    type: "IoT_TiConnection",
    rule: "ThreatIntelligence",
    cause: remote.remoteAddress,
    value: remote.remoteAddress,
    range: { expected: `no address on ${match.feed}` },
    explanation:
      `${protocolName(remote.protocol)} with ${remote.remoteAddress} port ${remote.remotePort}, ` +
      `which feed ${match.feed} lists as ${match.indicator}`,
  });
}
