/** Flows that the device opens: scans, floods and uploads by it. */
import { isLocalAddress } from "./address.ts";
import type { FlowTurn } from "./flow-behaviours.ts";
import { count, countDistinct, ICMP, ICMPV6, isBare, NAME_PORT, TCP, UDP } from "./flow-counts.ts";

/** An upload sends so many times more than it gets. */
const UPLOAD_RATIO = 4;
/** A connection that carries more is used, not a means to load the other side; bytes both ways. */
const USED_BYTES = 1500;
/** Look-ups of names that people and makers give are shorter, bytes with the UDP header. */
const NAME_BYTES = 90;

export function countOutbound(at: FlowTurn): void {
  const { flow } = at;
  const isName = flow.protocol === UDP && flow.remotePort === NAME_PORT;
  if (isName) countNames(at);
  else if (at.isForeign) countUpload(at);
  if (!at.isNew) return;
  countHosts(at);
  if (flow.protocol === TCP) countTcp(at);
  else if (flow.protocol === UDP) {
    const isVain = flow.bytesIn === 0;
    if (isVain) countDistinct(at, "portScanOut", "host", flow.remotePort);
    const isLookUp = isName && !isVain;
    count(at, isLookUp ? "nameFlood" : "datagramFlood", "host");
  }
}

function countHosts(at: FlowTurn): void {
  const { protocol, remoteAddress, packetsIn, bytesIn } = at.flow;
  // Neighbours are looked up with ICMPv6, one by one.
  if (protocol === ICMPV6 && isLocalAddress(remoteAddress)) return;
  countDistinct(at, "hostScanOut", "service", at.remoteHash);
  const isVain = protocol === TCP ? isBare(packetsIn, bytesIn) : bytesIn === 0;
  if (isVain) countDistinct(at, "hostScanOutSlow", "service", at.remoteHash);
}

function countTcp(at: FlowTurn): void {
  const { remotePort, packetsIn, bytesIn, bytesOut } = at.flow;
  if (isBare(packetsIn, bytesIn)) {
    countDistinct(at, "portScanOut", "host", remotePort);
  }
  if (bytesIn + bytesOut < USED_BYTES) {
    count(at, "floodOut", "end");
  }
}

/** Data in long names goes out through every resolver, that of the house included. */
function countNames(at: FlowTurn): void {
  const { bytesOut, packetsOut } = at.flow;
  if (bytesOut < NAME_BYTES * packetsOut || packetsOut === 0) return;
  count(at, "nameUpload", "host", bytesOut);
}

function countUpload(at: FlowTurn): void {
  const { protocol, bytesOut, bytesIn } = at.flow;
  if (bytesOut === 0) return;
  const track = count(at, "upload", "host", bytesOut);
  // An echo brings back what was sent, so it says nothing.
  const isEcho = protocol === ICMP || protocol === ICMPV6;
  track.back = (track.back ?? 0) + (isEcho ? 0 : bytesIn);
  if (track.n < UPLOAD_RATIO * track.back) at.touched.delete(track);
}
