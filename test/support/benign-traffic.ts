/** What small devices do all day, in many variants; none of it is an attack. */
import {
  ask,
  attempt,
  between,
  chance,
  datagram,
  echo,
  exchange,
  pick,
  type Talk,
  type Trace,
  whole,
} from "./traffic.ts";

/** The network that a capture was taken in. */
export interface Site {
  readonly device: string;
  readonly gateway: string;
  readonly neighbours: readonly string[];
  readonly cloud: readonly string[];
  /** Length of the capture, s. */
  readonly seconds: number;
  /** A fresh local port of the device's own. */
  readonly port: () => number;
}

type Habit = (trace: Trace, site: Site) => void;

const toward = (site: Site, to: string, toPort: number): Talk => ({
  from: site.device,
  fromPort: site.port(),
  to,
  toPort,
});
const fromHost = (site: Site, from: string, fromPort: number, toPort: number): Talk => ({
  from,
  fromPort,
  to: site.device,
  toPort,
});

/** Calls `act` about every `periodS`. */
function every(
  trace: Trace,
  site: Site,
  periodS: number,
  jitter: number,
  act: (atS: number) => void,
): void {
  const step = () => periodS * (1 + jitter * (2 * trace.random() - 1));
  for (let at = between(trace, 0, periodS); at < site.seconds; at += step()) act(at);
}

export const HABITS = {
  telemetry(trace, site) {
    const broker = pick(trace, [site.gateway, pick(trace, site.cloud)]);
    const gapS = pick(trace, [1, 2, 5, 10, 30]);
    exchange(trace, between(trace, 0, 2), {
      talk: toward(site, broker, pick(trace, [1883, 8883, 5671])),
      up: whole(trace, 60, 700),
      down: 4,
      times: Math.floor(site.seconds / gapS),
      gapS,
      end: "open",
    });
  },
  names(trace, site) {
    const server = pick(trace, [site.gateway, pick(trace, site.cloud)]);
    every(trace, site, between(trace, 0.3, 20), 0.9, (at) =>
      ask(trace, at, toward(site, server, 53), whole(trace, 28, 60), whole(trace, 44, 300)),
    );
  },
  time(trace, site) {
    const server = pick(trace, [site.gateway, pick(trace, site.cloud)]);
    const talk = toward(site, server, 123);
    const fixed = chance(trace, 0.5) ? 123 : 0;
    every(trace, site, pick(trace, [8, 16, 64]), 0.05, (at) =>
      ask(trace, at, { ...talk, fromPort: fixed || site.port() }, 48, 48),
    );
  },
  localPoll(trace, site) {
    every(trace, site, pick(trace, [2, 5, 6, 10, 30]), 0.05, (at) => {
      const talk = toward(site, site.gateway, pick(trace, [80, 8080]));
      exchange(trace, at, { talk, up: 120, down: whole(trace, 100, 3000) });
    });
  },
  /** Keep-alive: one connection, a request every ten seconds or so. */
  cloudPoll(trace, site) {
    const gapS = pick(trace, [5, 10, 20]);
    exchange(trace, between(trace, 0, 5), {
      talk: toward(site, pick(trace, site.cloud), 443),
      up: whole(trace, 200, 700),
      down: whole(trace, 200, 4000),
      times: Math.floor(site.seconds / gapS),
      gapS,
      end: pick(trace, ["open", "fin", "rst"]),
    });
  },
  /** A service asked when work needs it, over TLS: certificates come with every answer. */
  cloudCalls(trace, site) {
    const host = pick(trace, site.cloud);
    let at = 0;
    const gap = () => -Math.log(1 - trace.random()) * 20;
    for (at = gap(); at < site.seconds; at += gap()) {
      const down = whole(trace, 3500, 9000);
      exchange(trace, at, { talk: toward(site, host, 443), up: whole(trace, 600, 4000), down });
    }
  },
  /** The weather every so often, over a new TLS connection each time. */
  cloudFetch(trace, site) {
    const host = pick(trace, site.cloud);
    every(trace, site, pick(trace, [10, 15, 30]), 0.02, (at) => {
      const down = whole(trace, 5000, 40_000);
      exchange(trace, at, { talk: toward(site, host, 443), up: whole(trace, 700, 1200), down });
    });
  },
  download(trace, site) {
    exchange(trace, between(trace, 1, site.seconds / 3), {
      talk: toward(site, pick(trace, site.cloud), pick(trace, [80, 443])),
      up: 300,
      down: whole(trace, 500_000, 8_000_000),
      rate: pick(trace, [2e5, 1e6, 1e7]),
      ackEvery: pick(trace, [2, 2, 8, 24]),
    });
  },
  logUpload(trace, site) {
    exchange(trace, between(trace, 1, site.seconds - 10), {
      talk: toward(site, pick(trace, site.cloud), 443),
      up: whole(trace, 5000, 100_000),
      down: 800,
    });
  },
  webInterface(trace, site) {
    const content = pick(trace, [80, 8080]);
    for (const client of site.neighbours) {
      let port = whole(trace, 40_000, 60_000);
      for (let pages = whole(trace, 1, 3), at = between(trace, 1, 10); pages > 0; pages--) {
        for (let files = whole(trace, 4, 24); files > 0; files--) {
          const down = chance(trace, 0.2) ? 180 : whole(trace, 600, 30_000);
          const talk = fromHost(site, client, port++, content);
          exchange(trace, at + between(trace, 0, 2), { talk, up: whole(trace, 250, 600), down });
        }
        at += between(trace, 8, 40);
      }
    }
  },
  /** A dashboard asks for values every second or two. */
  restClient(trace, site) {
    const client = pick(trace, site.neighbours);
    let port = whole(trace, 40_000, 60_000);
    every(trace, site, pick(trace, [1, 2, 5]), 0.05, (at) => {
      const talk = fromHost(site, client, port++, 80);
      exchange(trace, at, { talk, up: 160, down: whole(trace, 120, 900) });
    });
  },
  administrator(trace, site) {
    const admin = pick(trace, site.neighbours);
    for (let n = whole(trace, 1, 3), at = 3; n > 0; n--, at += between(trace, 5, 30)) {
      exchange(trace, at, {
        talk: fromHost(site, admin, whole(trace, 40_000, 60_000), 22),
        up: 60,
        down: 90,
        times: whole(trace, 10, 60),
        gapS: 0.3,
      });
    }
  },
  monitoring(trace, site) {
    const host = pick(trace, [site.gateway, ...site.neighbours]);
    const port = pick(trace, [22, 80, 8883]);
    every(trace, site, pick(trace, [30, 60]), 0.02, (at) =>
      attempt(trace, at, fromHost(site, host, site.port(), port), "reset"),
    );
  },
  pings(trace, site) {
    const other = pick(trace, [site.gateway, ...site.neighbours]);
    every(trace, site, pick(trace, [0.2, 1, 5]), 0.01, (at) => {
      const [from, to] = chance(trace, 0.5) ? [site.device, other] : [other, site.device];
      echo(trace, at, from, to, false);
      echo(trace, at + 0.001, to, from, true);
    });
  },
  discovery(trace, site) {
    if (site.device.includes(":")) {
      every(trace, site, 5, 0.9, (at) =>
        datagram(
          trace,
          at,
          { from: site.device, fromPort: 5353, to: "ff02::fb", toPort: 5353 },
          90,
        ),
      );
      return;
    }
    every(trace, site, 4, 0.9, (at) => {
      const from = pick(trace, site.neighbours);
      datagram(trace, at, { from, fromPort: 5353, to: "224.0.0.251", toPort: 5353 }, 120);
      datagram(trace, at, { from, fromPort: 50_000, to: "239.255.255.250", toPort: 1900 }, 170);
      datagram(trace, at, { from, fromPort: 137, to: "255.255.255.255", toPort: 137 }, 50);
    });
    every(trace, site, 15, 0.5, (at) => {
      const asked = { from: site.device, fromPort: site.port(), to: "239.255.255.250" };
      datagram(trace, at, { ...asked, toPort: 1900 }, 140);
      for (const host of [site.gateway, ...site.neighbours]) {
        datagram(trace, at + between(trace, 0, 3), fromHost(site, host, 1900, asked.fromPort), 300);
      }
    });
  },
  reboots(trace, site) {
    const period = between(trace, 8, 20);
    const broker = pick(trace, site.cloud);
    for (let at = 2; at < site.seconds; at += period * between(trace, 0.7, 1.6)) {
      for (let n = whole(trace, 2, 6); n > 0; n--) {
        ask(trace, at + n / 10, toward(site, site.gateway, 53), 40, 80);
      }
      ask(trace, at + 0.8, toward(site, site.gateway, 123), 48, 48);
      exchange(trace, at + 1, {
        talk: toward(site, broker, 8883),
        up: 400,
        down: 3000,
        times: 3,
        gapS: 2,
        end: "open",
      });
    }
  },
  /** The broker is down: the client tries again and again, with growing pauses. */
  brokerOutage(trace, site) {
    const broker = pick(trace, [site.gateway, pick(trace, site.cloud)]);
    const outcome = pick(trace, ["silent", "refused"] as const);
    for (let at = 4, wait = 1; at < site.seconds; at += wait, wait = Math.min(60, wait * 2)) {
      attempt(trace, at, toward(site, broker, 8883), outcome);
    }
  },
  fileServer(trace, site) {
    // Passive FTP: a port of the device's own for every file.
    const client = pick(trace, site.neighbours);
    exchange(trace, 2, {
      talk: fromHost(site, client, 45_000, 21),
      up: 30,
      down: 60,
      times: 20,
      gapS: 0.5,
    });
    for (let n = whole(trace, 5, 25), at = 3; n > 0; n--, at += 0.8) {
      exchange(trace, at, {
        talk: fromHost(site, client, 45_000 + n, 20_000 + n),
        up: whole(trace, 100, 20_000),
        down: 10,
      });
    }
  },
} as const satisfies Record<string, Habit>;

export type HabitName = keyof typeof HABITS;
