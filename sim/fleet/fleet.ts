/** Thousands of boards on one core instance, slice of time by slice of time. */
import { resolveOptions } from "../../boards/options.ts";
import type { Engine } from "../../host/engines/engine.ts";
import { parseDeviceAddresses } from "../../host/netx/address.ts";
import { LINK_ETHERNET } from "../../host/netx/link.ts";
import { createNetx } from "../../host/netx/netx.ts";
import { DEFAULT_ADDRESSES } from "../board-plan.ts";
import { DEFAULT_INTERVALS } from "../core.ts";
import { agentId, twinBytes } from "../device.ts";
import { durationMs } from "../duration.ts";
import { createPrng } from "../prng.ts";
import type { FleetDescription } from "./description.ts";
import { createFleetCore } from "./fleet-core.ts";
import { createFrameLoop } from "./loop.ts";
import { createSnapshots } from "./snapshots.ts";

export interface FleetOptions {
  readonly fleet: FleetDescription;
  readonly wasm: Uint8Array;
  readonly seed: number;
  readonly engine?: Engine | undefined;
  /** Wall clock at the start, s. */
  readonly startWallS: number;
  /** Takes each message as the hub gets it. */
  readonly onMessage?: (board: number, timeMs: number, bytes: Uint8Array) => void;
  /** Told after each slice, virtual ms. */
  readonly onProgress?: (nowMs: number) => void;
}

/** What each board did. */
export interface FleetTotals {
  readonly boards: number;
  readonly hours: number;
  readonly packets: number;
  readonly messages: Uint32Array;
  readonly bytes: Float64Array;
  /** Hub quota units: steps of 4 KiB. */
  readonly units: Uint32Array;
  readonly failedSends: Uint32Array;
  /** Kept for all boards at the end, B. */
  readonly snapshotBytes: number;
}

export interface Fleet {
  /** Simulates up to a virtual time, ms. */
  run(untilMs: number): void;
  totals(): FleetTotals;
}

/** The hub bills messages in steps of so many bytes. */
export const QUOTA_BYTES = 4096;
/** Boards are swapped after so much virtual time. */
const SLICE_MS = 3_600_000;
const HOUR_MS = 3_600_000;

export function fleetName(index: number): string {
  return `board-${index + 1}`;
}

/** @throws Error with one line for a description that cannot be run */
export function createFleet(options: FleetOptions): Fleet {
  const { fleet, startWallS } = options;
  resolveOptions(fleet.options ?? {});
  const random = createPrng(options.seed);
  const { boards } = fleet;
  const addresses = parseDeviceAddresses(DEFAULT_ADDRESSES);
  const loops = fleet.mix.map((mix) => createFrameLoop(mix, fleet, addresses, startWallS));
  const kinds = spread(
    fleet.mix.map(({ share }) => share),
    boards,
    random.fork("mix"),
  );
  const regionShares = (fleet.regions ?? []).map(({ share }) => share);
  const regions = spread(regionShares, boards, random.fork("regions"));
  const outages = (fleet.outages ?? []).map(({ region, from, for: length }) => ({
    region: (fleet.regions ?? []).findIndex((known) => known.name === region),
    fromMs: durationMs(from),
    untilMs: durationMs(from) + durationMs(length),
  }));
  const spreadMs = durationMs(fleet.startSpread ?? "0s");
  const starts = new Float64Array(boards);
  const phases = new Float64Array(boards);
  const ranks = new Float64Array(boards);
  const startRandom = random.fork("starts");
  for (let i = 0; i < boards; i++) {
    starts[i] = spreadMs === 0 ? 0 : startRandom.below(spreadMs);
    // Boards of a kind are at different places of its loop.
    phases[i] = startRandom.below(Math.min(loops[kinds[i] as number]?.cycleMs ?? 1, 60_000));
    ranks[i] = startRandom.below(1_000_000) / 10_000;
  }
  const polled = new Float64Array(boards);
  const dues = new Float64Array(boards);
  const messages = new Uint32Array(boards);
  const bytesSent = new Float64Array(boards);
  const units = new Uint32Array(boards);
  const failedSends = new Uint32Array(boards);
  const seeds = random.fork("seeds");
  const bootSeeds = Uint32Array.from({ length: boards }, () => (seeds.next() | 1) >>> 0);
  const twin = fleet.twin && twinBytes(fleet.twin);
  const changes = (fleet.twinChanges ?? []).flatMap(({ from, stages, every, desired }) =>
    stages.map((percent, stage) => ({
      atMs: durationMs(from) + stage * durationMs(every),
      fromRank: stage === 0 ? 0 : (stages[stage - 1] as number),
      toRank: percent,
      json: twinBytes(desired),
    })),
  );
  changes.sort((a, b) => a.atMs - b.atMs);
  const changesDone = new Uint16Array(boards);

  const waiting: { id: number; bytes: Uint8Array }[] = [];
  const own = createFleetCore({
    wasm: options.wasm,
    engine: options.engine,
    intervals: DEFAULT_INTERVALS,
    publish: (id, bytes) => void waiting.push({ id, bytes }),
  });
  const { core, memory } = own;
  const { ring } = core;
  const netx = createNetx({ addresses, ring });
  const snapshots = createSnapshots(memory.slice(), boards);
  let reachedMs = 0;
  let packets = 0;

  function isOut(board: number, nowMs: number): boolean {
    for (const { region, fromMs, untilMs } of outages) {
      if (nowMs < fromMs || nowMs >= untilMs) continue;
      if (region < 0 || region === regions[board]) return true;
    }
    return false;
  }

  function send(board: number, nowMs: number): void {
    while (waiting.length > 0) {
      const { id, bytes } = waiting.shift() as (typeof waiting)[number];
      const fails = outages.length > 0 && isOut(board, nowMs);
      if (fails) failedSends[board] = (failedSends[board] as number) + 1;
      else {
        messages[board] = (messages[board] as number) + 1;
        bytesSent[board] = (bytesSent[board] as number) + bytes.length;
        units[board] = (units[board] as number) + Math.ceil(bytes.length / QUOTA_BYTES);
        options.onMessage?.(board, nowMs, bytes);
      }
      core.published(id, !fails);
    }
  }

  /** Takes what waits, sends, and notes when there is something to do again. */
  function poll(board: number, nowMs: number): void {
    const upMs = nowMs - (starts[board] as number);
    const wallS = startWallS + Math.floor(nowMs / 1000);
    do {
      core.poll(upMs, wallS);
      send(board, nowMs);
    } while (core.nextMs() === 0);
    polled[board] = nowMs;
    dues[board] = nowMs + core.nextMs();
  }

  function switchOn(board: number): void {
    const startMs = starts[board] as number;
    const wallS = startWallS + Math.floor(startMs / 1000);
    own.start(agentId(fleetName(board)), bootSeeds[board] as number, wallS);
    if (twin) core.twin(twin, false);
    poll(board, startMs);
  }

  /** When the next change of the twin reaches a board; the changes before are done. */
  function changeAt(board: number): number {
    const rank = ranks[board] as number;
    for (let i = changesDone[board] as number; i < changes.length; i++) {
      const { atMs, fromRank, toRank } = changes[i] as (typeof changes)[number];
      if (rank >= fromRank && rank < toRank) return Math.max(atMs, starts[board] as number);
      changesDone[board] = i + 1;
    }
    return Number.POSITIVE_INFINITY;
  }

  function runBoard(board: number, fromMs: number, untilMs: number): void {
    const startMs = starts[board] as number;
    if (startMs >= untilMs) return;
    if (!snapshots.load(board, memory)) switchOn(board);
    const { times, frames, cycleMs } = loops[kinds[board] as number] as (typeof loops)[number];
    // Frame `index` of loop `round` is at base + round * cycle + times[index].
    const baseMs = startMs + (phases[board] as number);
    const elapsed = Math.max(0, Math.max(fromMs, baseMs) - baseMs);
    let loopMs = baseMs + Math.floor(elapsed / cycleMs) * cycleMs;
    let index = firstAtLeast(times, elapsed % cycleMs);
    for (;;) {
      if (index >= times.length) {
        index = 0;
        loopMs += cycleMs;
      }
      const frameMs = times.length === 0 ? Infinity : loopMs + (times[index] as number);
      const dueMs = dues[board] as number;
      const changeMs = changes.length === 0 ? Infinity : changeAt(board);
      const nowMs = Math.min(frameMs, dueMs, changeMs);
      if (nowMs >= untilMs) break;
      if (nowMs === dueMs) {
        poll(board, nowMs);
      } else if (nowMs === changeMs) {
        const change = changes[changesDone[board] as number] as (typeof changes)[number];
        changesDone[board] = (changesDone[board] as number) + 1;
        core.twin(change.json, false);
        poll(board, nowMs);
      } else {
        const frame = frames[index++] as Uint8Array;
        if (ring.free() === 0) poll(board, nowMs);
        netx.frame(LINK_ETHERNET, frame, 0, frame.length, frame.length);
        packets++;
      }
    }
    snapshots.save(board, memory);
  }

  return {
    run(untilMs) {
      while (reachedMs < untilMs) {
        const next = Math.min(untilMs, reachedMs + SLICE_MS);
        for (let board = 0; board < boards; board++) runBoard(board, reachedMs, next);
        reachedMs = next;
        options.onProgress?.(next);
      }
    },
    totals: () => ({
      boards,
      hours: reachedMs / HOUR_MS,
      packets,
      messages,
      bytes: bytesSent,
      units,
      failedSends,
      snapshotBytes: snapshots.bytes,
    }),
  };
}

/** Index of the first time that is not before `ms`. */
function firstAtLeast(times: Float64Array, ms: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Gives each board one of the kinds, by their shares. */
function spread(
  shares: readonly number[],
  boards: number,
  random: ReturnType<typeof createPrng>,
): Uint8Array {
  const sum = shares.reduce((total, share) => total + share, 0);
  return Uint8Array.from({ length: boards }, () => {
    let left = (random.next() / 2 ** 32) * sum;
    for (const [kind, share] of shares.entries()) {
      left -= share;
      if (left < 0) return kind;
    }
    return Math.max(0, shares.length - 1);
  });
}
