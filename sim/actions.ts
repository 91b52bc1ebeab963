/** What a scenario does to its boards at given times: observations, twins, methods, faults. */
import { twinBytes } from "./device.ts";
import type { Device } from "./device-ports.ts";
import { durationMs } from "./duration.ts";
import { MOMENTARY, type PlannedFault } from "./fault-plan.ts";
import { hostileTwin } from "./hostile-twin.ts";
import type { Member } from "./member.ts";
import type { Prng } from "./prng.ts";
import type { Scenario, Timed, TwinEntry } from "./scenario.ts";
import { HUB_OPERATIONS } from "./scenario-schema.ts";
import type { Simulation } from "./simulation.ts";
import type { Watcher } from "./watcher.ts";

export interface ActionOptions {
  readonly scenario: Scenario;
  readonly simulation: Pick<Simulation, "scheduler" | "members" | "plan" | "durationMs">;
  readonly random: Prng;
  readonly watcher: Watcher;
}

const HOSTILE_BYTES = 4096;
const FLIPPED_BITS = 8;
/** A power cut lasts so long if nothing is said. */
const OFF = "2s";
/** What keeps the hub from reaching a device. */
const CUT_OFF = ["linkDown", "tokenExpiry", "badCredential"] as const;

/** Puts all of it on the schedule. */
export function scheduleActions(options: ActionOptions): void {
  const { scenario, simulation, random, watcher } = options;
  const { scheduler, members, durationMs: runMs } = simulation;
  const { note, operation } = watcher;

  /** Calls `act` for the boards of an entry at its times. */
  function each(entry: Timed, act: (member: Member) => void): void {
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

  /** The hub changes its copy at once; a device that it cannot reach gets the whole later. */
  function changeTwin(member: Member, { patch, desired }: TwinEntry): void {
    const { deviceId } = member.device;
    note(deviceId, "action", patch ? "twin is patched" : "twin is set");
    member.desired = patch ? merge(member.desired ?? {}, desired) : desired;
    operation(deviceId, {
      category: "C2DTwinOperations",
      operationName: patch ? "updateTwin" : "replaceTwin",
    });
    const cut = cutOff(member);
    if (cut !== undefined) {
      scheduler.at(cut.untilMs, () => giveTwin(member));
    } else if (patch) {
      member.device.twin(new TextEncoder().encode(JSON.stringify(desired)), true);
    } else {
      giveTwin(member);
    }
  }

  for (const entry of scenario.observations ?? []) {
    each(entry, ({ device }) => {
      note(device.deviceId, "action", `${entry.event} is observed`);
      device.observe(entry.event, entry.item);
    });
  }
  for (const entry of scenario.threads ?? []) {
    each(entry, ({ device }) => {
      note(device.deviceId, "action", `thread ${entry.thread}: ${entry.do}`);
      device.thread(entry);
    });
  }
  for (const entry of scenario.twin ?? []) each(entry, (member) => changeTwin(member, entry));
  for (const entry of scenario.methods ?? []) {
    each(entry, (member) => {
      const { deviceId } = member.device;
      note(deviceId, "action", `method ${entry.name} is called`);
      operation(deviceId, {
        category: "DirectMethods",
        operationName: "directMethod",
        properties: { methodName: entry.name },
        ...(cutOff(member) && { result: "Failure", statusCode: 404, reason: "not online" }),
      });
    });
  }
  for (const entry of scenario.operations ?? []) {
    each(entry, ({ device: { deviceId } }) => {
      note(deviceId, "action", `the hub logs ${entry.operation}`);
      const category = HUB_OPERATIONS[entry.operation];
      operation(deviceId, { category, operationName: entry.operation });
    });
  }
  for (const fault of simulation.plan.faults) {
    scheduler.at(fault.fromMs, () => {
      for (const member of members) {
        const { device } = member;
        if (fault.entry.board !== undefined && fault.entry.board !== device.board) continue;
        note(device.deviceId, "fault", faultText(fault), faultMs(fault));
        if (MOMENTARY.has(fault.entry.kind) && random.chance(fault.probability)) {
          strike(member, fault, random);
        }
      }
    });
  }
}

function cutOff({ faults }: Member): PlannedFault | undefined {
  for (const kind of CUT_OFF) {
    const fault = faults.hits(kind);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function giveTwin({ device, desired }: Member): void {
  device.twin(twinBytes(desired ?? {}), false);
}

function strike({ device, flash, ledger }: Member, { entry }: PlannedFault, random: Prng): void {
  if (entry.kind === "powerCut") {
    device.powerCut(durationMs(entry.for ?? OFF), entry.duringFlash === true);
  } else if (entry.kind === "trap") device.trap();
  else if (entry.kind === "clockJump") device.moveClock(durationMs(entry.by ?? "0s"));
  else if (entry.kind === "flashBitFlip") {
    flash?.flipBits(entry.count ?? FLIPPED_BITS);
    ledger.damaged();
  } else if (entry.kind === "hostileTwin") sendHostileTwins(device, entry, random);
}

function sendHostileTwins(device: Device, entry: PlannedFault["entry"], random: Prng): void {
  const documents = entry.every === undefined ? (entry.count ?? 1) : 1;
  for (let i = 0; i < documents; i++) {
    device.twin(hostileTwin(random, entry.bytes ?? HOSTILE_BYTES), false);
  }
}

function faultMs({ entry, fromMs, untilMs }: PlannedFault): number | undefined {
  if (entry.kind === "powerCut") return durationMs(entry.for ?? OFF);
  return MOMENTARY.has(entry.kind) ? undefined : untilMs - fromMs;
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
