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

/** What a behaviour follows: a host, a port of the device, both, a service, one host's service. */
type Subject = "host" | "port" | "login" | "service" | "end";

/** Adds to the count of the flow's subject. */
export function count(at: FlowTurn, behaviour: BehaviourName, subject: Subject, amount = 1): Track {
  const track = trackOf(at, behaviour, subject);
  track.n += amount;
  at.touched.set(track, behaviour);
  return track;
}

/** Counts one of several things of the flow's subject, each once. */
export function countDistinct(
  at: FlowTurn,
  behaviour: BehaviourName,
  subject: Subject,
  thing: number,
): void {
  const track = trackOf(at, behaviour, subject);
  addDistinct(track, thing);
  at.touched.set(track, behaviour);
}

function trackOf(at: FlowTurn, behaviour: BehaviourName, subject: Subject): Track {
  const { turn, flow, remoteHash, intervalMs } = at;
  const ofHost = subject === "host" || subject === "login" || subject === "end";
  const ofService = subject === "service" || subject === "end";
  const port = subject === "host" ? -1 : ofService ? flow.remotePort : flow.localPort;
  const protocol = ofService ? flow.protocol : -1;
  const hash = withPort(withPort(ofHost ? remoteHash : 0, port), protocol << 16);
  return (
    findTrack(turn, behaviour, hash, intervalMs) ??
    addTrack(turn, behaviour, hash, ofHost ? flow.remoteAddress : "", port, protocol)
  );
}
