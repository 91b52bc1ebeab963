/** Scans, brute force, floods and uploads, as one collection interval's flows show them. */
import type { NetworkActivity } from "../wire/events.ts";
import { isGroupAddress, isLinkLocal, isLocalAddress } from "./address.ts";
import { baselineOf, countFlow } from "./baseline.ts";
import { noteContact } from "./beacon.ts";
import {
  addDistinct,
  type BehaviourName,
  dropExpired,
  judge,
  type Track,
  trackFor,
  tracksOf,
} from "./behaviours.ts";
import { protocolName } from "./flow-rules.ts";
import { grown } from "./state.ts";
import type { Turn } from "./turn.ts";

const TCP = 6;
const UDP = 17;
/** Services with a login that worms try: FTP, SSH, Telnet, RDP, VNC and their usual seconds. */
const LOGIN_PORTS = new Set([21, 22, 23, 2222, 2323, 3389, 5900, 8022]);
/** Ports from here on are a client's own: an answer to one is no probe. RFC 6335, Linux. */
const EPHEMERAL_FROM = 32_768;
/** A segment without a handshake that is no larger is a probe, bytes with headers. */
const PROBE_BYTES_MAX = 60;
/** A flow of fewer packets in one interval is no part of a packet flood. */
const BULK_PACKETS = 100;
/** A transfer acknowledges at least every so many packets. */
const UNANSWERED_RATIO = 4;
/** An upload sends so many times more than it gets. */
const UPLOAD_RATIO = 4;
/** Flows remembered of a period and of the one before, each. */
const RECENT_MAX = 256;
/** Shortest such period, ms; a longer collection interval is a period of its own. */
const RECENT_MS = 10_000;

/** Destinations that a device remembers; its group remembers many more. */
const DESTINATIONS_MAX = 32;

/** Which flows have been seen, so that one that goes on is not counted as new. */
interface Recent {
  at: number;
  now: number[];
  before: number[];
}

type Touched = Map<Track, BehaviourName>;

/** Takes the flows of one NetworkActivity event. */
export function takeFlows(turn: Turn, flows: readonly NetworkActivity[], intervalMs: number): void {
  if (flows.length === 0) return;
  const recent = recentOf(turn);
  if (turn.timeMs - recent.at >= RECENT_MS || turn.timeMs < recent.at - RECENT_MS) {
    recent.before = recent.now;
    recent.now = [];
    recent.at = turn.timeMs;
  }
  const touched: Touched = new Map();
  const baseline = baselineOf(turn);
  for (const flow of flows) {
    if (flow.fragments || isGroupAddress(flow.remoteAddress)) continue;
    const isNew = noteRecent(recent, flow);
    const remoteHash = textHash(flow.remoteAddress);
    countFlow(baseline, flow, remoteHash);
    if (isNew && flow.outbound) noteDestination(turn, flow, remoteHash);
    if (flow.outbound) countUpload(turn, flow, intervalMs, touched);
    if (flow.packetsIn >= BULK_PACKETS) countPackets(turn, flow, intervalMs, touched);
    if (!isNew) continue;
    if (isInbound(flow)) countInbound(turn, flow, intervalMs, touched);
    else if (flow.outbound) countOutbound(turn, flow, intervalMs, touched);
  }
  for (const [track, name] of touched) {
    if (name === "datagramFlood" && isScan(turn, track.k)) continue;
    judge(turn, name, track, intervalMs);
  }
  dropExpired(turn, intervalMs);
}

/** A scan over UDP is many flows too; it has its own name. */
function isScan(turn: Turn, host: string): boolean {
  const tracks = tracksOf(turn);
  for (const name of ["portScan", "portScanOut"] as const) {
    const scan = tracks[name]?.find((track) => track.k === host);
    if (scan && scan.n >= turn.settings.behaviours[name].limit) return true;
  }
  return false;
}

function recentOf(turn: Turn): Recent {
  turn.state.memory.recent ??= { at: 0, now: [], before: [] };
  return turn.state.memory.recent as Recent;
}

/** True: the flow was not in this period nor in the one before. */
function noteRecent(recent: Recent, flow: NetworkActivity): boolean {
  const hash = flowHash(flow);
  if (recent.now.includes(hash)) return false;
  if (recent.now.length < RECENT_MAX) recent.now = grown(recent.now, hash);
  return !recent.before.includes(hash);
}

function flowHash(flow: NetworkActivity): number {
  const ports = Math.imul(flow.localPort, 0x9e3779b1) ^ Math.imul(flow.remotePort, 0x85ebca6b);
  return textHash(flow.remoteAddress) ^ ports ^ Math.imul(flow.protocol, 0x27d4eb2f);
}

/** FNV-1a, a signed 32-bit number. */
function textHash(text: string): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

/** Tells the group of a destination that the device has not talked with lately. */
function noteDestination(turn: Turn, flow: NetworkActivity, remoteHash: number): void {
  turn.state.memory.destinations ??= [];
  const known = turn.state.memory.destinations as number[];
  if (known.includes(remoteHash)) return;
  turn.state.memory.destinations = grown(known, remoteHash);
  if (known.length > DESTINATIONS_MAX) known.shift();
  if (isLinkLocal(flow.remoteAddress) || isAllowed(turn, flow.remoteAddress)) return;
  turn.signals.push({
    kind: "destination",
    group: turn.state.group,
    deviceId: turn.state.deviceId,
    timeMs: turn.timeMs,
    eventId: turn.eventId,
    remote: flow.remoteAddress,
    port: flow.remotePort,
  });
}

/** Opened from outside, or probed without a handshake (FIN, NULL, XMAS, fragmented scans). */
function isInbound(flow: NetworkActivity): boolean {
  if (flow.protocol === TCP) {
    if (flow.initiator === "remote") return true;
    const { packetsIn, packetsOut, bytesIn } = flow;
    if (flow.initiator !== null || packetsIn === 0 || packetsIn > 2 || packetsOut > 2) return false;
    return bytesIn <= PROBE_BYTES_MAX * packetsIn && flow.localPort < EPHEMERAL_FROM;
  }
  return flow.protocol === UDP && flow.initiator === "remote" && flow.localPort < EPHEMERAL_FROM;
}

function countInbound(
  turn: Turn,
  flow: NetworkActivity,
  intervalMs: number,
  touched: Touched,
): void {
  const remote = flow.remoteAddress;
  const scan = trackFor(turn, "portScan", remote, intervalMs);
  addDistinct(scan, flow.localPort);
  touched.set(scan, "portScan");
  if (flow.protocol === UDP) {
    count(turn, "datagramFlood", remote, intervalMs, touched);
  } else if (flow.initiator === "remote" && LOGIN_PORTS.has(flow.localPort)) {
    count(turn, "bruteForce", `${remote} to port ${flow.localPort}`, intervalMs, touched);
  } else if (flow.initiator === "remote") {
    count(turn, "floodIn", `port ${flow.localPort}`, intervalMs, touched);
  }
}

function countOutbound(
  turn: Turn,
  flow: NetworkActivity,
  intervalMs: number,
  touched: Touched,
): void {
  const { remoteAddress: remote, remotePort: port, protocol } = flow;
  const service = `${protocolName(protocol)} port ${port}`;
  const hosts = trackFor(turn, "hostScanOut", service, intervalMs);
  addDistinct(hosts, textHash(remote));
  touched.set(hosts, "hostScanOut");
  if (protocol !== TCP && protocol !== UDP) return;
  const ports = trackFor(turn, "portScanOut", remote, intervalMs);
  addDistinct(ports, port);
  touched.set(ports, "portScanOut");
  if (protocol === UDP) count(turn, "datagramFlood", remote, intervalMs, touched);
  else count(turn, "floodOut", `${remote} ${service}`, intervalMs, touched);
  if (!isLocalAddress(remote) && !isAllowed(turn, remote)) noteContact(turn, flow, intervalMs);
}

function count(
  turn: Turn,
  name: BehaviourName,
  key: string,
  intervalMs: number,
  touched: Touched,
): void {
  const track = trackFor(turn, name, key, intervalMs);
  track.n += 1;
  touched.set(track, name);
}

function countPackets(
  turn: Turn,
  flow: NetworkActivity,
  intervalMs: number,
  touched: Touched,
): void {
  if (flow.packetsIn < UNANSWERED_RATIO * flow.packetsOut) return;
  const track = trackFor(turn, "packetFlood", flow.remoteAddress, intervalMs);
  track.n += flow.packetsIn;
  touched.set(track, "packetFlood");
}

function countUpload(
  turn: Turn,
  flow: NetworkActivity,
  intervalMs: number,
  touched: Touched,
): void {
  const remote = flow.remoteAddress;
  if (flow.bytesOut === 0 || isLocalAddress(remote) || isAllowed(turn, remote)) return;
  const track = trackFor(turn, "upload", remote, intervalMs);
  track.n += flow.bytesOut;
  track.back = (track.back ?? 0) + flow.bytesIn;
  if (track.n >= UPLOAD_RATIO * track.back) touched.set(track, "upload");
  else touched.delete(track);
}

/** What the group's allow list names was thought about by someone. */
function isAllowed(turn: Turn, remote: string): boolean {
  const { toAllowed } = turn.group;
  return toAllowed !== null && toAllowed.table.match(remote) >= 0;
}
