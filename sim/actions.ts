/** What a scenario does to its boards at given times: observations, twins, methods, faults. */
import { type Device, twinBytes } from "./device.ts";
import { durationMs } from "./duration.ts";
import { MOMENTARY, type PlannedFault } from "./fault-plan.ts";
import { hostileTwin } from "./hostile-twin.ts";
import type { Prng } from "./prng.ts";
import type { SimOperation, TimelineEntry } from "./result.ts";
import type { Scenario } from "./scenario.ts";
import type { Member, Simulation } from "./simulation.ts";

export interface ActionOptions {
  readonly scenario: Scenario;
  readonly simulation: Pick<Simulation, "scheduler" | "members" | "plan" | "durationMs">;
  readonly random: Prng;
  readonly note: (deviceId: string, kind: TimelineEntry["kind"], text: string) => void;
  readonly operation: (
    deviceId: string,
    entry: Pick<SimOperation, "category" | "operationName" | "properties">,
  ) => void;
}

const HOSTILE_BYTES = 4096;
const FLIPPED_BITS = 8;

/** Puts all of it on the schedule. */
export function scheduleActions(options: ActionOptions): void {
  const { scenario, simulation, random, note, operation } = options;
  const { scheduler, members, durationMs: runMs } = simulation;

  /** Calls `act` for the boards of an entry at its times. */
  function each(
    entry: { board?: string; at: string; every?: string; count?: number },
    act: (member: Member) => void,
  ): void {
    const everyMs = entry.every === undefined ? 0 : durationMs(entry.every);
    const count = entry.count ?? (everyMs > 0 ? Number.POSITIVE_INFINITY : 1);
    const once = (i: number): void => {
      const atMs = durationMs(entry.at) + i * everyMs;
      if (i >= count || atMs > runMs) return;
      scheduler.at(atMs, () => {
        for (const member of members) {
          if (entry.board === undefined || entry.board === member.device.board) act(member);
        }
        once(i + 1);
      });
    };
    once(0);
  }

  for (const entry of scenario.observations ?? []) {
    each(entry, ({ device }) => {
      note(device.deviceId, "action", `${entry.event} is observed`);
      device.observe(entry.event, entry.item);
    });
  }
  for (const entry of scenario.twin ?? []) {
    each(entry, (member) => {
      const { deviceId } = member.device;
      note(deviceId, "action", entry.patch ? "twin is patched" : "twin is set");
      member.desired = entry.patch ? merge(member.desired ?? {}, entry.desired) : entry.desired;
      const json = entry.patch
        ? new TextEncoder().encode(JSON.stringify(entry.desired))
        : twinBytes(entry.desired);
      member.device.twin(json, entry.patch === true);
      operation(deviceId, {
        category: "TwinQueries",
        operationName: "updateTwin",
        properties: {},
      });
    });
  }
  for (const entry of scenario.methods ?? []) {
    each(entry, ({ device: { deviceId } }) => {
      note(deviceId, "action", `method ${entry.name} is called`);
      operation(deviceId, {
        category: "DirectMethods",
        operationName: "directMethodInvoke",
        properties: { name: entry.name },
      });
    });
  }
  for (const fault of simulation.plan.faults) {
    scheduler.at(fault.fromMs, () => {
      for (const member of members) {
        const { device } = member;
        if (fault.entry.board !== undefined && fault.entry.board !== device.board) continue;
        note(device.deviceId, "fault", faultText(fault));
        if (MOMENTARY.has(fault.entry.kind) && random.chance(fault.probability)) {
          strike(member, fault, random);
        }
      }
    });
  }
}

function strike({ device, flash }: Member, { entry }: PlannedFault, random: Prng): void {
  if (entry.kind === "powerCut") {
    device.powerCut(durationMs(entry.for ?? "2s"), entry.duringFlash === true);
  } else if (entry.kind === "trap") device.trap();
  else if (entry.kind === "clockJump") device.moveClock(durationMs(entry.by ?? "0s"));
  else if (entry.kind === "flashBitFlip") flash?.flipBits(entry.count ?? FLIPPED_BITS);
  else if (entry.kind === "hostileTwin") sendHostileTwins(device, entry, random);
}

function sendHostileTwins(device: Device, entry: PlannedFault["entry"], random: Prng): void {
  const documents = entry.every === undefined ? (entry.count ?? 1) : 1;
  for (let i = 0; i < documents; i++) {
    device.twin(hostileTwin(random, entry.bytes ?? HOSTILE_BYTES), false);
  }
}

function faultText({ entry, fromMs, untilMs }: PlannedFault): string {
  if (MOMENTARY.has(entry.kind)) return entry.kind;
  return `${entry.kind} for ${(untilMs - fromMs) / 1000} s`;
}

/** JSON merge patch (RFC 7396), as twins are patched. */
export function merge(to: object, patch: object): object {
  const merged: Record<string, unknown> = { ...to };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else if (typeof value === "object" && !Array.isArray(value)) {
      const present = merged[key];
      merged[key] = merge(typeof present === "object" && present !== null ? present : {}, value);
    } else merged[key] = value;
  }
  return merged;
}
