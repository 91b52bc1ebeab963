/** What attackers do to a device, and what a device does that is taken over. */
import * as packets from "../net/frame.ts";
import { ACK, RST, SYN } from "../net/frame.ts";
import * as payload from "../net/payload.ts";
import { createTcpConnection, type TimedFrame } from "../net/tcp.ts";
import type { Prng } from "../prng.ts";
import { type Batches, sequences, TRIP_MS, type TrafficContext, times } from "./context.ts";

const SSH_PORT = 22;
const TELNET_PORT = 23;

/** A SYN that is refused, as closed ports do. */
function refused(
  context: TrafficContext,
  from: packets.Endpoint,
  to: packets.Endpoint,
  atMs: number,
  flags = SYN,
): TimedFrame[] {
  const sequence = context.random.next();
  const answer = { flags: RST | ACK, sequence: 0, acknowledged: (sequence + 1) >>> 0 };
  return [
    { atMs, frame: packets.tcpFrame(from, to, { flags, sequence, acknowledged: 0 }) },
    { atMs: atMs + TRIP_MS, frame: packets.tcpFrame(to, from, answer) },
  ];
}

export function* portScan(context: TrafficContext): Batches {
  const { random, entry } = context;
  const ports = entry.ports ?? 100;
  let port = 0;
  for (const atMs of times(context, "100ms", ports)) {
    port++;
    const from = context.peer(40_000 + random.below(20_000));
    const to = context.device(port);
    if (entry.style === "connect") {
      const connection = createTcpConnection(from, to, sequences(random), TRIP_MS);
      yield [...connection.open(atMs), ...connection.reset(atMs + 3 * TRIP_MS, "client")];
    } else {
      const flags = entry.style === "fin" ? packets.FIN : SYN;
      yield refused(context, from, to, atMs, flags);
    }
  }
}

export function* portScanOut(context: TrafficContext): Batches {
  let port = 0;
  for (const atMs of times(context, "100ms", context.entry.ports ?? 100)) {
    port++;
    yield refused(context, context.device(context.localPort()), context.peer(port), atMs);
  }
}

export function* bruteForce(context: TrafficContext): Batches {
  const { random, entry } = context;
  for (const atMs of times(context, "1s", 60)) {
    const from = context.peer(32_768 + random.below(28_000));
    const to = context.device(entry.port ?? SSH_PORT);
    const connection = createTcpConnection(from, to, sequences(random), TRIP_MS);
    yield [
      ...connection.open(atMs),
      ...connection.send(atMs + 3 * TRIP_MS, "client", payload.filler(48)),
      ...connection.send(atMs + 6 * TRIP_MS, "server", payload.filler(16)),
      ...connection.close(atMs + 9 * TRIP_MS, "server"),
    ];
  }
}

export function* beacon(context: TrafficContext): Batches {
  const { random, entry } = context;
  for (const atMs of times(context, "1m")) {
    const from = context.device(context.localPort());
    const connection = createTcpConnection(
      from,
      context.peer(entry.port ?? 443),
      sequences(random),
      TRIP_MS,
    );
    yield [
      ...connection.open(atMs),
      ...connection.send(atMs + 3 * TRIP_MS, "client", payload.filler(entry.bytes ?? 64)),
      ...connection.send(atMs + 6 * TRIP_MS, "server", payload.filler(32)),
      ...connection.close(atMs + 9 * TRIP_MS, "client"),
    ];
  }
}

/** Bytes sent at a time in an upload, a pause of one round trip between. */
const UPLOAD_BYTES = 11_520;

export function* exfiltration(context: TrafficContext): Batches {
  const { random, entry, fromMs, untilMs } = context;
  const from = context.device(context.localPort());
  const to = context.peer(entry.port ?? 443);
  const connection = createTcpConnection(from, to, sequences(random), TRIP_MS);
  yield connection.open(fromMs);
  let atMs = fromMs + 3 * TRIP_MS;
  for (let left = entry.bytes ?? 0; left > 0 && atMs <= untilMs; left -= UPLOAD_BYTES) {
    yield connection.send(atMs, "client", payload.filler(Math.min(left, UPLOAD_BYTES)));
    atMs += 2 * TRIP_MS;
  }
  yield connection.close(atMs, "client");
}

/** Tries random public hosts on a login port; none answers. */
export function* mirai(context: TrafficContext): Batches {
  const { random, entry } = context;
  for (const atMs of times(context, "50ms", 200)) {
    const from = context.device(context.localPort());
    const to = {
      address: randomHost(random, from.address.length),
      port: entry.port ?? TELNET_PORT,
    };
    const fields = { flags: SYN, sequence: random.next(), acknowledged: 0 };
    yield [{ atMs, frame: packets.tcpFrame(from, to, fields) }];
  }
}

/** A public address; IPv6 ones are of the range for examples, 2001:db8::/32. */
function randomHost(random: Prng, bytes: number): Uint8Array {
  const host = Uint8Array.from({ length: bytes }, () => random.below(256));
  if (bytes === 4) host[0] = random.between(11, 99);
  else host.set([0x20, 0x01, 0x0d, 0xb8]);
  return host;
}

export function* connectionFlood(context: TrafficContext): Batches {
  const { random, entry } = context;
  for (const atMs of times(context, "20ms", 500)) {
    const isOut = entry.direction === "out";
    const from = isOut
      ? context.device(context.localPort())
      : context.peer(32_768 + random.below(28_000));
    const to = isOut ? context.peer(entry.port ?? 80) : context.device(entry.port ?? 80);
    const connection = createTcpConnection(from, to, sequences(random), TRIP_MS);
    yield [...connection.open(atMs), ...connection.reset(atMs + 4 * TRIP_MS, "client")];
  }
}

export function* datagramFlood(context: TrafficContext): Batches {
  const { random, entry } = context;
  for (const atMs of times(context, "20ms", 500)) {
    const from = context.peer(1024 + random.below(60_000));
    const to = context.device(entry.port ?? 5683);
    yield [{ atMs, frame: packets.udpFrame(from, to, payload.filler(entry.bytes ?? 64)) }];
  }
}

export function* packetFlood(context: TrafficContext): Batches {
  const { entry } = context;
  const [from, to] = [context.peer(50_001), context.device(entry.port ?? 7)];
  const frame = packets.udpFrame(from, to, payload.filler(entry.bytes ?? 200));
  for (const atMs of times(context, "2ms", 5000)) yield [{ atMs, frame }];
}
