/** Floods of packets within single flows, both ways. */
import type { FlowTurn } from "./flow-behaviours.ts";
import { count, ICMP, ICMPV6, isBare, TCP, UDP } from "./flow-counts.ts";

/** A flow of fewer packets in one interval is no part of a packet flood. */
const BULK_PACKETS = 100;
/** Who is served, or serves, answers at least every so many packets. */
const UNANSWERED_RATIO = 4;
/** Packets of a flood out that are larger are told by their volume, bytes. */
const SMALL_BYTES = 200;
/** An interval of fewer ICMP packets is no part of a flood of them. */
const ICMP_PACKETS = 10;

export function countPackets(at: FlowTurn): void {
  const { flow } = at;
  const { protocol, packetsIn, packetsOut } = flow;
  if (protocol === ICMP || protocol === ICMPV6) {
    // Answered or not: stacks answer every echo request.
    if (packetsIn >= ICMP_PACKETS) count(at, "icmpFlood", "host", packetsIn);
  } else if (packetsIn >= BULK_PACKETS && flow.initiator !== "local") {
    // TCP: headers alone both ways; data is a transfer, which TCP itself slows down.
    const isFlood =
      protocol === TCP
        ? isBare(packetsIn, flow.bytesIn) && isBare(packetsOut, flow.bytesOut)
        : packetsIn >= UNANSWERED_RATIO * packetsOut;
    if (isFlood) count(at, "packetFlood", "host", packetsIn);
  }
  if (packetsOut < BULK_PACKETS || packetsOut < UNANSWERED_RATIO * packetsIn) return;
  const isSmall = flow.bytesOut <= SMALL_BYTES * packetsOut;
  if (at.isForeign && isSmall && protocol === UDP) {
    count(at, "packetFloodOut", "host", packetsOut);
  }
}
