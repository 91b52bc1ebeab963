/**
 * Labelled runs, generated: three minutes of a small device's reports, a second apart, with or
 * without one attack of random size and pace. What detection finds in them is compared with what
 * was put in.
 */
import type { Detection } from "../detect/detection.ts";
import type { SecurityEvent } from "../wire/events.ts";
import { createRandom } from "./bench-fleet.ts";
import {
  ATTACKS,
  type Attack,
  addAttack,
  flow,
  inbound,
  type Plan,
  put,
  SECONDS,
  START_MS,
  whole,
} from "./quality-attacks.ts";

export { ATTACKS } from "./quality-attacks.ts";

export interface LabelledRun {
  readonly seed: number;
  readonly attack: Attack | null;
  readonly events: readonly SecurityEvent[];
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
