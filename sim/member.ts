/** One device of a run, with its books, its way to the hub and its flash. */
import type { Engine } from "../host/engines/engine.ts";
import { type BoardFlash, createBoardFlash } from "./board-flash.ts";
import type { PlannedBoard } from "./board-plan.ts";
import { AGENT_PRIORITY } from "./board-threads.ts";
import { createDevice } from "./device.ts";
import type { Device } from "./device-ports.ts";
import { type BoardFaults, boardFaults, type FaultPlan } from "./fault-plan.ts";
import { createHubLink } from "./hub-link.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import type { Prng } from "./prng.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Watcher } from "./watcher.ts";

export interface Member {
  readonly planned: PlannedBoard;
  readonly device: Device;
  readonly ledger: Ledger;
  readonly faults: BoardFaults;
  readonly failures: string[];
  readonly flash: BoardFlash | undefined;
  /** Desired properties that the hub has, and what the agent reported last. */
  desired: object | undefined;
  reported: unknown;
  /** The longest time from the end of a fault to the next acknowledgement, ms. */
  recoveryMs: number;
}

export interface MemberOptions {
  readonly planned: PlannedBoard;
  readonly deviceId: string;
  readonly scheduler: Scheduler;
  readonly plan: FaultPlan;
  readonly random: Prng;
  readonly watcher: Watcher;
  readonly engine?: Engine | undefined;
  /** Wall clock at the start of the run, s. */
  readonly startWallS: number;
}

export function createMember(options: MemberOptions): Member {
  const { planned, deviceId, scheduler, random, watcher } = options;
  const { entry } = planned;
  const faults = boardFaults(options.plan, entry.name, scheduler, random.fork("faults"));
  const ledger = createLedger(planned.messageBytesMax, planned.flash !== undefined);
  const failures: string[] = [];
  const link = createHubLink({
    deviceId,
    scheduler,
    faults,
    random: random.fork("link"),
    deliver: (message) => watcher.arrived(member, message),
    refused: (reason) => watcher.refused(deviceId, reason),
  });
  const flash =
    planned.flash &&
    createBoardFlash({
      plan: planned.flash,
      random: random.fork("flash"),
      faults,
      later: (ms, action) => scheduler.at(scheduler.nowMs + ms, action),
    });
  const device = createDevice({
    deviceId,
    board: entry.name,
    addresses: planned.addresses,
    wasm: planned.wasm,
    engine: options.engine,
    intervals: planned.intervals,
    startWallS: options.startWallS,
    scheduler,
    faults,
    random: random.fork("board"),
    link,
    flash,
    threads: entry.threads ?? [],
    agentPriority: entry.agentPriority ?? AGENT_PRIORITY,
    items: (event) => entry.snapshots?.[event] ?? [],
    desired: () => member.desired,
    watch: {
      reported(json) {
        member.reported = JSON.parse(Buffer.from(json).toString());
      },
      published: ledger.published,
      settled: (bytes, isDelivered) => ledger.settled(bytes, isDelivered, scheduler.nowMs),
      restarted(cause) {
        ledger.restarted(cause);
        watcher.note(deviceId, "restart", cause === "power" ? "power is cut" : "the core trapped");
      },
      failed: (what) => failures.push(what),
    },
  });
  const member: Member = {
    planned,
    device,
    ledger,
    faults,
    failures,
    flash,
    desired: entry.twin ?? {},
    reported: undefined,
    recoveryMs: 0,
  };
  scheduler.at(planned.startMs, () => device.start());
  return member;
}
