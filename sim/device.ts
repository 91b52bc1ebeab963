/** A simulated board: NetX model, application and agent on virtual time, with its faults. */
import type { Engine } from "../host/engines/engine.ts";
import { PowerCutError } from "../host/flash.ts";
import type { DeviceAddress } from "../host/netx/address.ts";
import { LINK_ETHERNET } from "../host/netx/link.ts";
import { createMqttTap } from "../host/netx/mqtt-tap.ts";
import { createNetx, type Netx } from "../host/netx/netx.ts";
import type { BoardFlash } from "./board-flash.ts";
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
  /** Absent: events are kept in memory. */
  readonly flash?: BoardFlash | undefined;
  /** Items of a snapshot that is due. */
  readonly items: (event: string) => readonly object[];
  /** Desired properties that the hub has for the board's module, as a whole. */
  readonly desired: () => object | undefined;
  readonly watch: DeviceWatch;
}

/** Told what happens on the board, for reports and invariants. */
export interface DeviceWatch {
  published(bytes: Uint8Array): void;
  /** The agent knows of the last message: acknowledged, or it failed. */
  settled(bytes: Uint8Array, isDelivered: boolean): void;
  /** The agent's memory is gone. */
  restarted(cause: "power" | "trap"): void;
  /** The module twin's reported properties. */
  reported(json: Uint8Array): void;
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
  /** @param duringFlash true: in the middle of the next flash operation */
  powerCut(offMs: number, duringFlash: boolean): void;
  trap(): void;
  moveClock(byMs: number): void;
  observe(event: string, item: object): void;
  /** Hands the agent its whole twin, or a patch of it. */
  twin(json: Uint8Array, isPatch: boolean): void;
  /** Ends the intervals and sends. */
  flush(): void;
  /** Messages on their way. */
  readonly inFlight: number;
  /** Messages wait for another attempt. */
  readonly isUnsent: boolean;
}

/** Polls at one moment: more are a fault of the core. */
const POLLS_MAX = 10_000;
/** Traps without a poll between that goes well: more, and the board stays off. */
const TRAPS_MAX = 10;

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
  let offAfterCutMs = 0;
  let trapsInARow = 0;
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
    run(() => {
      core = createCore({
        wasm: options.wasm,
        engine,
        agentId: agentId(deviceId),
        seed: (random.next() | 1) >>> 0,
        intervals: options.intervals,
        nowMs: 0,
        wallS: wallS(),
        flash: options.flash?.port,
        publish,
        report: watch.reported,
        items: options.items,
      });
      const desired = options.desired();
      if (desired !== undefined) core.twin(twinBytes(desired), false);
    });
    arm();
  }

  /** Runs the core; what ends it there ends it here. */
  function run(step: () => void): void {
    const since = boot;
    try {
      step();
    } catch (error) {
      if (since !== boot) throw error;
      if (error instanceof PowerCutError) {
        lose(offAfterCutMs);
        return;
      }
      if (!(error instanceof InjectedTrap)) watch.failed(`the core trapped: ${error}`);
      watch.restarted("trap");
      dueMs = Number.POSITIVE_INFINITY;
      core = undefined;
      if (trapsInARow++ < TRAPS_MAX) boots();
    }
  }

  function lose(offMs: number): void {
    core = undefined;
    boot++;
    dueMs = Number.POSITIVE_INFINITY;
    watch.restarted("power");
    scheduler.at(scheduler.nowMs + offMs, boots);
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
      run(() => core?.published(id, isDelivered));
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
    run(() => {
      let polls = 0;
      while (core !== undefined && polls < POLLS_MAX) {
        core.poll(uptimeMs(), wallS());
        polls++;
        if (core === undefined || core.nextMs() !== 0) break;
      }
      if (polls === POLLS_MAX) watch.failed("the core asks to be polled again without end");
    });
    trapsInARow = 0;
    arm();
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
    powerCut(offMs, duringFlash) {
      if (core === undefined) return;
      if (duringFlash && options.flash !== undefined) {
        offAfterCutMs = offMs;
        options.flash.cutNext();
        return;
      }
      lose(offMs);
    },
    trap() {
      faults.trapNext = true;
      poll();
    },
    moveClock(byMs) {
      wallOffsetMs += byMs;
    },
    observe(event, item) {
      run(() => core?.observe(event, item));
      arm();
    },
    twin(json, isPatch) {
      run(() => core?.twin(json, isPatch));
      arm();
    },
    flush() {
      poll();
      run(() => core?.flush());
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

export function twinBytes(desired: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ desired }));
}

/** The same for the same name, and different for others: 8 bytes. */
export function agentId(deviceId: string): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, hashText(deviceId, 1));
  view.setUint32(4, hashText(deviceId, 2));
  return bytes;
}
