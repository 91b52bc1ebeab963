/**
 * Beaconing: short new connections to one outside service at regular intervals. The gaps between
 * them must vary little; what the collection interval adds to their variance is taken off.
 */
import type { FlowTurn } from "./flow-behaviours.ts";
import { NAME_PORT, TCP, UDP, withPort } from "./flow-counts.ts";
import { protocolName } from "./flow-rules.ts";
import { grown } from "./state.ts";
import { raise } from "./turn.ts";

interface Beacon {
  /** Hash of the service: address, port and protocol. */
  h: number;
  r: string;
  lastMs: number;
  /** Gaps seen, their mean and summed squares of deviation (Welford), ms. */
  n: number;
  mean: number;
  m2: number;
  /** Contacts since counting began and their bytes, both ways. */
  c: number;
  bytes: number;
  /** Local ports of the latest connections: one that goes on is not a new contact. */
  ports: number[];
}

/** Gaps needed before a verdict. */
export const BEACON_GAPS_MIN = 5;
/** Standard deviation over mean of the gaps, at most; of few gaps, chance makes some alike. */
export const BEACON_VARIATION_MAX = 0.22;
const BEACON_VARIATION_MAX_FEW = 0.17;
const BEACON_GAPS_FEW = 7;
/** Contacts that carry more on average fetch or bring something: no beacon; bytes. */
export const BEACON_BYTES_MAX = 2500;
/** Gaps shorter than this are one burst, ms. */
const GAP_MS_MIN = 2000;
/** A gap so many times the mean starts anew: the program was stopped. */
const GAP_FACTOR_MAX = 3;
const BEACONS_MAX = 8;
const PORTS_MAX = 4;
const TIME_PORT = 123;
/**
 * Ports of messaging: MQTT, AMQP, CoAP. Sessions there are kept; new ones at intervals are those
 * of a client whose broker is away, or of a device that starts again and again.
 */
const MESSAGING_PORTS = new Set([1883, 8883, 5671, 5672, 5683, 5684]);

export function noteContact(at: FlowTurn): void {
  const { turn, flow } = at;
  const { protocol, remotePort } = flow;
  if (protocol !== TCP && protocol !== UDP) return;
  if (MESSAGING_PORTS.has(remotePort)) return;
  // Name and time services are asked regularly by everyone.
  if (protocol === UDP && (remotePort === NAME_PORT || remotePort === TIME_PORT)) return;
  const beacon = beaconFor(at);
  if (!beacon) return;
  beacon.bytes += flow.bytesIn + flow.bytesOut;
  if (!at.isNew || beacon.ports.includes(flow.localPort)) return;
  beacon.ports.push(flow.localPort);
  if (beacon.ports.length > PORTS_MAX) beacon.ports.shift();
  beacon.c += 1;
  noteGap(at, beacon, turn.timeMs - beacon.lastMs);
}

function noteGap(at: FlowTurn, beacon: Beacon, gap: number): void {
  const { turn, intervalMs } = at;
  if (gap < GAP_MS_MIN) return;
  beacon.lastMs = turn.timeMs;
  if (beacon.n > 0 && gap > beacon.mean * GAP_FACTOR_MAX + intervalMs) {
    beacon.n = 0;
    beacon.mean = 0;
    beacon.m2 = 0;
    return;
  }
  beacon.n += 1;
  const delta = gap - beacon.mean;
  beacon.mean += delta / beacon.n;
  beacon.m2 += delta * (gap - beacon.mean);
  judge(at, beacon);
}

function judge({ turn, flow, intervalMs }: FlowTurn, beacon: Beacon): void {
  if (beacon.n < BEACON_GAPS_MIN || beacon.mean < 2.5 * intervalMs) return;
  if (beacon.bytes > BEACON_BYTES_MAX * beacon.c) return;
  const variance = Math.max(0, beacon.m2 / beacon.n - intervalMs ** 2 / 6);
  const variation = Math.sqrt(variance) / beacon.mean;
  const limit = beacon.n < BEACON_GAPS_FEW ? BEACON_VARIATION_MAX_FEW : BEACON_VARIATION_MAX;
  if (variation > limit) return;
  const service = `${beacon.r} ${protocolName(flow.protocol)} port ${flow.remotePort}`;
  const period = (beacon.mean / 1000).toFixed(1);
  raise(turn, {
    type: "Picket_Beacon",
    rule: "beacon",
    cause: service,
    value: Math.round(beacon.mean),
    range: { expected: "no regular contact with an outside host" },
    explanation:
      `${beacon.n + 1} connections to ${service} about every ${period} s, ` +
      `varying by ${Math.round(variation * 100)} %, ${Math.round(beacon.bytes / beacon.c)} bytes each`,
  });
}

/** null when nothing is followed yet and this is no new contact; the first one has no gap. */
function beaconFor({ turn, flow, remoteHash, isNew }: FlowTurn): Beacon | null {
  const hash = withPort(withPort(remoteHash, flow.remotePort), flow.protocol << 16);
  turn.state.memory.beacons ??= [];
  const beacons = turn.state.memory.beacons as Beacon[];
  for (const beacon of beacons) if (beacon.h === hash) return beacon;
  if (!isNew) return null;
  const made: Beacon = {
    h: hash,
    r: flow.remoteAddress,
    lastMs: turn.timeMs,
    n: 0,
    mean: 0,
    m2: 0,
    c: 1,
    bytes: flow.bytesIn + flow.bytesOut,
    ports: [flow.localPort],
  };
  if (beacons.length < BEACONS_MAX) turn.state.memory.beacons = grown(beacons, made);
  else {
    let oldest = 0;
    for (let i = 1; i < beacons.length; i++) {
      if ((beacons[i] as Beacon).lastMs < (beacons[oldest] as Beacon).lastMs) oldest = i;
    }
    beacons[oldest] = made;
  }
  return null;
}
