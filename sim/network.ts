/** The networks of the boards: traffic generators, and what happens to frames on their way. */
import { parseAddress } from "../host/netx/address.ts";
import { durationMs } from "./duration.ts";
import type { Member } from "./member.ts";
import type { Prng } from "./prng.ts";
import type { Scenario, TrafficEntry } from "./scenario.ts";
import type { Scheduler } from "./scheduler.ts";
import type { TrafficContext } from "./traffic/context.ts";
import { createTraffic } from "./traffic/traffic.ts";

export interface NetworkOptions {
  readonly scenario: Scenario;
  readonly scheduler: Scheduler;
  /** For what is lost. */
  readonly random: Prng;
  readonly runMs: number;
  /** Wall clock at the start of the run, s. */
  readonly startWallS: number;
  /** Told of each frame before the board takes it. */
  readonly onFrame?: ((deviceId: string, timeMs: number, frame: Uint8Array) => void) | undefined;
}

export interface Network {
  /** Begins the traffic of one device. */
  attach(member: Member, random: Prng): void;
}

const EPHEMERAL_FIRST = 49_152;

export function createNetwork(options: NetworkOptions): Network {
  const { scenario, scheduler, random, runMs } = options;

  function contextOf({ planned, device }: Member, entry: TrafficEntry, own: Prng): TrafficContext {
    const { addresses, startMs } = planned;
    const { deviceId } = device;
    let port = own.below(16_384);
    const peer = entry.peer === undefined ? undefined : peerAddress(scenario, entry.peer);
    const family = peer?.length ?? 4;
    const address = addresses.find(({ bytes }) => bytes.length === family)?.bytes;
    return {
      entry,
      deviceId,
      random: own,
      fromMs: Math.max(startMs, durationMs(entry.from ?? "0s")),
      untilMs: Math.min(runMs, durationMs(entry.until ?? scenario.duration)),
      startWallS: options.startWallS,
      device: (at) => {
        if (address) return { address, port: at };
        throw new Error(`${deviceId} has no IPv${family === 4 ? 4 : 6} address for ${entry.kind}`);
      },
      peer: (at) => ({ address: peer as Uint8Array, port: at }),
      localPort: () => EPHEMERAL_FIRST + (port++ & 16_383),
    };
  }

  /** Puts a generator's frames on the wire, one batch after the other. */
  function feed(member: Member, batches: ReturnType<typeof createTraffic>): void {
    const pull = (): void => {
      const batch = batches.next();
      if (batch.done) return;
      const frames = batch.value;
      for (const { atMs, frame } of frames) {
        if (atMs <= runMs) scheduler.at(atMs, () => put(member, frame));
      }
      const first = frames[0];
      if (first !== undefined && first.atMs <= runMs) scheduler.at(first.atMs, pull);
    };
    scheduler.at(0, pull);
  }

  function put({ device, faults }: Member, frame: Uint8Array): void {
    if (faults.hits("linkDown")) return;
    const loss = faults.active("loss");
    if (loss && random.chance(loss.probability)) return;
    const delay = faults.hits("delay");
    const take = () => {
      options.onFrame?.(device.deviceId, scheduler.nowMs, frame);
      device.frame(frame);
    };
    if (delay) scheduler.at(scheduler.nowMs + durationMs(delay.entry.delay ?? "2s"), take);
    else take();
  }

  return {
    attach(member, own) {
      for (const [i, entry] of (scenario.traffic ?? []).entries()) {
        if (entry.board !== undefined && entry.board !== member.device.board) continue;
        feed(member, createTraffic(contextOf(member, entry, own.fork(`traffic${i}`))));
      }
    },
  };
}

function peerAddress(scenario: Scenario, peer: string): Uint8Array {
  const text = scenario.peers?.[peer] ?? peer;
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`peer ${peer}: "${text}" is not an IP address`);
  return address;
}
