/** Attacks on and by a device as packets, each in many sizes, paces and styles. */
import type { Site } from "./benign-traffic.ts";
import { ACK, FIN, RST, SYN } from "./packets.ts";
import {
  ask,
  attempt,
  between,
  chance,
  datagram,
  echo,
  exchange,
  pick,
  segment,
  type Talk,
  type Trace,
  whole,
} from "./traffic.ts";

type Attack = (trace: Trace, site: Site, evil: string) => void;

const inward = (site: Site, from: string, fromPort: number, toPort: number): Talk => ({
  from,
  fromPort,
  to: site.device,
  toPort,
});
const outward = (site: Site, to: string, toPort: number): Talk => ({
  from: site.device,
  fromPort: site.port(),
  to,
  toPort,
});
/** `count` times within `seconds`, from a random second on. */
function spread(
  trace: Trace,
  site: Site,
  count: number,
  seconds: number,
  act: (atS: number, n: number) => void,
): void {
  const length = Math.min(seconds, site.seconds * 0.8);
  const start = between(trace, 1, site.seconds - length);
  for (let n = 0; n < count; n++) act(start + ((n + trace.random() * 0.5) * length) / count, n);
}
/** A host of the outside, of the same family as the device. */
function outsider(trace: Trace, site: Site): string {
  if (site.device.includes(":")) return `2001:db8:99::${whole(trace, 1, 65_535).toString(16)}`;
  return `${pick(trace, ["198.51.100", "203.0.113", "192.0.2"])}.${whole(trace, 1, 254)}`;
}
const ports = (trace: Trace) => {
  const first = whole(trace, 1, 900);
  return (n: number) => 1 + ((first + n * 37) % 9999);
};

export const ATTACKS = {
  synScan(trace, site, evil) {
    const port = ports(trace);
    const source = whole(trace, 33_000, 60_000);
    spread(trace, site, whole(trace, 25, 900), between(trace, 0.2, 60), (at, n) =>
      attempt(
        trace,
        at,
        inward(site, evil, source, port(n)),
        chance(trace, 0.02) ? "reset" : "refused",
      ),
    );
  },
  connectScan(trace, site, evil) {
    const port = ports(trace);
    spread(trace, site, whole(trace, 25, 200), between(trace, 0.2, 60), (at, n) =>
      attempt(
        trace,
        at,
        inward(site, evil, 33_000 + n, port(n)),
        pick(trace, ["refused", "silent"]),
      ),
    );
  },
  slowScan(trace, site, evil) {
    const port = ports(trace);
    spread(trace, site, whole(trace, 20, 40), 3600, (at, n) =>
      attempt(trace, at, inward(site, evil, 40_000, port(n)), "refused"),
    );
  },
  stealthScan(trace, site, evil) {
    const port = ports(trace);
    const flags = pick(trace, [FIN, 0, FIN | 0x28, ACK, FIN | ACK]);
    spread(trace, site, whole(trace, 25, 500), between(trace, 1, 60), (at, n) => {
      const talk = inward(site, evil, 40_000, port(n));
      segment(trace, at, talk, flags);
      const reply = { from: talk.to, fromPort: talk.toPort, to: evil, toPort: talk.fromPort };
      if (chance(trace, 0.9)) segment(trace, at + 0.001, reply, RST | ACK);
    });
  },
  udpScan(trace, site, evil) {
    const port = ports(trace);
    spread(trace, site, whole(trace, 25, 300), between(trace, 2, 60), (at, n) =>
      datagram(trace, at, inward(site, evil, 41_000, port(n)), pick(trace, [0, 0, 12, 48])),
    );
  },
  bruteForce(trace, site, evil) {
    const port = pick(trace, [22, 23, 2323, 21, 22, 23]);
    const fast = chance(trace, 0.7);
    const count = whole(trace, 20, 80);
    spread(trace, site, count, count * (fast ? between(trace, 0.1, 2) : 8), (at, n) =>
      exchange(trace, at, {
        talk: inward(site, evil, 34_000 + n, port),
        up: whole(trace, 10, 60),
        down: whole(trace, 10, 120),
        end: pick(trace, ["fin", "rst"]),
      }),
    );
  },
  bruteForceMqtt(trace, site, evil) {
    const count = whole(trace, 20, 80);
    spread(trace, site, count, count * between(trace, 0.1, 2), (at, n) =>
      exchange(trace, at, {
        talk: inward(site, evil, 34_000 + n, pick(trace, [1883, 8883])),
        up: 45,
        down: 4,
      }),
    );
  },
  bruteForceHttp(trace, site, evil) {
    const port = pick(trace, [80, 8080]);
    const count = whole(trace, 40, 200);
    spread(trace, site, count, count * between(trace, 0.05, 0.25), (at, n) =>
      exchange(trace, at, { talk: inward(site, evil, 34_000 + n, port), up: 180, down: 140 }),
    );
  },
  beacon(trace, site, evil) {
    const period = between(trace, 3, site.seconds / 8);
    const jitter = between(trace, 0, 0.3);
    const port = pick(trace, [443, 80, 8080, 4444, 8443]);
    for (let at = between(trace, 0, period); at < site.seconds; ) {
      const up = whole(trace, 40, 150);
      exchange(trace, at, { talk: outward(site, evil, port), up, down: whole(trace, 10, 60) });
      at += period * (1 + jitter * (2 * trace.random() - 1));
    }
  },
  beaconDead(trace, site, evil) {
    const period = between(trace, 4, site.seconds / 10);
    for (let at = 1; at < site.seconds; at += period * between(trace, 0.9, 1.1)) {
      attempt(trace, at, outward(site, evil, 4444), "refused");
    }
  },
  beaconUdp(trace, site, evil) {
    const period = between(trace, 3, site.seconds / 10);
    for (let at = 1; at < site.seconds; at += period * between(trace, 0.9, 1.1)) {
      ask(trace, at, outward(site, evil, 5555), whole(trace, 20, 80), chance(trace, 0.5) ? 20 : 0);
    }
  },
  upload(trace, site, evil) {
    exchange(trace, between(trace, 1, site.seconds / 2), {
      talk: outward(site, evil, pick(trace, [443, 8443, 21, 9000])),
      up: whole(trace, 400_000, 4_000_000),
      down: whole(trace, 0, 2000),
      rate: between(trace, 3e5, 2e7),
    });
  },
  uploadPieces(trace, site, evil) {
    const count = whole(trace, 10, 40);
    const up = Math.ceil(whole(trace, 400_000, 1_500_000) / count);
    spread(trace, site, count, 90, (at) =>
      exchange(trace, at, { talk: outward(site, evil, 443), up, down: 200 }),
    );
  },
  uploadUdp(trace, site, evil) {
    const talk = outward(site, evil, 9999);
    spread(trace, site, whole(trace, 400, 2000), between(trace, 2, 40), (at) =>
      datagram(trace, at, talk, 1200),
    );
  },
  uploadNames(trace, site, evil) {
    // Data in long names; through the resolver of the house as well.
    const server = pick(trace, [evil, site.gateway]);
    spread(trace, site, whole(trace, 250, 800), between(trace, 80, 120), (at) =>
      ask(trace, at, outward(site, server, 53), whole(trace, 120, 250), whole(trace, 130, 300)),
    );
  },
  wormScan(trace, site) {
    const port = pick(trace, [23, 2323, 22, 445, 5555, 37_215]);
    spread(trace, site, whole(trace, 30, 200), between(trace, 2, 60), (at) => {
      const talk = outward(site, outsider(trace, site), port);
      if (chance(trace, 0.2)) exchange(trace, at, { talk, up: 20, down: 40 });
      else attempt(trace, at, talk, pick(trace, ["silent", "refused"]));
    });
  },
  wormScanSlow(trace, site) {
    spread(trace, site, whole(trace, 20, 40), 3600, (at) =>
      attempt(
        trace,
        at,
        outward(site, outsider(trace, site), 23),
        pick(trace, ["silent", "refused"]),
      ),
    );
  },
  pingSweep(trace, site) {
    spread(trace, site, whole(trace, 40, 200), between(trace, 2, 60), (at) => {
      const to = outsider(trace, site);
      echo(trace, at, site.device, to, false);
      if (chance(trace, 0.3)) echo(trace, at + 0.01, to, site.device, true);
    });
  },
  portScanOut(trace, site) {
    const victim = pick(trace, [...site.neighbours, outsider(trace, site)]);
    const port = ports(trace);
    spread(trace, site, whole(trace, 25, 300), between(trace, 1, 60), (at, n) =>
      attempt(trace, at, outward(site, victim, port(n)), pick(trace, ["silent", "refused"])),
    );
  },
  synFlood(trace, site, evil) {
    const port = pick(trace, [80, 443, 22, 23, 8080, 1883]);
    const spoofed = chance(trace, 0.5);
    spread(trace, site, whole(trace, 300, 3000), between(trace, 1, 20), (at) => {
      const from = spoofed ? outsider(trace, site) : evil;
      const outcome = pick(trace, ["half-open", "silent", "refused"] as const);
      attempt(trace, at, inward(site, from, whole(trace, 1024, 65_535), port), outcome);
    });
  },
  ackFlood(trace, site, evil) {
    const flags = pick(trace, [ACK, RST, FIN | ACK, RST | ACK]);
    spread(trace, site, whole(trace, 500, 3000), between(trace, 1, 20), (at) =>
      segment(trace, at, inward(site, evil, whole(trace, 1024, 65_535), 80), flags),
    );
  },
  connectionFlood(trace, site, evil) {
    const port = pick(trace, [80, 5555, 8080, 502]);
    spread(trace, site, whole(trace, 100, 400), between(trace, 2, 18), (at, n) =>
      exchange(trace, at, {
        talk: inward(site, evil, 10_000 + n, port),
        up: pick(trace, [0, 60]),
        down: pick(trace, [0, 60]),
        end: pick(trace, ["open", "fin"]),
      }),
    );
  },
  connectionFloodOut(trace, site, evil) {
    spread(trace, site, whole(trace, 80, 400), between(trace, 2, 14), (at) =>
      exchange(trace, at, {
        talk: outward(site, evil, 9000),
        up: whole(trace, 0, 200),
        down: whole(trace, 0, 100),
        end: pick(trace, ["open", "fin", "rst"]),
      }),
    );
  },
  synFloodOut(trace, site, evil) {
    const port = pick(trace, [80, 443]);
    spread(trace, site, whole(trace, 300, 2000), between(trace, 1, 20), (at) =>
      segment(trace, at, outward(site, evil, port), SYN),
    );
  },
  udpFlood(trace, site, evil) {
    const style = whole(trace, 0, 2);
    const port = pick(trace, [53, 5683, 161, 40_000]);
    spread(trace, site, whole(trace, 3000, 6000), between(trace, 1, 12), (at) => {
      const from = style === 2 ? outsider(trace, site) : evil;
      const fromPort = style === 0 ? 4444 : whole(trace, 1024, 65_535);
      datagram(trace, at, inward(site, from, fromPort, port), whole(trace, 0, 100));
    });
  },
  udpFloodOut(trace, site, evil) {
    const one = chance(trace, 0.5) ? outward(site, evil, 80) : null;
    spread(trace, site, whole(trace, 3000, 6000), between(trace, 1, 12), (at) =>
      datagram(trace, at, one ?? outward(site, evil, 80), 20),
    );
  },
  icmpFlood(trace, site, evil) {
    const isAnswered = chance(trace, 0.7);
    spread(trace, site, whole(trace, 600, 4000), between(trace, 1, 12), (at) => {
      echo(trace, at, evil, site.device, false);
      if (isAnswered) echo(trace, at + 0.0005, site.device, evil, true);
    });
  },
} as const satisfies Record<string, Attack>;

export type AttackName = keyof typeof ATTACKS;
