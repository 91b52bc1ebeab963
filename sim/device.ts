/** A simulated board: NetX model, application and agent on virtual time, with its faults. */
import { PowerCutError } from "../host/flash.ts";
import { LINK_ETHERNET } from "../host/netx/link.ts";
import { createMqttTap } from "../host/netx/mqtt-tap.ts";
import { createNetx } from "../host/netx/netx.ts";
import { createBoardThreads } from "./board-threads.ts";
import { type Core, createCore } from "./core.ts";
import type { Device, DeviceOptions } from "./device-ports.ts";
import { createFaultyEngine, InjectedTrap } from "./faulty-engine.ts";
import { hashText } from "./prng.ts";

/** Polls at one moment: more are a fault of the core. */
const POLLS_MAX = 10_000;
/** Traps without a poll between that goes well: more, and the board stays off. */
const TRAPS_MAX = 10;

export function createDevice(options: DeviceOptions): Device {
  const { scheduler, faults, board, flash, watch, random, deviceId } = options;
  let core: Core | undefined;
  let boot = 0;
  let bootMs = 0;
  let wallOffsetMs = 0;
  let dueMs = Number.POSITIVE_INFINITY;
  /** When the core was told the time last. */
  let toldMs = 0;
  /** A turn of the agent's thread waits until then; 0: none does. */
  let heldUntilMs = 0;
  /** The last message failed: it waits for another attempt. */
  let hasFailed = false;
  let offAfterCutMs = 0;
  let trapsInARow = 0;
  let inFlight = 0;
  let frames = 0;
  /** Free slots of the ring at which the agent is woken. */
  let wakeAtFree = 0;
  const coreFaults = {
    trapNext: false,
    hasPressure: () => faults.hits("memoryPressure") !== undefined,
  };
  const engine = createFaultyEngine(coreFaults, options.engine);
  const threads = createBoardThreads({ ...options, observer: { observe } });
  const ring = {
    offer(...packet: Parameters<Core["ring"]["offer"]>) {
      if (core === undefined) return;
      core.ring.offer(...packet);
      // As the boards' glue: at half the ring the producer wakes the agent's thread.
      if (core.ring.free() === wakeAtFree) poll();
    },
  };
  const tap = createMqttTap({ onMessage: () => core?.cloudToDevice(1) });
  const netx = createNetx({ addresses: options.addresses, ring, application: tap });

  const uptimeMs = () => scheduler.nowMs - bootMs;
  const wallS = () =>
    faults.hits("clockLost")
      ? 0
      : Math.max(0, options.startWallS + Math.floor((scheduler.nowMs + wallOffsetMs) / 1000));

  function boots(): void {
    boot++;
    bootMs = scheduler.nowMs;
    toldMs = bootMs;
    heldUntilMs = 0;
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
        flash: flash?.port,
        publish,
        report: watch.reported,
        items: options.items,
      });
      wakeAtFree = Math.ceil(core.ring.free() / 2);
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
      flash?.finish();
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
    flash?.powerLost();
    scheduler.at(scheduler.nowMs + offMs, powerOn);
  }

  function powerOn(): void {
    boots();
    threads.powerOn();
  }

  function observe(event: string, item: object): void {
    run(() => {
      if (core === undefined) return;
      toldMs = scheduler.nowMs;
      core.advanceClock(uptimeMs(), wallS());
      core.observe(event, item);
    });
    arm();
  }

  flash?.onEnd((isDone) => {
    run(() => core?.flashDone(isDone));
    arm();
  });

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
    const atMs = Math.max(scheduler.nowMs, toldMs + core.nextMs());
    if (atMs >= dueMs) return;
    dueMs = atMs;
    const since = boot;
    scheduler.at(atMs, () => {
      if (since !== boot || dueMs !== atMs) return;
      dueMs = Number.POSITIVE_INFINITY;
      poll();
    });
  }

  /** The agent's thread has something to do: it has its turn when it gets the processor. */
  function poll(): void {
    if (core === undefined || scheduler.nowMs < heldUntilMs) return;
    const readyMs = heldUntilMs > 0 ? threads.nextMs() : threads.turnMs();
    heldUntilMs = readyMs > scheduler.nowMs ? readyMs : 0;
    if (heldUntilMs === 0) {
      turn();
      return;
    }
    const since = boot;
    scheduler.at(readyMs, () => {
      if (since === boot) poll();
    });
  }

  function turn(): void {
    toldMs = scheduler.nowMs;
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
    start: powerOn,
    frame(bytes) {
      if (core === undefined) return;
      frames++;
      netx.frame(LINK_ETHERNET, bytes, 0, bytes.length, bytes.length);
    },
    powerCut(offMs, duringFlash) {
      if (core === undefined) return;
      if (duringFlash && flash !== undefined && !flash.isPending) {
        offAfterCutMs = offMs;
        flash.cutNext();
        return;
      }
      lose(offMs);
    },
    trap() {
      coreFaults.trapNext = true;
      poll();
    },
    moveClock(byMs) {
      wallOffsetMs += byMs;
    },
    observe,
    thread: threads.act,
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
      if (core === undefined) return false;
      return hasFailed || flash?.isPending === true || heldUntilMs > scheduler.nowMs;
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
