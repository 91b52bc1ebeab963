/**
 * Built-in behaviours that need no learning: each counts something over a short window and fires
 * at a limit that a small device does not reach in normal work. The limits are data.
 */
import { durationText } from "./groups.ts";
import { grown } from "./state.ts";
import { raise, type Turn } from "./turn.ts";

export interface Behaviour {
  readonly type: string;
  /** Fires at so many. */
  readonly limit: number;
  /** Counted over so long from the first one, ms; a longer collection interval stretches both. */
  readonly windowMs: number;
  /** What is counted, for the explanation. */
  readonly unit: string;
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
    enabled: true,
  },
  hostScanOut: {
    type: "Picket_ScanFromDevice",
    limit: 20,
    windowMs: MINUTE,
    unit: "hosts tried on one port",
    enabled: true,
  },
  portScanOut: {
    type: "Picket_ScanFromDevice",
    limit: 15,
    windowMs: 10 * MINUTE,
    unit: "ports of one host tried",
    enabled: true,
  },
  bruteForce: {
    type: "Picket_BruteForceOnService",
    limit: 10,
    windowMs: MINUTE,
    unit: "connections to a login port",
    enabled: true,
  },
  floodIn: {
    type: "Picket_ConnectionFloodAgainstDevice",
    limit: 40,
    windowMs: 10 * SECOND,
    unit: "connections to one port of the device",
    enabled: true,
  },
  floodOut: {
    type: "Picket_ConnectionFloodFromDevice",
    limit: 40,
    windowMs: 10 * SECOND,
    unit: "connections to one service",
    enabled: true,
  },
  datagramFlood: {
    type: "Picket_DatagramFlood",
    limit: 40,
    windowMs: 10 * SECOND,
    unit: "new UDP flows with one host",
    enabled: true,
  },
  packetFlood: {
    type: "Picket_PacketFlood",
    limit: 2000,
    windowMs: 10 * SECOND,
    unit: "packets that were hardly answered",
    enabled: true,
  },
  upload: {
    type: "Picket_Upload",
    limit: 256 * 1024,
    windowMs: 10 * MINUTE,
    unit: "bytes sent to one outside host",
    enabled: true,
  },
  cloudToDeviceBurst: {
    type: "Picket_CloudToDeviceBurst",
    limit: 60,
    windowMs: MINUTE,
    unit: "cloud-to-device messages",
    enabled: true,
  },
} as const satisfies Record<string, Behaviour>;

export type BehaviourName = keyof typeof BEHAVIOURS;
export type BehaviourSettings = Readonly<Record<BehaviourName, Behaviour>>;

/** One subject that a behaviour follows: a host, a port, both. */
export interface Track {
  /** The subject, as the alert's cause names it. */
  k: string;
  /** Start of its window, ms. */
  at: number;
  /** Count so far; of distinct things their number. */
  n: number;
  /** Hashes of the distinct things, at most `DISTINCT_MAX`. */
  set?: number[];
  /** For uploads: bytes the other way. */
  back?: number;
}

export type Tracks = { [N in BehaviourName]?: Track[] };

/** Subjects that one behaviour follows on one device; the oldest window gives way. */
const TRACKS_MAX = 8;
/** Distinct things counted exactly; beyond, the count stays at this. */
const DISTINCT_MAX = 128;

export function tracksOf(turn: Turn): Tracks {
  turn.state.memory.tracks ??= {};
  return turn.state.memory.tracks as Tracks;
}

/** The subject's track in a window that has not ended. */
export function trackFor(turn: Turn, name: BehaviourName, key: string, intervalMs: number): Track {
  const tracks = tracksOf(turn);
  tracks[name] ??= [];
  const list = tracks[name];
  const windowMs = Math.max(turn.settings.behaviours[name].windowMs, intervalMs);
  for (const track of list) {
    if (track.k !== key) continue;
    if (turn.timeMs - track.at >= windowMs) restart(track, turn.timeMs);
    return track;
  }
  const made: Track = { k: key, at: turn.timeMs, n: 0 };
  if (list.length < TRACKS_MAX) {
    list.push(made);
    return made;
  }
  let oldest = 0;
  for (let i = 1; i < list.length; i++) {
    if ((list[i] as Track).at < (list[oldest] as Track).at) oldest = i;
  }
  list[oldest] = made;
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

/** Raises when the track has reached its limit. */
export function judge(turn: Turn, name: BehaviourName, track: Track, intervalMs: number): void {
  const behaviour = turn.settings.behaviours[name];
  const stretch = Math.max(1, intervalMs / behaviour.windowMs);
  // Distinct things do not grow with the length of an interval as rates do.
  const limit = track.set ? behaviour.limit : Math.round(behaviour.limit * stretch);
  if (!behaviour.enabled || track.n < limit) return;
  const windowMs = behaviour.windowMs * stretch;
  raise(turn, {
    type: behaviour.type,
    rule: name,
    cause: track.k,
    value: track.n,
    range: { min: 0, max: limit - 1, windowMs },
    explanation:
      `${track.k}: ${track.n} ${behaviour.unit} within ${durationText(windowMs)}, ` +
      `fewer than ${limit} are normal`,
  });
}

/** Drops the tracks whose window passes before the next report, so that a quiet device's state stays small. */
export function dropExpired(turn: Turn, intervalMs: number): void {
  const tracks = tracksOf(turn);
  const kept: Tracks = {};
  for (const name in tracks) {
    const list = tracks[name as BehaviourName] as Track[];
    const { windowMs } = turn.settings.behaviours[name as BehaviourName];
    // Before the next report it will have passed.
    const before = turn.timeMs + intervalMs - windowMs;
    let live = 0;
    for (const track of list) if (track.at > before) live += 1;
    if (live === list.length) kept[name as BehaviourName] = list;
    else if (live > 0) kept[name as BehaviourName] = list.filter((track) => track.at > before);
  }
  turn.state.memory.tracks = kept;
}
