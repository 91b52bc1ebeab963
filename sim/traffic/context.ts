/** What traffic generators get and give. */
import { durationMs } from "../duration.ts";
import type { Endpoint } from "../net/frame.ts";
import type { TimedFrame } from "../net/tcp.ts";
import type { Prng } from "../prng.ts";
import type { TrafficEntry } from "../scenario.ts";

/** Frames that belong together, the first one first; the next ones are made when it is due. */
export type Batches = Generator<readonly TimedFrame[], void, void>;

export interface TrafficContext {
  readonly entry: TrafficEntry;
  readonly deviceId: string;
  readonly random: Prng;
  /** Limits of the entry, virtual ms; frames end with the run. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** Wall clock at the start of the run, s. */
  readonly startWallS: number;
  /** The device, at an address of the peer's family. */
  device(port: number): Endpoint;
  /** The entry's peer. */
  peer(port: number): Endpoint;
  /** A port for the device's next connection; each is used once in 16,384. */
  localPort(): number;
}

export type TrafficKind = (context: TrafficContext) => Batches;

/** One way through the network, ms. */
export const TRIP_MS = 8;

/** The times of an entry: every so long, with its jitter, `count` times, between its limits. */
export function* times(
  { entry, random, fromMs, untilMs }: TrafficContext,
  everyDefault: string,
  countDefault = Number.POSITIVE_INFINITY,
): Generator<number> {
  const everyMs = durationMs(entry.every ?? everyDefault);
  const spreadMs = Math.floor(everyMs * (entry.jitter ?? 0));
  const count = entry.count ?? countDefault;
  for (let i = 0; i < count; i++) {
    const offset = spreadMs === 0 ? 0 : random.between(-spreadMs, spreadMs);
    const atMs = Math.max(fromMs, fromMs + i * everyMs + offset);
    if (fromMs + i * everyMs > untilMs) return;
    yield atMs;
    if (everyMs === 0 && !Number.isFinite(count)) return;
  }
}

export function sequences(random: Prng): readonly [number, number] {
  return [random.next(), random.next()];
}
