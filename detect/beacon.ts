/**
 * Beaconing: new connections to one outside service at regular intervals. The gaps between them
 * must vary little; what the collection interval adds to their variance is taken off.
 */
import type { NetworkActivity } from "../wire/events.ts";
import { protocolName } from "./flow-rules.ts";
import { raise, type Turn } from "./turn.ts";

interface Beacon {
  /** Service: address, port and protocol. */
  k: string;
  lastMs: number;
  /** Gaps seen, their mean and summed squares of deviation (Welford), ms. */
  n: number;
  mean: number;
  m2: number;
  /** Local ports of the latest connections: one that goes on is not a new contact. */
  ports: number[];
}

/** Gaps needed before a verdict. */
export const BEACON_GAPS_MIN = 5;
/** Standard deviation over mean of the gaps, at most; of few gaps, chance makes some alike. */
export const BEACON_VARIATION_MAX = 0.25;
const BEACON_VARIATION_MAX_FEW = 0.15;
const BEACON_GAPS_FEW = 8;
/** Gaps shorter than this are one burst, ms. */
const GAP_MS_MIN = 2000;
/** A gap so many times the mean starts anew: the program was stopped. */
const GAP_FACTOR_MAX = 3;
const BEACONS_MAX = 8;
const PORTS_MAX = 4;
/** Name and time services are asked regularly by everyone. */
const EXPECTED_PORTS = new Set([53, 123]);

export function noteContact(turn: Turn, flow: NetworkActivity, intervalMs: number): void {
  if (flow.protocol === 17 && EXPECTED_PORTS.has(flow.remotePort)) return;
  const beacon = beaconFor(turn, flow);
  if (!beacon || beacon.ports.includes(flow.localPort)) return;
  beacon.ports.push(flow.localPort);
  if (beacon.ports.length > PORTS_MAX) beacon.ports.shift();
  const gap = turn.timeMs - beacon.lastMs;
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
  judge(turn, beacon, intervalMs);
}

function judge(turn: Turn, beacon: Beacon, intervalMs: number): void {
  if (beacon.n < BEACON_GAPS_MIN || beacon.mean < 2.5 * intervalMs) return;
  const variance = Math.max(0, beacon.m2 / beacon.n - intervalMs ** 2 / 6);
  const variation = Math.sqrt(variance) / beacon.mean;
  const limit = beacon.n < BEACON_GAPS_FEW ? BEACON_VARIATION_MAX_FEW : BEACON_VARIATION_MAX;
  if (variation > limit) return;
  const period = (beacon.mean / 1000).toFixed(1);
  raise(turn, {
    type: "Picket_Beacon",
    rule: "beacon",
    cause: beacon.k,
    value: Math.round(beacon.mean),
    range: { expected: "no regular contact with an outside host" },
    explanation:
      `${beacon.n + 1} connections to ${beacon.k} about every ${period} s, ` +
      `varying by ${Math.round(variation * 100)} %`,
  });
}

/** null for the first contact: there is no gap yet. */
function beaconFor(turn: Turn, flow: NetworkActivity): Beacon | null {
  turn.state.memory.beacons ??= [];
  const beacons = turn.state.memory.beacons as Beacon[];
  const key = `${flow.remoteAddress} ${protocolName(flow.protocol)} port ${flow.remotePort}`;
  for (const beacon of beacons) if (beacon.k === key) return beacon;
  const made = { k: key, lastMs: turn.timeMs, n: 0, mean: 0, m2: 0, ports: [flow.localPort] };
  if (beacons.length >= BEACONS_MAX) {
    beacons.sort((a, b) => a.lastMs - b.lastMs);
    beacons.shift();
  }
  beacons.push(made);
  return null;
}
