/** Runs boards against a hub, at a multiple of real speed. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseDeviceAddresses } from "../../host/netx/address.ts";
import { connectUplink, type Uplink } from "../../host/uplink.ts";
import { type Board, createBoard } from "../board.ts";
import { type Capture, type CapturePacket, readCapture } from "../capture.ts";
import {
  type BoardPlan,
  DEMO_ADDRESSES,
  DEMO_INTERVAL_S,
  DEMO_ITEMS,
  DEMO_SNAPSHOT_INTERVAL_S,
  DEMO_THREADS,
} from "./plan.ts";

/** What the demo needs of a hub. */
export interface HubPort {
  readonly host: string;
  readonly hostName: string;
  readonly mqttPort: number;
  readonly caPem: string;
  createDevice(deviceId: string): unknown;
  createModule(deviceId: string, moduleId: string): { readonly primaryKey: string };
}

export interface DemoOptions {
  readonly hub: HubPort;
  /** Makes a SAS token for a resource and a key, base64. */
  readonly createToken: (resource: string, key: string) => string;
  readonly boards: readonly BoardPlan[];
  readonly wasm: Uint8Array;
  /** Board seconds in a real second. */
  readonly speed: number;
  /** Stop when the captures are through, instead of beginning them again. */
  readonly once: boolean;
  /** Real monotonic clock, ms. */
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** One board as people see it. */
export interface BoardView {
  readonly deviceId: string;
  readonly capture: string;
  /** Time on its clock, s. */
  seconds: number;
  packets: number;
  messages: number;
  bytes: number;
  failed: number;
  done: boolean;
}

export interface Demo {
  readonly boards: readonly BoardView[];
  /** Resolves when every board is done and everything is acknowledged, or at the signal. */
  readonly finished: Promise<void>;
}

/** The documented identity of a security agent. */
const MODULE_ID = "azureiotsecurity";
const STEP_MS = 20;
/** Between the end of a capture and its repeat, ms of board time. */
const PAUSE_MS = 1000;
/** What is not acknowledged by then, after the captures, is not going to be; real ms. */
const SETTLE_MS_MAX = 10_000;

interface Runner {
  readonly view: BoardView;
  step(boardMs: number): void;
  /** Nothing waits for an answer or another attempt. */
  readonly isSettled: boolean;
  close(): Promise<void>;
}

/** @throws Error with one line when a capture cannot be read or the hub refuses a board */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const runners: Runner[] = [];
  try {
    for (const plan of options.boards) runners.push(await startBoard(plan, options));
  } catch (error) {
    await Promise.all(runners.map((runner) => runner.close()));
    throw error;
  }
  return { boards: runners.map(({ view }) => view), finished: run(runners, options) };
}

async function run(runners: readonly Runner[], options: DemoOptions): Promise<void> {
  const { now, speed, signal } = options;
  const startMs = now();
  let settleBy = Number.POSITIVE_INFINITY;
  try {
    while (!signal.aborted) {
      const realMs = now();
      for (const runner of runners) runner.step((realMs - startMs) * speed);
      if (runners.every(({ view }) => view.done)) {
        settleBy = Math.min(settleBy, realMs + SETTLE_MS_MAX);
        if (realMs > settleBy || runners.every(({ isSettled }) => isSettled)) break;
      }
      await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    }
  } finally {
    await Promise.all(runners.map((runner) => runner.close()));
  }
}

async function startBoard(plan: BoardPlan, options: DemoOptions): Promise<Runner> {
  const { hub, createToken } = options;
  const { deviceId } = plan;
  const path = fileURLToPath(new URL(`../captures/${plan.capture}`, import.meta.url));
  const capture = readCapture(await readFile(path), plan.capture);
  hub.createDevice(deviceId);
  const { primaryKey } = hub.createModule(deviceId, MODULE_ID);
  const resource = `${hub.hostName}/devices/${deviceId}/modules/${MODULE_ID}`;
  const uplink = await connectUplink({
    host: hub.host,
    port: hub.mqttPort,
    hostName: hub.hostName,
    deviceId,
    moduleId: MODULE_ID,
    caPem: hub.caPem,
    createToken: () => createToken(resource, primaryKey),
  });
  return createRunner(plan, capture, uplink, options);
}

function createRunner(
  plan: BoardPlan,
  capture: Capture,
  uplink: Uplink,
  { wasm, once }: DemoOptions,
): Runner {
  const view: BoardView = {
    deviceId: plan.deviceId,
    capture: plan.capture,
    seconds: 0,
    packets: 0,
    messages: 0,
    bytes: 0,
    failed: 0,
    done: false,
  };
  let inFlight = 0;
  /** The last message failed: the agent offers it again. */
  let isFailing = false;
  let packets = capture.packets();
  let next: CapturePacket | undefined = packets.next().value;
  /** Board time at which the capture, or its repeat, begins. */
  let baseMs = 0;
  const board: Board = createBoard({
    addresses: parseDeviceAddresses(DEMO_ADDRESSES),
    wasm,
    agentId: Buffer.from(plan.deviceId.padEnd(8).slice(-8)),
    seed: 0,
    highIntervalS: DEMO_INTERVAL_S,
    lowIntervalS: DEMO_INTERVAL_S,
    snapshotIntervalS: DEMO_SNAPSHOT_INTERVAL_S,
    startWallS: next?.seconds ?? 0,
    items: (name) => DEMO_ITEMS[name] ?? [],
    publish(id, bytes) {
      inFlight += 1;
      void uplink.send(bytes).then((isDelivered) => {
        inFlight -= 1;
        isFailing = !isDelivered;
        if (isDelivered) {
          view.messages += 1;
          view.bytes += bytes.length;
        } else {
          view.failed += 1;
        }
        board.published(id, isDelivered);
        if (view.done) board.poll();
      });
    },
  });

  for (const thread of DEMO_THREADS) board.threads.create(thread);

  function endCapture(): void {
    if (once) {
      board.flush();
      view.done = true;
      return;
    }
    packets = capture.packets();
    next = packets.next().value;
    baseMs = board.nowMs + PAUSE_MS;
  }

  return {
    view,
    get isSettled() {
      return inFlight === 0 && !isFailing;
    },
    step(boardMs) {
      if (view.done) {
        if (isFailing) board.advanceTo(boardMs);
        return;
      }
      while (next !== undefined && baseMs + next.sinceFirstMs <= boardMs) {
        board.advanceTo(baseMs + next.sinceFirstMs);
        board.frame(next);
        view.packets += 1;
        next = packets.next().value;
      }
      if (next === undefined) endCapture();
      else board.advanceTo(boardMs);
      view.seconds = Math.floor(board.nowMs / 1000);
    },
    close: () => uplink.close(),
  };
}
