/**
 * Reads the head of an IP packet (RFC 791, RFC 8200) and counts it to its flow. The bytes are an
 * attacker's: every length is checked against the head and against the packet.
 */
import {
  CONNECTION_STATE,
  ESTABLISHED,
  INITIATOR_IN,
  SYN_ACK_SEEN,
  TCP_FIN,
  TCP_FLAGS_AT,
  TCP_RST,
  TCP_SYN,
  track,
} from "./connection";
import { connectionCreated } from "./connection-event";
import { COUNTER_HIGH, find, findIpv4 } from "./flows";
import { Flow, FlowIpv6 } from "./layout";
import {
  CAUSE_FLOW_TABLE_FULL_IPV4,
  CAUSE_FLOW_TABLE_FULL_IPV6,
  CAUSE_HEAD_TOO_SHORT,
  CAUSE_MALFORMED,
  CAUSE_NOT_UNICAST,
  INITIATOR_LOCAL,
  INITIATOR_REMOTE,
} from "./message";
import { COLLECT_CONNECTION_CREATE, COLLECT_CONNECTIONS, FLOW_SLOTS_IPV6 } from "./options";
import { lose, state } from "./state";

const TCP: u32 = 6;
const UDP: u32 = 17;
const HOP_BY_HOP: u32 = 0;
const ROUTING: u32 = 43;
const FRAGMENT: u32 = 44;
const DESTINATION: u32 = 60;
/** Added to the protocol of non-first fragments. */
const FRAGMENTS: u32 = 256;
const IPV4_HEADER: u32 = 20;
const IPV6_HEADER: u32 = 40;
const TCP_HEADER: u32 = 20;
const UDP_HEADER: u32 = 8;
const PORTS: u32 = 4;
const INITIATOR_MASK: u32 = 3;

/**
 * Counts one packet.
 *
 * @param head first bytes of the IP packet
 * @param headBytes how many of them are there
 * @param packetBytes length of the whole packet as received
 * @param direction 0 out, 1 in
 */
export function countPacket(head: usize, headBytes: u32, packetBytes: u32, direction: u32): void {
  const version = headBytes ? <u32>load<u8>(head) >> 4 : 0;
  if (version === 4) countIpv4(head, headBytes, packetBytes, direction);
  else if (version === 6) {
    if (FLOW_SLOTS_IPV6) countIpv6(head, headBytes, packetBytes, direction);
    else lose(CAUSE_FLOW_TABLE_FULL_IPV6);
  } else lose(CAUSE_MALFORMED);
}

/** A header goes on beyond what there is: of the packet, or only of the head that was kept. */
function refuseShort(headBytes: u32, packetBytes: u32): void {
  lose(headBytes < packetBytes ? CAUSE_HEAD_TOO_SHORT : CAUSE_MALFORMED);
}

function countIpv4(head: usize, headBytes: u32, packetBytes: u32, direction: u32): void {
  if (headBytes < IPV4_HEADER) {
    refuseShort(headBytes, packetBytes);
    return;
  }
  const header = (<u32>load<u8>(head) & 15) << 2;
  let total = <u32>bswap<u16>(load<u16>(head, 2));
  // Segmentation offload hands over packets whose length is filled in later.
  if (total === 0 && direction === 0) total = packetBytes;
  if (header < IPV4_HEADER || total < header || total > packetBytes) {
    lose(CAUSE_MALFORMED);
    return;
  }
  const destination = load<u32>(head, 16);
  if ((destination & 0xf0) === 0xe0 || destination === 0xffffffff) {
    lose(CAUSE_NOT_UNICAST);
    return;
  }
  const fragment = <u32>load<u16>(head, 6);
  let kind = <u32>load<u8>(head, 9);
  if (fragment & 0xff1f) kind |= FRAGMENTS;
  const bytes = total - header;
  const present = <i32>headBytes - <i32>header;
  const transport = head + header;
  let ports: u32 = 0;
  if (kind === TCP || kind === UDP) {
    if (bytes < TCP_HEADER || present < <i32>TCP_HEADER) {
      const more = (fragment & 0x20) !== 0;
      if (!hasPorts(kind, present, bytes, more, headBytes < packetBytes)) return;
    }
    ports = load<u32>(transport);
    if (direction) ports = rotl<u32>(ports, 16);
  }
  const local = head + 12 + (direction << 2);
  const remote = head + 16 - (direction << 2);
  const flow = findIpv4(local, remote, ports, kind);
  if (flow === null) lose(CAUSE_FLOW_TABLE_FULL_IPV4);
  else add(flow, transport, present, bytes, direction);
}

function countIpv6(head: usize, headBytes: u32, packetBytes: u32, direction: u32): void {
  if (headBytes < IPV6_HEADER) {
    refuseShort(headBytes, packetBytes);
    return;
  }
  const end = IPV6_HEADER + <u32>bswap<u16>(load<u16>(head, 4));
  if (end > packetBytes) {
    lose(CAUSE_MALFORMED);
    return;
  }
  if (load<u8>(head, 24) === 0xff) {
    lose(CAUSE_NOT_UNICAST);
    return;
  }
  let kind = <u32>load<u8>(head, 6);
  let at: u32 = IPV6_HEADER;
  let more = false;
  while (kind === HOP_BY_HOP || kind === ROUTING || kind === FRAGMENT || kind === DESTINATION) {
    if (at + 8 > end) {
      lose(CAUSE_MALFORMED);
      return;
    }
    if (at + 8 > headBytes) {
      lose(CAUSE_HEAD_TOO_SHORT);
      return;
    }
    const here = head + at;
    if (kind === FRAGMENT) {
      const fragment = <u32>load<u16>(here, 2);
      kind = load<u8>(here);
      at += 8;
      more = (fragment & 0x100) !== 0;
      if (fragment & 0xf8ff) {
        kind |= FRAGMENTS;
        break;
      }
    } else {
      kind = load<u8>(here);
      at += (<u32>load<u8>(here, 1) + 1) << 3;
    }
  }
  if (at > end) {
    lose(CAUSE_MALFORMED);
    return;
  }
  const bytes = end - at;
  const present = <i32>headBytes - <i32>at;
  let ports: u32 = 0;
  if (kind === TCP || kind === UDP) {
    if (!hasPorts(kind, present, bytes, more, headBytes < packetBytes)) return;
    ports = load<u32>(head + at);
    if (direction) ports = rotl<u32>(ports, 16);
  }
  const local = head + 8 + (direction << 4);
  const remote = head + 24 - (direction << 4);
  const flow = find<FlowIpv6>(local, remote, ports, kind);
  if (flow === null) lose(CAUSE_FLOW_TABLE_FULL_IPV6);
  else add(flow, head + at, present, bytes, direction);
}

/**
 * @param header of the transport
 * @param present bytes of it that the head holds; may be negative
 * @param bytes of layer 4 in the packet
 * @param more a first fragment: the rest of the transport header may be in the next
 * @param cut the head is shorter than the packet
 * @returns whether there are ports to read
 */
function hasPorts(kind: u32, present: i32, bytes: u32, more: bool, cut: bool): bool {
  const least = more ? PORTS : kind === TCP ? TCP_HEADER : UDP_HEADER;
  if (bytes >= least && present >= <i32>PORTS) return true;
  lose(bytes >= least && cut ? CAUSE_HEAD_TOO_SHORT : CAUSE_MALFORMED);
  return false;
}

/** Adds a packet to its flow's counters, and follows its connection. */
function add(flow: Flow, header: usize, present: i32, bytes: u32, direction: u32): void {
  const counters = changetype<usize>(flow) + (direction << 2);
  const packets = load<u32>(counters, offsetof<Flow>("packets_out")) + 1;
  store<u32>(counters, packets, offsetof<Flow>("packets_out"));
  const sum = load<u32>(counters, offsetof<Flow>("bytes_out")) + bytes;
  store<u32>(counters, sum, offsetof<Flow>("bytes_out"));
  if ((sum | packets) >= COUNTER_HIGH) state.urgent = 1;
  const kind = <u32>flow.kind;
  let isNew = false;
  if (kind === TCP) {
    if (present <= <i32>TCP_FLAGS_AT || bytes < TCP_HEADER) return;
    // Most segments tell nothing of a connection: no call for them.
    const flags = <u32>load<u8>(header, TCP_FLAGS_AT);
    if (COLLECT_CONNECTIONS) {
      const connection = <u32>flow.connection;
      const isAtRest =
        (connection & ~INITIATOR_IN) === ESTABLISHED ||
        (connection & CONNECTION_STATE) < SYN_ACK_SEEN;
      if (isAtRest && (flags & (TCP_FIN | TCP_SYN | TCP_RST)) === 0) return;
    } else if ((flags & TCP_SYN) === 0) return;
    isNew = track(flow, header, bytes, direction);
  } else if (flow.packets_in + flow.packets_out === 1) {
    isNew = introduce(flow, kind, direction);
  }
  if (COLLECT_CONNECTION_CREATE && isNew) connectionCreated(flow);
}

/**
 * Notes the direction of a flow's first packet as its initiator; fragments have none.
 *
 * @returns whether the flow is new
 */
function introduce(flow: Flow, kind: u32, direction: u32): bool {
  if (kind & FRAGMENTS || flow.flags & INITIATOR_MASK) return false;
  flow.flags |= <u8>(direction ? INITIATOR_REMOTE : INITIATOR_LOCAL);
  return true;
}
