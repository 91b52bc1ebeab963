/** A simulated board: NetX model, application and agent, driven by captured packets. */
import { type Agent, type AgentOptions, createAgent } from "../host/agent.ts";
import type { DeviceAddress } from "../host/netx/address.ts";
import { createMqttTap, type MqttTap } from "../host/netx/mqtt-tap.ts";
import { createNetx, type Netx, type PacketPort } from "../host/netx/netx.ts";
import { createSockets, type Sockets } from "../host/netx/sockets.ts";
import type { ObserverPort } from "../host/observer-port.ts";
import { createThreadx, type Threadx } from "../host/threadx/threadx.ts";
import type { ObservedName } from "../wire/observations.ts";
import { PRIORITY_HIGH, PRIORITY_LOW } from "../wire/picket-keys.ts";
import type { CapturePacket } from "./capture.ts";

export interface BoardOptions
  extends Pick<
    AgentOptions,
    | "wasm"
    | "wasmName"
    | "engine"
    | "agentId"
    | "seed"
    | "highIntervalS"
    | "lowIntervalS"
    | "snapshotIntervalS"
    | "flash"
    | "report"
    | "publish"
  > {
  readonly addresses: readonly DeviceAddress[];
  /** Items of a snapshot beside listening ports, which the board finds itself; absent: none asked. */
  readonly items?: ((name: ObservedName) => readonly object[]) | undefined;
  /** Wall clock at the board's start, seconds since 1970 UTC; 0: not known. */
  readonly startWallS: number;
}

export interface Board {
  readonly agent: Agent;
  readonly netx: Netx;
  readonly tap: MqttTap;
  readonly sockets: Sockets;
  readonly threads: Threadx;
  /** Time on the board's clock, ms since its start. */
  readonly nowMs: number;
  /** Wall clock, seconds since 1970 UTC; 0: not known. */
  wallS(): number;
  /** Moves the clock on, polling whenever something is due on the way. */
  advanceTo(timeMs: number): void;
  /** One frame on the wire, now. */
  frame(packet: CapturePacket): void;
  /** Takes what waits in the ring, and sends. */
  poll(): void;
  /** Ends the collection intervals now and sends what they held. */
  flush(): void;
  published(id: number, isDelivered: boolean): void;
}

/** Packets further apart than this: the polls between are left out, the core makes up for them. */
const QUIET_POLLS_MAX = 1000;
/** The core's clock takes steps of less than 2^31 ms. */
const STEP_MS_MAX = 2 ** 30;
/** 136 years: a time beyond is damage in a capture, and counts as this. */
const SPAN_MS_MAX = 2 ** 42;

/** @throws Error with one line when the module is no core */
export function createBoard(options: BoardOptions): Board {
  let nowMs = 0;
  let polledMs = nowMs;
  const wallS = () => (options.startWallS ? options.startWallS + Math.floor(nowMs / 1000) : 0);
  const { items } = options;
  const sockets = createSockets();
  const agent: Agent = createAgent({
    wasm: options.wasm,
    wasmName: options.wasmName,
    engine: options.engine,
    agentId: options.agentId,
    seed: options.seed,
    highIntervalS: options.highIntervalS,
    lowIntervalS: options.lowIntervalS,
    snapshotIntervalS: options.snapshotIntervalS,
    flash: options.flash,
    report: options.report,
    nowMs,
    wallS: options.startWallS,
    publish: options.publish,
    snapshot: items && ((name) => (name === "ListeningPorts" ? sockets.listening() : items(name))),
  });
  const tap = createMqttTap({ onMessage: () => agent.observeCloudToDevice(1) });
  const application: PacketPort = {
    offer(...packet) {
      tap.offer(...packet);
      sockets.offer(...packet);
    },
  };
  const netx = createNetx({ addresses: options.addresses, ring: agent.ring, application });
  const observer: ObserverPort = {
    observe(name, item) {
      agent.advanceClock(nowMs, wallS());
      agent.observe(name, item);
    },
  };
  const threads = createThreadx(observer, () => nowMs);

  function poll(): void {
    polledMs = nowMs;
    do agent.poll(nowMs, wallS());
    while (agent.nextMs() === 0);
  }

  return {
    agent,
    sockets,
    threads,
    netx,
    tap,
    get nowMs() {
      return nowMs;
    },
    wallS,
    advanceTo(timeMs) {
      const target = Math.min(timeMs, SPAN_MS_MAX);
      for (let polls = 0; polls < QUIET_POLLS_MAX; polls++) {
        // `nextMs` counts from the last poll, which packets do not make.
        const dueMs = Math.max(nowMs, polledMs + agent.nextMs());
        if (dueMs > target) break;
        nowMs = dueMs;
        poll();
      }
      while (target - nowMs > STEP_MS_MAX) {
        nowMs += STEP_MS_MAX;
        poll();
      }
      if (target > nowMs) nowMs = target;
    },
    frame(packet) {
      if (agent.ring.free() === 0) poll(); // On a board, the producer wakes the agent's thread.
      const { linkType, bytes, offset, length, originalBytes } = packet;
      netx.frame(linkType, bytes, offset, length, originalBytes);
    },
    poll,
    flush() {
      poll();
      agent.flush(PRIORITY_HIGH);
      agent.flush(PRIORITY_LOW);
      poll();
    },
    published(id, isDelivered) {
      agent.published(id, isDelivered);
    },
  };
}
