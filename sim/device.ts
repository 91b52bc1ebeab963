/** A simulated board: NetX model, application and agent on virtual time, with its faults. */
import type { Engine } from "../host/engines/engine.ts";
import type { DeviceAddress } from "../host/netx/address.ts";
import { LINK_ETHERNET } from "../host/netx/link.ts";
import { createMqttTap } from "../host/netx/mqtt-tap.ts";
import { createNetx, type Netx } from "../host/netx/netx.ts";
import { type Core, createCore, type Intervals } from "./core.ts";
import type { FaultPlan } from "./fault-plan.ts";
import { createFaultyEngine, InjectedTrap } from "./faulty-engine.ts";
import type { HubLink } from "./hub-link.ts";
import { hashText, type Prng } from "./prng.ts";
import type { Scheduler } from "./scheduler.ts";

export interface DeviceOptions {
  readonly deviceId: string;
  /** Name of the board entry. */
  readonly board: string;
  readonly addresses: readonly DeviceAddress[];
  readonly wasm: Uint8Array;
  readonly engine?: Engine | undefined;
  readonly intervals: Intervals;
  /** Wall clock at the start of the run, s. */
  readonly startWallS: number;
  readonly scheduler: Scheduler;
  readonly plan: FaultPlan;
  readonly random: Prng;
  readonly link: HubLink;
  readonly watch: DeviceWatch;
}

/** Told what happens on the board, for reports and invariants. */
export interface DeviceWatch {
  published(bytes: Uint8Array): void;
  /** The agent knows of the last message: acknowledged, or it failed. */
  settled(bytes: Uint8Array, isDelivered: boolean): void;
  /** The agent's memory is gone. */
  restarted(cause: "power" | "trap"): void;
  /** A fault of ours: it ends the run as failed. */
  failed(what: string): void;
}

export interface Device {
  readonly deviceId: string;
  readonly board: string;
  readonly isOn: boolean;
  readonly netx: Netx;
  /** Frames that reached the board's network interface. */
  readonly frames: number;
  start(): void;
  frame(bytes: Uint8Array): void;
  powerCut(offMs: number): void;
  trap(): void;
  moveClock(byMs: number): void;
  /** Ends the intervals and sends. */
  flush(): void;
  /** Messages on their way. */
  readonly inFlight: number;
  /** Messages wait for another attempt. */
  readonly isUnsent: boolean;
}

/** Polls at one moment: more are a fault of the core. */
const POLLS_MAX = 10_000;

export function createDevice(options: DeviceOptions): Device {
  const { scheduler, plan, board, watch, random, deviceId } = options;
  let core: Core | undefined;
  let boot = 0;
  let bootMs = 0;
  let wallOffsetMs = 0;
  let dueMs = Number.POSITIVE_INFINITY;
  let polledMs = 0;
  /** The last message failed: it waits for another attempt. */
  let hasFailed = false;
  let inFlight = 0;
  let frames = 0;
  const active = (kind: string) => plan.active(kind, board, scheduler.nowMs);
  const faults = {
    trapNext: false,
    hasPressure() {
      const fault = active("memoryPressure");
      return fault !== undefined && random.chance(fault.probability);
    },
  };
  const engine = createFaultyEngine(faults, options.engine);
  const ring = {
    offer(...packet: Parameters<Core["ring"]["offer"]>) {
      if (core === undefined) return;
      // On a board, the producer wakes the agent's thread.
      if (core.ring.free() === 0 && !active("slowAgent")) poll();
      core?.ring.offer(...packet);
    },
  };
  const tap = createMqttTap({ onMessage: () => core?.cloudToDevice(1) });
  const netx = createNetx({ addresses: options.addresses, ring, application: tap });

  const uptimeMs = () => scheduler.nowMs - bootMs;
  const wallS = () =>
    active("clockLost")
      ? 0
      : Math.max(0, options.startWallS + Math.floor((scheduler.nowMs + wallOffsetMs) / 1000));

  function boots(): void {
    boot++;
    bootMs = scheduler.nowMs;
    polledMs = bootMs;
    hasFailed = false;
    core = createCore({
      wasm: options.wasm,
      engine,
      agentId: agentId(deviceId),
      seed: random.next(),
      intervals: options.intervals,
      nowMs: 0,
      wallS: wallS(),
      publish,
    });
    arm();
  }

  function publish(id: number, bytes: Uint8Array): void {
    const since = boot;
    inFlight++;
    watch.published(bytes);
    options.link.send(bytes, (isDelivered) => {
      inFlight--;
      if (since !== boot || core === undefined) return;
      hasFailed = !isDelivered;
      watch.settled(bytes, isDelivered);
      core.published(id, isDelivered);
      arm();
    });
  }

  /** Wakes the agent when it has something to do. */
  function arm(): void {
    if (core === undefined) return;
    // `nextMs` counts from the last poll.
    const atMs = Math.max(scheduler.nowMs, polledMs + core.nextMs());
    if (atMs >= dueMs) return;
    dueMs = atMs;
    const since = boot;
    scheduler.at(atMs, () => {
      if (since !== boot || dueMs !== atMs) return;
      dueMs = Number.POSITIVE_INFINITY;
      poll();
    });
  }

  function poll(): void {
    if (core === undefined) return;
    const slow = active("slowAgent");
    if (slow) {
      const since = boot;
      if (dueMs > slow.untilMs) {
        dueMs = slow.untilMs;
        scheduler.at(slow.untilMs, () => {
          if (since !== boot) return;
          dueMs = Number.POSITIVE_INFINITY;
          poll();
        });
      }
      return;
    }
    polledMs = scheduler.nowMs;
    try {
      let polls = 0;
      do {
        core.poll(uptimeMs(), wallS());
        polls++;
      } while (core.nextMs() === 0 && polls < POLLS_MAX);
      if (polls === POLLS_MAX) watch.failed("the core asks to be polled again without end");
    } catch (error) {
      trapped(error);
      return;
    }
    arm();
  }

  function trapped(error: unknown): void {
    if (!(error instanceof InjectedTrap)) watch.failed(`the core trapped: ${error}`);
    watch.restarted("trap");
    dueMs = Number.POSITIVE_INFINITY;
    boots();
  }

  return {
    deviceId,
    board,
    get isOn() {
      return core !== undefined;
    },
    netx,
    get frames() {
      return frames;
    },
    start: boots,
    frame(bytes) {
      if (core === undefined) return;
      frames++;
      netx.frame(LINK_ETHERNET, bytes, 0, bytes.length, bytes.length);
    },
    powerCut(offMs) {
      if (core === undefined) return;
      core = undefined;
      boot++;
      dueMs = Number.POSITIVE_INFINITY;
      watch.restarted("power");
      scheduler.at(scheduler.nowMs + offMs, boots);
    },
    trap() {
      faults.trapNext = true;
      poll();
    },
    moveClock(byMs) {
      wallOffsetMs += byMs;
    },
    flush() {
      if (core === undefined) return;
      poll();
      core.flush();
      poll();
    },
    get inFlight() {
      return inFlight;
    },
    get isUnsent() {
      return core !== undefined && hasFailed;
    },
  };
}

/** The same for the same name, and different for others: 8 bytes. */
export function agentId(deviceId: string): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, hashText(deviceId, 1));
  view.setUint32(4, hashText(deviceId, 2));
  return bytes;
}
