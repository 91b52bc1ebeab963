/**
 * Built-in behaviours that need no learning: each counts something over a short window and fires
 * at a limit that a small device does not reach in normal work. The limits are data.
 */
import { protocolName } from "./flow-rules.ts";
import { durationText } from "./groups.ts";
import { type DeviceState, grown } from "./state.ts";
import { raise, type Turn } from "./turn.ts";

export interface Behaviour {
  readonly type: string;
  /** Fires at so many. */
  readonly limit: number;
  /** Counted over so long from the first one, ms; a longer collection interval stretches both. */
  readonly windowMs: number;
  /** What is counted, for the explanation. */
  readonly unit: string;
  /** Counts different things, which do not grow with the length of an interval as rates do. */
  readonly isDistinct?: boolean;
  /** The behaviour of which it is another pace; alerts bear that one's name. */
  readonly of?: string;
  readonly enabled: boolean;
}

const SECOND = 1000;
const MINUTE = 60_000;

/** Why these limits: docs/DETECTION.md. */
export const BEHAVIOURS = {
  portScan: {
    type: "Picket_PortScanAgainstDevice",
    limit: 15,
    windowMs: 10 * MINUTE,
    unit: "ports of the device tried",
    isDistinct: true,
    enabled: true,
  },
  hostScanOut: {
    type: "Picket_ScanFromDevice",
    limit: 15,
    windowMs: MINUTE,
    unit: "hosts tried on one port",
    isDistinct: true,
    enabled: true,
  },
  hostScanOutSlow: {
    type: "Picket_ScanFromDevice",
    limit: 15,
    windowMs: 10 * MINUTE,
    unit: "hosts tried in vain on one port",
    isDistinct: true,
    of: "hostScanOut",
    enabled: true,
  },
  portScanOut: {
    type: "Picket_ScanFromDevice",
    limit: 15,
    windowMs: 10 * MINUTE,
    unit: "ports of one host tried",
    isDistinct: true,
    enabled: true,
  },
  bruteForce: {
    type: "Picket_BruteForceOnService",
    limit: 8,
    windowMs: MINUTE,
    unit: "connections to a login port",
    enabled: true,
  },
  bruteForceSlow: {
    type: "Picket_BruteForceOnService",
    limit: 20,
    windowMs: 15 * MINUTE,
    unit: "connections to a login port",
    of: "bruteForce",
    enabled: true,
  },
  bruteForceWeb: {
    type: "Picket_BruteForceOnService",
    limit: 16,
    windowMs: 10 * SECOND,
    unit: "short requests to a web port",
    of: "bruteForce",
    enabled: true,
  },
  floodIn: {
    type: "Picket_ConnectionFloodAgainstDevice",
    limit: 30,
    windowMs: 10 * SECOND,
    unit: "connections to one port of the device",
    enabled: true,
  },
  requestFlood: {
    type: "Picket_ConnectionFloodAgainstDevice",
    limit: 200,
    windowMs: 10 * SECOND,
    unit: "served connections to one port of the device",
    of: "floodIn",
    enabled: true,
  },
  floodOut: {
    type: "Picket_ConnectionFloodFromDevice",
    limit: 30,
    windowMs: 10 * SECOND,
    unit: "connections to one service",
    enabled: true,
  },
  datagramFlood: {
    type: "Picket_DatagramFlood",
    limit: 30,
    windowMs: 10 * SECOND,
    unit: "new UDP flows with one host or port",
    enabled: true,
  },
  nameFlood: {
    type: "Picket_DatagramFlood",
    limit: 150,
    windowMs: 10 * SECOND,
    unit: "name look-ups",
    of: "datagramFlood",
    enabled: true,
  },
  packetFlood: {
    type: "Picket_PacketFlood",
    limit: 1000,
    windowMs: 10 * SECOND,
    unit: "packets that were hardly answered",
    enabled: true,
  },
  packetFloodOut: {
    type: "Picket_PacketFlood",
    limit: 1000,
    windowMs: 10 * SECOND,
    unit: "small packets to one outside host that were hardly answered",
    enabled: true,
  },
  icmpFlood: {
    type: "Picket_PacketFlood",
    limit: 200,
    windowMs: 10 * SECOND,
    unit: "ICMP packets of one host",
    enabled: true,
  },
  upload: {
    type: "Picket_Upload",
    limit: 192 * 1024,
    windowMs: 3 * MINUTE,
    unit: "bytes sent to one outside host",
    enabled: true,
  },
  nameUpload: {
    type: "Picket_Upload",
    limit: 16 * 1024,
    windowMs: 10 * MINUTE,
    unit: "bytes in long name look-ups",
    enabled: true,
  },
  cloudToDeviceBurst: {
    type: "Picket_CloudToDeviceBurst",
    limit: 40,
    windowMs: MINUTE,
    unit: "cloud-to-device messages",
    enabled: true,
  },
} as const satisfies Record<string, Behaviour>;

export type BehaviourName = keyof typeof BEHAVIOURS;
export type BehaviourSettings = Readonly<Record<BehaviourName, Behaviour>>;

/** One subject that a behaviour follows: a host, a port, both. */
export interface Track {
  b: BehaviourName;
  /** Hash of the subject. */
  h: number;
  /** The subject: host (or ""), port (or -1), protocol (or -1). */
  r: string;
  p: number;
  q: number;
  /** Start of its window, ms. */
  at: number;
  /** Count so far; of distinct things their number. */
  n: number;
  /** Hashes of the distinct things, at most `DISTINCT_MAX`. */
  set?: number[];
  /** For uploads: bytes the other way; for requests: answers with content. */
  back?: number;
}

export type Tracks = Track[];

/** Subjects that one behaviour follows on one device; the oldest window gives way. */
const TRACKS_MAX = 8;
/** Distinct things counted exactly; beyond, the count stays at this. */
const DISTINCT_MAX = 128;

export function tracksOf(state: DeviceState): Tracks {
  state.memory.tracks ??= [];
  return state.memory.tracks as Tracks;
}

/** The subject's track in a window that has not ended; null when it has none yet. */
export function findTrack(
  turn: Turn,
  name: BehaviourName,
  hash: number,
  intervalMs: number,
): Track | null {
  for (const track of tracksOf(turn.state)) {
    if (track.h !== hash || track.b !== name) continue;
    const windowMs = Math.max(turn.settings.behaviours[name].windowMs, intervalMs);
    if (turn.timeMs - track.at >= windowMs) restart(track, turn.timeMs);
    return track;
  }
  return null;
}

/** Begins to follow a subject. */
export function addTrack(
  turn: Turn,
  name: BehaviourName,
  hash: number,
  remote: string,
  port = -1,
  protocol = -1,
): Track {
  const tracks = tracksOf(turn.state);
  const made: Track = { b: name, h: hash, r: remote, p: port, q: protocol, at: turn.timeMs, n: 0 };
  let count = 0;
  let oldest = -1;
  for (let i = 0; i < tracks.length; i++) {
    const track = tracks[i] as Track;
    if (track.b !== name) continue;
    count += 1;
    if (oldest < 0 || track.at < (tracks[oldest] as Track).at) oldest = i;
  }
  if (count < TRACKS_MAX) turn.state.memory.tracks = grown(tracks, made);
  else tracks[oldest] = made;
  return made;
}

function restart(track: Track, atMs: number): void {
  track.at = atMs;
  track.n = 0;
  if (track.set) track.set = [];
  if (track.back !== undefined) track.back = 0;
}

/** Counts a thing once. */
export function addDistinct(track: Track, thing: number): void {
  track.set ??= [];
  if (track.set.length >= DISTINCT_MAX || track.set.includes(thing)) return;
  track.set = grown(track.set, thing);
  track.n = track.set.length;
}

/** The subject, as the alert's cause names it. */
export function subjectName({ r, p, q }: Track): string {
  if (p < 0) return r;
  if (q >= 0) return `${r}${r && " "}${protocolName(q)} port ${p}`;
  return r === "" ? `port ${p}` : `${r} to port ${p}`;
}

/** Raises when the track has reached its limit. */
export function judge(turn: Turn, name: BehaviourName, track: Track, intervalMs: number): void {
  const behaviour = turn.settings.behaviours[name];
  const stretch = Math.max(1, intervalMs / behaviour.windowMs);
  let limit = behaviour.isDistinct ? behaviour.limit : Math.round(behaviour.limit * stretch);
  if (track.set) limit = Math.min(limit, DISTINCT_MAX);
  if (track.n < limit || !behaviour.enabled) return;
  const windowMs = behaviour.windowMs * stretch;
  const cause = subjectName(track);
  raise(turn, {
    type: behaviour.type,
    rule: behaviour.of ?? name,
    cause,
    value: track.n,
    range: { min: 0, max: limit - 1, windowMs },
    explanation:
      `${cause}: ${track.n} ${behaviour.unit} within ${durationText(windowMs)}, ` +
      `fewer than ${limit} are normal`,
  });
}

/** Drops the tracks whose window passes before the next report: a quiet device's state is small. */
export function dropExpired(turn: Turn, intervalMs: number): void {
  const tracks = tracksOf(turn.state);
  let live = 0;
  for (const track of tracks) {
    const { windowMs } = turn.settings.behaviours[track.b];
    if (track.at > turn.timeMs + intervalMs - windowMs) tracks[live++] = track;
  }
  tracks.length = live;
}
