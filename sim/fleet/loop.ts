/** The traffic of a kind of board as a loop of frames that all such boards share. */
import { type DeviceAddress, parseAddress } from "../../host/netx/address.ts";
import { durationMs } from "../duration.ts";
import { createPrng } from "../prng.ts";
import type { TrafficEntry } from "../scenario.ts";
import type { TrafficContext } from "../traffic/context.ts";
import { createTraffic } from "../traffic/traffic.ts";
import type { FleetDescription, FleetMix } from "./description.ts";

/** Frames by time within the loop. */
export interface FrameLoop {
  readonly times: Float64Array;
  readonly frames: readonly Uint8Array[];
  /** Length of the loop, ms. */
  readonly cycleMs: number;
}

const CYCLE = "1h";
const FRAMES_MAX = 2_000_000;
const EPHEMERAL_FIRST = 49_152;

export function createFrameLoop(
  mix: FleetMix,
  fleet: FleetDescription,
  addresses: readonly DeviceAddress[],
  startWallS: number,
): FrameLoop {
  const cycleMs = durationMs(mix.cycle ?? CYCLE);
  const frames: { atMs: number; frame: Uint8Array }[] = [];
  for (const [i, entry] of mix.traffic.entries()) {
    const context = contextOf(entry, i, { mix, fleet, addresses, cycleMs, startWallS });
    for (const batch of createTraffic(context)) {
      for (const timed of batch) if (timed.atMs < cycleMs) frames.push(timed);
      if (frames.length > FRAMES_MAX) {
        throw new Error(`${mix.name}: more than ${FRAMES_MAX} frames in a cycle: shorten it`);
      }
    }
  }
  frames.sort((a, b) => a.atMs - b.atMs);
  return {
    times: Float64Array.from(frames, ({ atMs }) => atMs),
    frames: frames.map(({ frame }) => frame),
    cycleMs,
  };
}

interface LoopParts {
  readonly mix: FleetMix;
  readonly fleet: FleetDescription;
  readonly addresses: readonly DeviceAddress[];
  readonly cycleMs: number;
  readonly startWallS: number;
}

function contextOf(entry: TrafficEntry, index: number, parts: LoopParts): TrafficContext {
  const { mix, fleet, addresses, cycleMs, startWallS } = parts;
  const random = createPrng(1).fork(`${mix.name}${index}`);
  let port = random.below(16_384);
  const text = entry.peer === undefined ? undefined : (fleet.peers?.[entry.peer] ?? entry.peer);
  const peer = text === undefined ? undefined : parseAddress(text);
  if (text !== undefined && peer === undefined) throw new Error(`${mix.name}: no peer "${text}"`);
  const family = peer?.length ?? 4;
  const address = addresses.find(({ bytes }) => bytes.length === family)?.bytes;
  if (address === undefined) throw new Error(`${mix.name}: the boards have no such address`);
  return {
    entry,
    deviceId: "board",
    random,
    fromMs: durationMs(entry.from ?? "0s"),
    untilMs: entry.until === undefined ? cycleMs - 1 : durationMs(entry.until),
    startWallS,
    device: (at) => ({ address, port: at }),
    peer: (at) => ({ address: peer as Uint8Array, port: at }),
    localPort: () => EPHEMERAL_FIRST + (port++ & 16_383),
  };
}
