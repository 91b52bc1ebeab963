/** One run of a scenario: boards, networks, hub link and detection on virtual time. */
import { createHash } from "node:crypto";
import type { Engine } from "../host/engines/engine.ts";
import { parseAddress } from "../host/netx/address.ts";
import { SECURITY_INTERFACE_ID } from "../wire/events.ts";
import { scheduleActions } from "./actions.ts";
import { type BoardFlash, createBoardFlash } from "./board-flash.ts";
import type { PlannedBoard } from "./board-plan.ts";
import { createDevice, type Device } from "./device.ts";
import { durationMs } from "./duration.ts";
import { type FaultPlan, planFaults } from "./fault-plan.ts";
import { createHubLink, type HubMessage } from "./hub-link.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { createPrng, type Prng } from "./prng.ts";
import type { Detector, Observed, SimAlert, TimelineEntry } from "./result.ts";
import { DEFAULT_START, type Scenario, type TrafficEntry } from "./scenario.ts";
import { createScheduler, type Scheduler } from "./scheduler.ts";
import type { TrafficContext } from "./traffic/context.ts";
import { createTraffic } from "./traffic/traffic.ts";

export interface SimulationOptions {
  readonly scenario: Scenario;
  readonly boards: readonly PlannedBoard[];
  readonly seed: number;
  readonly engine?: Engine | undefined;
  readonly detector?: Detector | undefined;
  /** Told of each message when it arrives, for `--hub` and recordings. */
  readonly onMessage?: ((message: HubMessage) => void) | undefined;
  /** Told of each frame before the board takes it. */
  readonly onFrame?: ((deviceId: string, timeMs: number, frame: Uint8Array) => void) | undefined;
}

/** A device with its books. */
export interface Member {
  readonly device: Device;
  readonly ledger: Ledger;
  readonly failures: string[];
  readonly flash: BoardFlash | undefined;
  /** Desired properties that the hub has, and what the agent reported last. */
  desired: object | undefined;
  reported: unknown;
  recoveryMs: number;
}

export interface Simulation {
  readonly scheduler: Scheduler;
  readonly durationMs: number;
  readonly members: readonly Member[];
  readonly timeline: readonly TimelineEntry[];
  readonly alerts: ReadonlyMap<string, SimAlert>;
  readonly observed: Observed;
  readonly plan: FaultPlan;
  /** Runs up to a virtual time. */
  run(untilMs: number): void;
  /** After the run: ends the intervals and lets what is on its way arrive. */
  settle(): void;
  digest(): string;
}

/** The documented identity of a security agent. */
export const MODULE_ID = "azureiotsecurity";
const TICK_MS = 60_000;
const TIMELINE_MAX = 20_000;
const OBSERVED_MAX = 500_000;
/** After a run, waits so long for what is on its way, virtual ms. */
const SETTLE_MS_MAX = 3_600_000;
const SETTLE_STEP_MS = 1000;
const EPHEMERAL_FIRST = 49_152;

export function createSimulation(options: SimulationOptions): Simulation {
  const { scenario, detector } = options;
  const runMs = durationMs(scenario.duration);
  const startWallS = Date.parse(scenario.start ?? DEFAULT_START) / 1000;
  const scheduler = createScheduler();
  const random = createPrng(options.seed);
  const plan = planFaults(scenario.faults ?? [], runMs);
  const timeline: TimelineEntry[] = [];
  const alerts = new Map<string, SimAlert>();
  const observed = {
    events: [] as Observed["events"][number][],
    alerts: [] as Observed["alerts"][number][],
  };
  const digest = createHash("sha256");
  const members = new Map<string, Member>();
  const wallMs = () => startWallS * 1000 + scheduler.nowMs;

  function note(deviceId: string, kind: TimelineEntry["kind"], text: string): void {
    if (timeline.length < TIMELINE_MAX) {
      timeline.push({ timeMs: scheduler.nowMs, deviceId, kind, text });
    }
  }

  function raised(found: readonly SimAlert[]): void {
    for (const alert of found) {
      if (!alerts.has(alert.id)) {
        note(alert.deviceId, "alert", `${alert.displayName}: ${alert.explanation}`);
        const board = members.get(alert.deviceId)?.device.board ?? alert.deviceId;
        observed.alerts.push({ board, timeMs: scheduler.nowMs, alert });
      }
      alerts.set(alert.id, alert);
    }
  }

  function deliver(message: HubMessage): void {
    const { deviceId, bytes, timeMs } = message;
    digest.update(`${deviceId} ${timeMs} ${bytes.length}\n`).update(bytes);
    options.onMessage?.(message);
    const { ledger, device } = members.get(deviceId) as Member;
    const events = ledger.arrived(bytes);
    note(deviceId, "message", `${bytes.length} bytes, ${events?.length ?? 0} new events`);
    for (const event of events ?? []) {
      if (observed.events.length >= OBSERVED_MAX) break;
      observed.events.push({ deviceId, board: device.board, timeMs, event });
    }
    if (detector === undefined) return;
    const source = {
      deviceId,
      moduleId: MODULE_ID,
      body: bytes,
      systemProperties: { "iothub-interface-id": SECURITY_INTERFACE_ID },
      enqueuedTimeMs: wallMs(),
    };
    raised(detector.message(source));
  }

  function refused(deviceId: string, reason: string): void {
    note(deviceId, "fault", `the hub refuses the device: ${reason}`);
    if (detector === undefined) return;
    const entry = {
      timeMs: wallMs(),
      category: "Connections",
      operationName: "authenticationFailed",
      result: "Failure" as const,
      deviceId,
      moduleId: MODULE_ID,
      statusCode: 401,
      reason,
      protocol: "MQTT",
      properties: {},
    };
    raised(detector.operation(entry));
  }

  function addDevice(planned: PlannedBoard, deviceId: string, own: Prng): void {
    const ledger = createLedger(planned.messageBytesMax, planned.entry.flash !== undefined);
    const failures: string[] = [];
    const board = planned.entry.name;
    const link = createHubLink({
      deviceId,
      board,
      scheduler,
      plan,
      random: own.fork("link"),
      deliver,
      refused: (reason) => refused(deviceId, reason),
    });
    const flash =
      planned.entry.flash &&
      createBoardFlash(planned.entry.flash, own.fork("flash"), () =>
        Boolean(plan.active("flashFull", board, scheduler.nowMs)),
      );
    const device = createDevice({
      deviceId,
      board,
      addresses: planned.addresses,
      wasm: planned.wasm,
      engine: options.engine,
      intervals: planned.intervals,
      startWallS,
      scheduler,
      plan,
      random: own.fork("board"),
      link,
      flash,
      items: (event) => planned.entry.snapshots?.[event] ?? [],
      desired: () => member.desired,
      watch: {
        reported(json) {
          member.reported = JSON.parse(Buffer.from(json).toString());
        },
        published: ledger.published,
        settled: (bytes, isDelivered) => ledger.settled(bytes, isDelivered, scheduler.nowMs),
        restarted(cause) {
          ledger.restarted(cause);
          note(deviceId, "restart", cause === "power" ? "power is cut" : "the core trapped");
        },
        failed: (what) => failures.push(what),
      },
    });
    const member: Member = {
      device,
      ledger,
      failures,
      flash,
      desired: planned.entry.twin ?? {},
      reported: undefined,
      recoveryMs: 0,
    };
    members.set(deviceId, member);
    if (planned.entry.group !== undefined) detector?.setGroup(deviceId, planned.entry.group);
    scheduler.at(planned.startMs, () => device.start());
    for (const [i, entry] of (scenario.traffic ?? []).entries()) {
      if (entry.board !== undefined && entry.board !== board) continue;
      feed(
        member,
        createTraffic(trafficContext(planned, deviceId, entry, own.fork(`traffic${i}`))),
      );
    }
  }

  function trafficContext(
    { addresses, startMs }: PlannedBoard,
    deviceId: string,
    entry: TrafficEntry,
    own: Prng,
  ): TrafficContext {
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
      startWallS,
      device: (at) => {
        if (address) return { address, port: at };
        throw new Error(`${deviceId} has no IPv${family === 4 ? 4 : 6} address for ${entry.kind}`);
      },
      peer: (at) => ({ address: peer as Uint8Array, port: at }),
      localPort: () => EPHEMERAL_FIRST + (port++ & 16_383),
    };
  }

  /** Puts a generator's frames on the wire, one batch after the other. */
  function feed({ device }: Member, batches: ReturnType<typeof createTraffic>): void {
    const pull = (): void => {
      const batch = batches.next();
      if (batch.done) return;
      const frames = batch.value;
      for (const { atMs, frame } of frames) {
        if (atMs <= runMs) scheduler.at(atMs, () => put(device, frame));
      }
      const first = frames[0];
      if (first !== undefined && first.atMs <= runMs) scheduler.at(first.atMs, pull);
    };
    scheduler.at(0, pull);
  }

  function put(device: Device, frame: Uint8Array): void {
    const { board, deviceId } = device;
    if (plan.active("linkDown", board, scheduler.nowMs)) return;
    const loss = plan.active("loss", board, scheduler.nowMs);
    if (loss && network.chance(loss.probability)) return;
    const delay = plan.active("delay", board, scheduler.nowMs);
    const take = () => {
      options.onFrame?.(deviceId, scheduler.nowMs, frame);
      device.frame(frame);
    };
    if (delay) scheduler.at(scheduler.nowMs + durationMs(delay.entry.delay ?? "2s"), take);
    else take();
  }

  const network = random.fork("network");
  for (const planned of options.boards) {
    for (const deviceId of planned.deviceIds) addDevice(planned, deviceId, random.fork(deviceId));
  }
  const list = [...members.values()];
  const parts = { scheduler, members: list, plan, durationMs: runMs };
  scheduleActions({
    scenario,
    simulation: parts,
    random: random.fork("actions"),
    note,
    operation(deviceId, entry) {
      const common = { timeMs: wallMs(), result: "Success" as const, deviceId, reason: null };
      const place = { moduleId: MODULE_ID, statusCode: 200, protocol: "MQTT" };
      if (detector !== undefined) raised(detector.operation({ ...common, ...place, ...entry }));
    },
  });
  if (detector !== undefined) {
    const tick = (): void => {
      raised(detector.tick(wallMs()));
      if (scheduler.nowMs + TICK_MS <= runMs) scheduler.at(scheduler.nowMs + TICK_MS, tick);
    };
    scheduler.at(TICK_MS, tick);
  }

  return {
    ...parts,
    timeline,
    alerts,
    observed,
    run: (untilMs) => scheduler.run(untilMs),
    settle() {
      scheduler.run(runMs);
      for (const { device } of list) device.flush();
      const untilMs = runMs + SETTLE_MS_MAX;
      const isBusy = () => list.some(({ device }) => device.inFlight > 0 || device.isUnsent);
      while (isBusy() && scheduler.nowMs < untilMs) {
        scheduler.run(scheduler.nowMs + SETTLE_STEP_MS);
      }
    },
    digest: () => digest.copy().digest("hex"),
  };
}

function peerAddress(scenario: Scenario, peer: string): Uint8Array {
  const text = scenario.peers?.[peer] ?? peer;
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`peer ${peer}: "${text}" is not an IP address`);
  return address;
}
