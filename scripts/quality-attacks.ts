/** Attacks of random size and pace, as flows of each second. */
import type { NetworkActivity } from "../wire/events.ts";

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

export const SECONDS = 180;
export const START_MS = Date.UTC(2026, 0, 5);
const EVIL = "198.51.100.66";
const DEVICE = "192.168.7.20";

type Flows = NetworkActivity[][];
export interface Plan {
  readonly random: () => number;
  /** Flows of each second. */
  readonly flows: Flows;
  /** Cloud-to-device messages of each second. */
  readonly commands: number[];
}

export const whole = (random: () => number, least: number, most: number) =>
  least + Math.floor(random() * (most - least + 1));

export function flow(given: Partial<NetworkActivity>): NetworkActivity {
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

export function inbound(given: Partial<NetworkActivity>): NetworkActivity {
  return flow({ initiator: "remote", outbound: false, ...given });
}

export function put(plan: Plan, second: number, item: NetworkActivity): void {
  plan.flows[Math.max(0, Math.min(SECONDS - 1, Math.floor(second)))]?.push(item);
}

/** Puts one attack of random size and pace into the plan. */
export function addAttack(plan: Plan, attack: Attack): void {
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
            bytesIn: 20,
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
