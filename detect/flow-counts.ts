/** What the rules on flows share: how a flow is counted, and what its bytes tell. */
import { addDistinct, addTrack, type BehaviourName, findTrack, type Track } from "./behaviours.ts";
import type { FlowTurn } from "./flow-behaviours.ts";

export const ICMP = 1;
export const TCP = 6;
export const UDP = 17;
export const ICMPV6 = 58;
export const NAME_PORT = 53;

/** Segments without data are no larger on average, bytes with headers: 20, and options of a SYN. */
const BARE_BYTES = 40;
/** A handshake and an end take so many segments; messages of other agents do not count them. */
export const HANDSHAKE_PACKETS = 4;

/** Headers alone: a handshake, a refusal, a probe; data of a few bytes does not show. */
export const isBare = (packets: number, bytes: number) =>
  bytes <= BARE_BYTES * (packets || HANDSHAKE_PACKETS);

/** Mixes a port or protocol into a hash. */
export const withPort = (hash: number, port: number) => hash ^ Math.imul(port + 1, 0x9e3779b1);

/** Adds to the count of a subject. @param name of it, made when it is new */
export function count(
  at: FlowTurn,
  behaviour: BehaviourName,
  hash: number,
  name: (at: FlowTurn) => string,
  amount = 1,
): Track {
  const track = trackOf(at, behaviour, hash, name);
  track.n += amount;
  at.touched.set(track, behaviour);
  return track;
}

/** Counts one of several things of a subject, each once. */
export function countDistinct(
  at: FlowTurn,
  behaviour: BehaviourName,
  hash: number,
  name: (at: FlowTurn) => string,
  thing: number,
): void {
  const track = trackOf(at, behaviour, hash, name);
  addDistinct(track, thing);
  at.touched.set(track, behaviour);
}

function trackOf(
  at: FlowTurn,
  behaviour: BehaviourName,
  hash: number,
  name: (at: FlowTurn) => string,
): Track {
  const found = findTrack(at.turn, behaviour, hash, at.intervalMs);
  return found ?? addTrack(at.turn, behaviour, hash, name(at));
}

export const remoteName = ({ flow }: FlowTurn) => flow.remoteAddress;
export const localPortName = ({ flow }: FlowTurn) => `port ${flow.localPort}`;
export const loginName = ({ flow }: FlowTurn) => `${flow.remoteAddress} to port ${flow.localPort}`;
