/** Scans, brute force, floods and uploads, as one collection interval's flows show them. */
import type { NetworkActivity } from "../wire/events.ts";
import { isGroupAddress, isLinkLocal, isLocalAddress } from "./address.ts";
import { baselineOf, countFlow } from "./baseline.ts";
import { noteContact } from "./beacon.ts";
import { type BehaviourName, dropExpired, judge, type Track } from "./behaviours.ts";
import { countInbound } from "./flow-inbound.ts";
import { countOutbound } from "./flow-outbound.ts";
import { addHash, type HashTable, hasHash } from "./hash-table.ts";
import { countPackets } from "./packet-floods.ts";
import { grown } from "./state.ts";
import type { Turn } from "./turn.ts";

/** Shortest such period, ms; a longer collection interval is a period of its own. */
const RECENT_MS = 10_000;
/** Destinations that a device remembers; its group remembers many more. */
const DESTINATIONS_MAX = 32;

/** Which flows have been seen, so that one that goes on is not counted as new. */
interface Recent {
  at: number;
  now: HashTable;
  before: HashTable;
}

/** The flow at hand, with what every rule would else work out again. */
export interface FlowTurn {
  readonly turn: Turn;
  readonly intervalMs: number;
  /** Tracks that have counted something, to be judged at the end. */
  readonly touched: Map<Track, BehaviourName>;
  flow: NetworkActivity;
  /** Of the remote address. */
  remoteHash: number;
  /** Not seen in this period nor in the one before. */
  isNew: boolean;
  /** Outside the house, and on no allow list. */
  isForeign: boolean;
}

/** Takes the flows of one NetworkActivity event. */
export function takeFlows(turn: Turn, flows: readonly NetworkActivity[], intervalMs: number): void {
  const [first] = flows;
  if (first === undefined) return;
  const recent = recentOf(turn);
  if (turn.timeMs - recent.at >= RECENT_MS || turn.timeMs < recent.at - RECENT_MS) {
    recent.before = recent.now;
    recent.now = [];
    recent.at = turn.timeMs;
  }
  const baseline = baselineOf(turn);
  const at: FlowTurn = {
    turn,
    intervalMs,
    touched: new Map(),
    flow: first,
    remoteHash: 0,
    isNew: false,
    isForeign: false,
  };
  for (const flow of flows) {
    const { remoteAddress } = flow;
    if (flow.fragments || isGroupAddress(remoteAddress)) continue;
    at.flow = flow;
    at.remoteHash = textHash(remoteAddress);
    at.isNew = noteRecent(recent, flow, at.remoteHash);
    at.isForeign = flow.outbound && !isLocalAddress(remoteAddress) && !isAllowed(turn, flow);
    countFlow(baseline, flow, at.remoteHash);
    if (flow.outbound && at.isNew) noteDestination(at);
    countPackets(at);
    if (flow.outbound) countOutbound(at);
    else if (at.isNew) countInbound(at);
    if (at.isForeign) noteContact(at);
  }
  for (const [track, name] of at.touched) judge(turn, name, track, intervalMs);
  dropExpired(turn, intervalMs);
}

function recentOf(turn: Turn): Recent {
  turn.state.memory.recent ??= { at: 0, now: [], before: [] };
  return turn.state.memory.recent as Recent;
}

function noteRecent(recent: Recent, flow: NetworkActivity, remoteHash: number): boolean {
  const ports = Math.imul(flow.localPort, 0x9e3779b1) ^ Math.imul(flow.remotePort, 0x85ebca6b);
  const hash = remoteHash ^ ports ^ Math.imul(flow.protocol, 0x27d4eb2f);
  const { now } = recent;
  if (hasHash(now, hash)) return false;
  recent.now = addHash(now, hash);
  return !hasHash(recent.before, hash);
}

/** FNV-1a, a signed 32-bit number. */
function textHash(text: string): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

/** Tells the group of a destination that the device has not talked with lately. */
function noteDestination({ turn, flow, remoteHash }: FlowTurn): void {
  turn.state.memory.destinations ??= [];
  const known = turn.state.memory.destinations as number[];
  if (known.includes(remoteHash)) return;
  if (known.length < DESTINATIONS_MAX) turn.state.memory.destinations = grown(known, remoteHash);
  else {
    known.shift();
    known.push(remoteHash);
  }
  const { toAllowed } = turn.group;
  if (isLinkLocal(flow.remoteAddress)) return;
  if (toAllowed !== null && toAllowed.table.match(flow.remoteAddress) >= 0) return;
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

/** What the group's allow list names was thought about by someone. */
function isAllowed(turn: Turn, flow: NetworkActivity): boolean {
  const { toAllowed } = turn.group;
  return toAllowed !== null && toAllowed.table.match(flow.remoteAddress) >= 0;
}
