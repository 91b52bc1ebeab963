/** Labelled captures, generated, and what detection makes of them by the path of `picket detect`. */
import type { Alert } from "../../detect/alerts.ts";
import { createDetection, type DetectionOptions } from "../../detect/detection.ts";
import { createProcessor } from "../../detect/processor.ts";
import { createRun } from "../../detect/run.ts";
import { parseDeviceAddresses } from "../../host/netx/address.ts";
import { createRandom } from "../../scripts/bench-fleet.ts";
import { readCapture } from "../../sim/capture.ts";
import { replay } from "../../sim/replay.ts";
import { ATTACKS, type AttackName } from "./attack-traffic.ts";
import { HABITS, type HabitName, type Site } from "./benign-traffic.ts";
import { pick, type Trace, toCapture, whole } from "./traffic.ts";

/** Kinds of alert that name the attack rightly, by rule. */
export const RULES_OF: Readonly<Record<AttackName, readonly string[]>> = {
  synScan: ["portScan"],
  connectScan: ["portScan"],
  slowScan: ["portScan"],
  stealthScan: ["portScan"],
  udpScan: ["portScan"],
  bruteForce: ["bruteForce"],
  bruteForceMqtt: ["bruteForce"],
  bruteForceHttp: ["bruteForce"],
  beacon: ["beacon"],
  beaconDead: ["beacon"],
  beaconUdp: ["beacon"],
  upload: ["upload"],
  uploadPieces: ["upload"],
  uploadUdp: ["upload"],
  uploadNames: ["nameUpload"],
  wormScan: ["hostScanOut"],
  wormScanSlow: ["hostScanOut"],
  pingSweep: ["hostScanOut"],
  portScanOut: ["portScanOut"],
  synFlood: ["floodIn"],
  ackFlood: ["floodIn"],
  connectionFlood: ["floodIn"],
  connectionFloodOut: ["floodOut"],
  synFloodOut: ["floodOut"],
  udpFlood: ["datagramFlood", "packetFlood"],
  udpFloodOut: ["datagramFlood", "packetFloodOut"],
  icmpFlood: ["icmpFlood"],
};

export interface LabelledCapture {
  readonly name: string;
  readonly attack: AttackName | null;
  readonly habits: readonly HabitName[];
  readonly bytes: Uint8Array;
  readonly device: string;
}

const HABIT_NAMES = Object.keys(HABITS) as HabitName[];
export const ATTACK_NAMES = Object.keys(ATTACKS) as AttackName[];

/** The same seed and attack give the same capture. @param habits the device's; random when absent */
export function generateCapture(
  seed: number,
  attack: AttackName | null,
  habits?: readonly HabitName[],
): LabelledCapture {
  const random = createRandom(seed);
  const trace: Trace = { random, vlan: random() < 0.15 ? 7 : 0, frames: [] };
  const isIpv6 = random() < 0.25;
  const site = createSite(trace, isIpv6, attack);
  const chosen = habits ?? HABIT_NAMES.filter(() => random() < 0.4);
  for (const habit of chosen) HABITS[habit](trace, site);
  const evil = isIpv6 ? "2001:db8:66::66" : pick(trace, ["203.0.113.66", "198.51.100.9"]);
  if (attack) ATTACKS[attack](trace, site, evil);
  const name = `seed ${seed} ${attack ?? "benign"} (${chosen.join(" ")})`;
  const device = isIpv6 ? site.device : `${site.device}/24`;
  return { name, attack, habits: chosen, bytes: toCapture(trace), device };
}

function createSite(trace: Trace, isIpv6: boolean, attack: AttackName | null): Site {
  let port = whole(trace, 49_152, 60_000);
  const net = pick(trace, ["10.20.0", "192.168.7", "172.20.3"]);
  const host = (n: number) => (isIpv6 ? `fd00:20::${n.toString(16)}` : `${net}.${n}`);
  const isSlow = attack === "slowScan" || attack === "wormScanSlow" || attack === "bruteForce";
  return {
    device: host(10),
    gateway: host(1),
    neighbours: [host(20), host(21), host(33)],
    cloud: isIpv6
      ? ["2001:4860::20", "2620:1ec::7", "2a05:d018::9"]
      : ["52.10.20.30", "20.40.60.80", "34.77.1.9"],
    seconds: isSlow ? 500 : whole(trace, 60, 240),
    port: () => {
      port = port >= 65_500 ? 49_152 : port + 1;
      return port;
    },
  };
}

export function detect(
  capture: LabelledCapture,
  wasm: Uint8Array,
  intervalMs = 1000,
  options: DetectionOptions = {},
): Alert[] {
  const run = createRun(createProcessor(createDetection(options)));
  replay({
    capture: readCapture(capture.bytes, capture.name),
    addresses: parseDeviceAddresses(capture.device),
    wasm,
    intervalMs,
    onMessage({ timeMs, bytes: body }) {
      const source = { deviceId: "device", moduleId: null, systemProperties: {} };
      const { failure } = run.take({ ...source, body, enqueuedTimeMs: timeMs });
      if (failure !== null) throw new Error(`${capture.name}: ${failure}`);
    },
  });
  return run.alerts();
}

export interface CaptureQuality {
  readonly captures: number;
  /** Of all alerts, the share that names the attack of its capture. */
  readonly precision: number;
  /** Of all attacks, the share that was found. */
  readonly recall: number;
  /** Of the captures without an attack, the share that raised nothing. */
  readonly quiet: number;
  readonly wrong: readonly string[];
  readonly missed: readonly string[];
}

/** @param each captures of every attack, and as many in all without one */
export function measureCaptures(wasm: Uint8Array, each: number, firstSeed = 1): CaptureQuality {
  const wrong: string[] = [];
  const missed: string[] = [];
  let right = 0;
  let found = 0;
  let quiet = 0;
  let seed = firstSeed;
  const take = (attack: AttackName | null) => {
    const capture = generateCapture(seed++, attack);
    const alerts = detect(capture, wasm);
    const isRight = ({ rule }: Alert) => attack !== null && RULES_OF[attack].includes(rule);
    const hits = alerts.filter(isRight).length;
    right += hits;
    if (attack && hits === 0) missed.push(capture.name);
    if (attack && hits > 0) found += 1;
    if (!attack && alerts.length === 0) quiet += 1;
    for (const alert of alerts) {
      if (!isRight(alert)) wrong.push(`${capture.name}: ${alert.rule}: ${alert.explanation}`);
    }
  };
  for (let n = 0; n < each; n++) {
    for (const attack of ATTACK_NAMES) {
      take(attack);
      take(null);
    }
  }
  const attacks = each * ATTACK_NAMES.length;
  return {
    captures: 2 * attacks,
    precision: right / Math.max(1, right + wrong.length),
    recall: found / attacks,
    quiet: quiet / attacks,
    wrong,
    missed,
  };
}
