/** Flows that others open: scans, brute force and floods against the device. */
import type { NetworkActivity } from "../wire/events.ts";
import { isLocalAddress } from "./address.ts";
import type { FlowTurn } from "./flow-behaviours.ts";
import { count, countDistinct, HANDSHAKE_PACKETS, isBare, TCP, UDP } from "./flow-counts.ts";

/** Services with a login that worms try: FTP, SSH, Telnet, MQTT, RDP, VNC, their usual seconds. */
const LOGIN_PORTS = new Set([21, 22, 23, 1883, 2222, 2323, 3389, 5900, 8022, 8883]);
/** Where a login is one request of many: a page takes several too. */
const WEB_PORTS = new Set([80, 443, 8000, 8080, 8443]);
/** Answers to a search come from these: NetBIOS, SSDP, WS-Discovery, mDNS, LLMNR. */
const DISCOVERY_PORTS = new Set([137, 1900, 3702, 5353, 5355]);
/** Ports from here on are a client's own: an answer to one is no probe. RFC 6335, Linux. */
const EPHEMERAL_FROM = 32_768;
/** Larger answers are content, which nobody gets who guesses passwords or fills tables; bytes. */
const CONTENT_BYTES = 1200;
/** Who guesses gets so many short answers for one with content. */
const REFUSED_RATIO = 8;

export function countInbound(at: FlowTurn): void {
  const { flow } = at;
  if (flow.protocol === TCP) {
    if (flow.initiator === "remote" || isProbe(flow)) countTcp(at);
  } else if (flow.protocol === UDP && flow.initiator === "remote") countUdp(at);
}

/** A segment without a handshake (FIN, NULL, XMAS, ACK, fragmented scans). */
function isProbe(flow: NetworkActivity): boolean {
  const { initiator, packetsIn, packetsOut, bytesIn } = flow;
  if (initiator !== null || packetsIn === 0 || packetsIn > 2 || packetsOut > 2) return false;
  return isBare(packetsIn, bytesIn) && flow.localPort < EPHEMERAL_FROM;
}

function countTcp(at: FlowTurn): void {
  const { localPort, remotePort, packetsIn, bytesIn, packetsOut, bytesOut } = at.flow;
  const isSilent = isBare(packetsIn, bytesIn);
  // Who sends data has a use for the port: passive FTP opens one for each file.
  if (isSilent) countDistinct(at, "portScan", "host", localPort);
  if (LOGIN_PORTS.has(localPort) && (packetsIn >= HANDSHAKE_PACKETS || !isSilent)) {
    // By the other end's port: a session that pauses and goes on is no other attempt.
    countDistinct(at, "bruteForce", "login", remotePort);
    countDistinct(at, "bruteForceSlow", "login", remotePort);
    return;
  }
  const isContent = bytesOut >= CONTENT_BYTES;
  const isAnswered = !isSilent && !isBare(packetsOut, bytesOut);
  const isRequest = isAnswered && WEB_PORTS.has(localPort);
  if (isRequest) countRequest(at, isContent);
  count(at, isRequest || isContent ? "requestFlood" : "floodIn", "port");
}

/** Short answers are refusals when hardly any content comes between them. */
function countRequest(at: FlowTurn, isContent: boolean): void {
  const track = count(at, "bruteForceWeb", "login", isContent ? 0 : 1);
  track.back = (track.back ?? 0) + (isContent ? 1 : 0);
  if (track.n < REFUSED_RATIO * track.back) at.touched.delete(track);
}

function countUdp(at: FlowTurn): void {
  const { localPort, remotePort, remoteAddress, bytesOut } = at.flow;
  if (DISCOVERY_PORTS.has(remotePort) && isLocalAddress(remoteAddress)) return;
  const isProbed = bytesOut === 0 && localPort < EPHEMERAL_FROM;
  if (isProbed) countDistinct(at, "portScan", "host", localPort);
  // By port: the senders of a flood are easily forged.
  count(at, "datagramFlood", "port");
}
