/**
 * Labelled runs, generated: three minutes of a small device's reports, a second apart, with or
 * without one attack of random size and pace. What detection finds in them is compared with what
 * was put in.
 */
import type { Detection } from "../detect/detection.ts";
import type { NetworkActivity, SecurityEvent } from "../wire/events.ts";
import { createRandom } from "./bench-fleet.ts";

export const ATTACKS = [
  "portScan",
  "bruteForce",
  "beacon",
  "upload",
  "hostScanOut",
  "portScanOut",
  "floodIn",
  "floodOut",
  "datagramFlood",
  "packetFlood",
  "cloudToDeviceBurst",
] as const;
export type Attack = (typeof ATTACKS)[number];

export interface LabelledRun {
  readonly seed: number;
  readonly attack: Attack | null;
  readonly events: readonly SecurityEvent[];
}

const SECONDS = 180;
const START_MS = Date.UTC(2026, 0, 5);
const EVIL = "198.51.100.66";
const DEVICE = "192.168.7.20";

type Flows = NetworkActivity[][];
interface Plan {
  readonly random: () => number;
  /** Flows of each second. */
  readonly flows: Flows;
  /** Cloud-to-device messages of each second. */
  readonly commands: number[];
}

/** The same seed and attack give the same run. */
export function generateRun(seed: number, attack: Attack | null): LabelledRun {
  const random = createRandom(seed);
  const plan: Plan = {
    random,
    flows: Array.from({ length: SECONDS }, () => []),
    commands: new Array<number>(SECONDS).fill(0),
  };
  addBackground(plan);
  if (attack) addAttack(plan, attack);
  return { seed, attack, events: toEvents(plan, seed) };
}

/** Rules that the run raised. */
export function rulesRaised(detection: Detection, run: LabelledRun): Set<string> {
  const state = detection.create(`run-${run.seed}`);
  const raised = new Set<string>();
  for (const event of run.events) {
    const arrivedMs = event.timeMs ?? START_MS;
    for (const { rule } of detection.apply(state, { kind: "event", event, arrivedMs }))
      raised.add(rule);
  }
  return raised;
}

const whole = (random: () => number, least: number, most: number) =>
  least + Math.floor(random() * (most - least + 1));

function flow(given: Partial<NetworkActivity>): NetworkActivity {
  return {
    protocol: 6,
    localAddress: DEVICE,
    localPort: 0,
    remoteAddress: EVIL,
    remotePort: 443,
    packetsIn: 4,
    packetsOut: 5,
    bytesIn: 400,
    bytesOut: 350,
    initiator: "local",
    outbound: true,
    ...given,
  };
}

function inbound(given: Partial<NetworkActivity>): NetworkActivity {
  return flow({ initiator: "remote", outbound: false, ...given });
}

function put(plan: Plan, second: number, item: NetworkActivity): void {
  plan.flows[Math.max(0, Math.min(SECONDS - 1, Math.floor(second)))]?.push(item);
}

/** What such a device does all day: broker, names, time, polls, an administrator, an update. */
function addBackground(plan: Plan): void {
  const { random } = plan;
  let port = whole(random, 33_000, 50_000);
  const nextPort = () => {
    port = port >= 60_000 ? 33_000 : port + 1;
    return port;
  };
  const broker = random() < 0.5 ? "192.168.7.1" : "203.0.113.20";
  const session = flow({ localPort: nextPort(), remoteAddress: broker, remotePort: 8883 });
  const telemetry = whole(random, 1, 10);
  for (let s = 0; s < SECONDS; s += telemetry)
    put(plan, s, { ...session, bytesOut: whole(random, 80, 600) });
  const names = 0.1 + random() * 0.9;
  for (let s = 0; s < SECONDS; s++) {
    if (random() < names)
      put(
        plan,
        s,
        flow({ protocol: 17, localPort: nextPort(), remoteAddress: "192.168.7.1", remotePort: 53 }),
      );
    if (s % 64 === 5)
      put(
        plan,
        s,
        flow({
          protocol: 17,
          localPort: nextPort(),
          remoteAddress: "203.0.113.123",
          remotePort: 123,
        }),
      );
    if (random() < 0.02)
      put(
        plan,
        s,
        inbound({
          protocol: 17,
          localPort: nextPort(),
          remoteAddress: "192.168.7.30",
          remotePort: 1900,
        }),
      );
    if (random() < 0.01) plan.commands[s] = whole(random, 1, 5);
  }
  const poll = whole(random, 5, 30);
  for (let s = poll; s < SECONDS; s += poll)
    put(plan, s, flow({ localPort: nextPort(), remoteAddress: "192.168.7.1", remotePort: 8080 }));
  const gap = () => -Math.log(1 - random()) * 25;
  // Calls of a cloud service as work needs them: at random, not at intervals.
  for (let s = gap(); s < SECONDS; s += gap()) {
    put(
      plan,
      s,
      flow({
        localPort: nextPort(),
        remoteAddress: "203.0.113.44",
        bytesOut: whole(random, 300, 4000),
      }),
    );
  }
  if (random() < 0.3) {
    for (let n = whole(random, 1, 4); n > 0; n--) {
      put(
        plan,
        random() * SECONDS,
        inbound({
          localPort: 22,
          remotePort: nextPort(),
          remoteAddress: "192.168.7.9",
          packetsIn: 40,
          packetsOut: 40,
        }),
      );
    }
  }
  if (random() < 0.3) {
    const update = flow({
      localPort: nextPort(),
      remoteAddress: "203.0.113.80",
      packetsIn: 300,
      packetsOut: 150,
      bytesIn: 420_000,
      bytesOut: 6000,
    });
    for (let n = 0, s = random() * 150; n < 5; n++) put(plan, s + n, update);
  }
  if (random() < 0.3) {
    put(
      plan,
      random() * SECONDS,
      flow({
        localPort: nextPort(),
        remoteAddress: "203.0.113.81",
        bytesOut: whole(random, 10_000, 120_000),
      }),
    );
  }
}

function addAttack(plan: Plan, attack: Attack): void {
  const { random } = plan;
  const start = whole(random, 5, 90);
  const spread = (count: number, seconds: number, add: (second: number, n: number) => void) => {
    for (let n = 0; n < count; n++) add(start + (n * seconds) / count, n);
  };
  switch (attack) {
    case "portScan": {
      const style = whole(random, 0, 2);
      const probe = {
        packetsIn: 1,
        packetsOut: 1,
        bytesIn: 24,
        bytesOut: 20,
        remotePort: whole(random, 1024, 65_535),
      };
      const kinds = [
        inbound(probe),
        flow({ ...probe, initiator: null, outbound: false }),
        inbound({ ...probe, protocol: 17, packetsOut: 0 }),
      ];
      spread(whole(random, 25, 800), whole(random, 1, 60), (s, n) =>
        put(plan, s, { ...(kinds[style] as NetworkActivity), localPort: n + 1 }),
      );
      return;
    }
    case "bruteForce": {
      const localPort = [22, 23, 2323, 21][whole(random, 0, 3)] as number;
      const count = whole(random, 15, 100);
      spread(count, Math.min(80, count * (0.1 + random() * 2)), (s, n) =>
        put(plan, s, inbound({ localPort, remotePort: 20_000 + n })),
      );
      return;
    }
    case "beacon": {
      const period = 3 + random() * 17;
      const jitter = random() * 0.15;
      for (
        let s = 1 + random() * period, n = 0;
        s < SECONDS;
        s += period * (1 + (random() * 2 - 1) * jitter), n++
      ) {
        put(plan, s, flow({ localPort: 51_000 + n, remotePort: 443 }));
      }
      return;
    }
    case "upload": {
      const total = whole(random, 300_000, 5_000_000);
      const seconds = whole(random, 1, 30);
      for (let n = 0; n < seconds; n++) {
        put(
          plan,
          start + n,
          flow({
            localPort: 52_000,
            remotePort: 8443,
            bytesOut: Math.ceil(total / seconds),
            bytesIn: 1200,
          }),
        );
      }
      return;
    }
    case "hostScanOut": {
      const remotePort = [23, 2323, 445, 22][whole(random, 0, 3)] as number;
      spread(whole(random, 30, 300), whole(random, 1, 40), (s, n) =>
        put(
          plan,
          s,
          flow({
            localPort: 53_000 + n,
            remoteAddress: `198.51.${100 + (n >> 8)}.${n & 255}`,
            remotePort,
            packetsIn: 0,
            bytesIn: 0,
          }),
        ),
      );
      return;
    }
    case "portScanOut":
      spread(whole(random, 25, 300), whole(random, 1, 60), (s, n) =>
        put(
          plan,
          s,
          flow({
            localPort: 53_000 + n,
            remoteAddress: "192.168.7.40",
            remotePort: 1 + n,
            packetsIn: 1,
          }),
        ),
      );
      return;
    case "floodIn":
      spread(whole(random, 90, 500), whole(random, 1, 12), (s, n) =>
        put(plan, s, inbound({ localPort: 8081, remotePort: 10_000 + n })),
      );
      return;
    case "floodOut":
      spread(whole(random, 90, 500), whole(random, 1, 12), (s, n) =>
        put(plan, s, flow({ localPort: 54_000 + n, remotePort: 9000 })),
      );
      return;
    case "datagramFlood":
      spread(whole(random, 90, 500), whole(random, 1, 12), (s, n) =>
        put(plan, s, flow({ protocol: 17, localPort: 54_000 + n, remotePort: 9001 })),
      );
      return;
    case "packetFlood":
      for (
        let n = 0, seconds = whole(random, 5, 30), rate = whole(random, 500, 20_000);
        n < seconds;
        n++
      ) {
        put(
          plan,
          start + n,
          inbound({
            protocol: 17,
            localPort: 5683,
            remotePort: 4444,
            packetsIn: rate,
            packetsOut: 0,
            bytesIn: rate * 60,
            bytesOut: 0,
          }),
        );
      }
      return;
    case "cloudToDeviceBurst":
      spread(whole(random, 80, 500), whole(random, 1, 30), (s) => {
        plan.commands[Math.floor(s)] = (plan.commands[Math.floor(s)] ?? 0) + 1;
      });
      return;
  }
}

function toEvents(plan: Plan, seed: number): SecurityEvent[] {
  const events: SecurityEvent[] = [];
  const add = (
    name: "NetworkActivity" | "CloudToDeviceMessages",
    second: number,
    payload: readonly object[],
  ) => {
    events.push({
      name,
      id: `${seed}-${events.length}`,
      category: "Periodic",
      eventType: "Security",
      timeMs: START_MS + (second + 1) * 1000,
      intervalMs: 1000,
      isEmpty: false,
      payload,
    } as unknown as SecurityEvent);
  };
  plan.flows.forEach((flows, second) => {
    if (flows.length > 0) add("NetworkActivity", second, flows);
    const count = plan.commands[second] ?? 0;
    if (count > 0) add("CloudToDeviceMessages", second, [{ transport: "MQTT", count }]);
  });
  return events;
}

export interface Quality {
  readonly runs: number;
  /** Of all rules raised, the share that was put in. */
  readonly precision: number;
  /** Of all attacks put in, the share that was found. */
  readonly recall: number;
  readonly byAttack: Readonly<Record<string, { readonly runs: number; readonly found: number }>>;
  /** Rules raised that were not put in, with a seed to look at. */
  readonly wrong: readonly {
    readonly seed: number;
    readonly attack: string;
    readonly rule: string;
  }[];
  readonly missed: readonly { readonly seed: number; readonly attack: string }[];
}

/** @param runsEach runs of every attack; as many quiet ones as all attacks together */
export function measureQuality(detection: Detection, runsEach: number, firstSeed = 1): Quality {
  const byAttack: Record<string, { runs: number; found: number }> = {};
  const wrong: { seed: number; attack: string; rule: string }[] = [];
  const missed: { seed: number; attack: string }[] = [];
  let right = 0;
  let seed = firstSeed;
  const take = (attack: Attack | null) => {
    const run = generateRun(seed, attack);
    const raised = rulesRaised(detection, run);
    const name = attack ?? "none";
    for (const rule of raised) if (rule !== attack) wrong.push({ seed, attack: name, rule });
    if (attack) {
      byAttack[attack] ??= { runs: 0, found: 0 };
      byAttack[attack].runs += 1;
      if (raised.has(attack)) {
        byAttack[attack].found += 1;
        right += 1;
      } else missed.push({ seed, attack });
    }
    seed += 1;
  };
  for (let n = 0; n < runsEach; n++) {
    for (const attack of ATTACKS) {
      take(attack);
      take(null);
    }
  }
  const attacks = runsEach * ATTACKS.length;
  return {
    runs: 2 * attacks,
    precision: right / (right + wrong.length),
    recall: right / attacks,
    byAttack,
    wrong,
    missed,
  };
}
