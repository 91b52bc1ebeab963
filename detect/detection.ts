/**
 * Detection as a reducer per device: `(state, input) -> (state, alerts)`.
 *
 * Deterministic: time is the event's (or the hub's, for what the hub sees), and nothing else is
 * read. The state is plain JSON, so devices can be spread over processes and resumed elsewhere.
 */
import type { Alert } from "./alerts.ts";
import { countEvent } from "./baseline.ts";
import { takeCustom } from "./custom-rules.ts";
import { checkNames } from "./domain-rules.ts";
import { takeEvent } from "./event-rules.ts";
import { type Signal, takeSignal } from "./group-baseline.ts";
import { DEFAULT_GROUP } from "./groups.ts";
import type { DetectionInput } from "./inputs.ts";
import { takeOperation } from "./operation-rules.ts";
import { countMessage, notePosture } from "./posture.ts";
import { compileSettings, type DetectionOptions } from "./settings.ts";
import { checkSilence, endSilence } from "./silence.ts";
import { createState, type DeviceState } from "./state.ts";
import { announceTouched, sweepQuiet, type Turn, toAlert } from "./turn.ts";
import { closeDue } from "./windows.ts";

export type { DetectionOptions } from "./settings.ts";
export type { DeviceState } from "./state.ts";

export interface Detection {
  /** The state of a device of which nothing is known yet. */
  create(deviceId: string, group?: string): DeviceState;
  /**
   * Changes `state` in place and returns what was raised, repeated or resolved, in order.
   *
   * @param signals takes what the device's group is to be told, for `applySignal`
   */
  apply(state: DeviceState, input: DetectionInput, signals?: Signal[]): Alert[];
  /** Takes what a device told its group (`signals`) into the group's state, in place. */
  applySignal(groupState: DeviceState, signal: Signal): Alert[];
  /** The same on a copy: the given state stays as it is. */
  reduce(state: DeviceState, input: DetectionInput): { state: DeviceState; alerts: Alert[] };
}

export function createDetection(options: DetectionOptions = {}): Detection {
  const settings = compileSettings(options);

  // One turn serves all steps: nothing in it outlives one.
  const turn: Turn = {
    state: createState("", DEFAULT_GROUP),
    group: settings.groupOf(DEFAULT_GROUP),
    settings,
    timeMs: 0,
    eventId: "",
    alerts: [],
    touched: [],
    signals: [],
  };
  const apply = (state: DeviceState, input: DetectionInput, signals: Signal[] = []): Alert[] => {
    turn.state = state;
    turn.group = settings.groupOf(state.group);
    turn.timeMs = 0;
    turn.eventId = "";
    turn.signals = signals;
    turn.touched.length = 0;
    if (turn.alerts.length > 0) turn.alerts = [];
    step(turn, input);
    announceTouched(turn);
    return turn.alerts.length > 0 ? turn.alerts : [];
  };
  return {
    create: (deviceId, group = DEFAULT_GROUP) => createState(deviceId, group),
    apply,
    applySignal: (groupState, signal) => takeSignal(groupState, settings, signal),
    reduce(state, input) {
      const copy = structuredClone(state);
      return { alerts: apply(copy, input), state: copy };
    },
  };
}

function step(turn: Turn, input: DetectionInput): void {
  const { state, settings } = turn;
  switch (input.kind) {
    case "message":
      arrive(turn, input.arrivedMs);
      countMessage(state, input.bytes, input.arrivedMs);
      return;
    case "event": {
      arrive(turn, input.arrivedMs);
      turn.timeMs = eventTime(input.event.timeMs, input.arrivedMs, settings.aheadMs);
      turn.eventId = input.event.id;
      if (state.sinceMs === 0) state.sinceMs = Math.max(1, turn.timeMs - input.event.intervalMs);
      countEvent(turn);
      takeEvent(turn, input.event);
      if (input.event.extraDetails) checkNames(turn, input.event);
      takeCustom(turn, input.event);
      notePosture(state, input.event, turn.timeMs);
      pass(turn);
      return;
    }
    case "operation":
      turn.timeMs = input.entry.timeMs;
      if (state.sinceMs === 0) state.sinceMs = turn.timeMs;
      takeOperation(turn, input.entry);
      pass(turn);
      return;
    case "tick":
      // The device's own clock may be another than the hub's; it moved on by as much.
      turn.timeMs = state.clockMs + Math.max(0, input.nowMs - Math.max(state.arrivedMs, 0));
      if (state.arrivedMs === 0) turn.timeMs = Math.max(state.clockMs, input.nowMs);
      checkSilence(turn, input.nowMs);
      closeDue(turn, turn.group.windows);
      sweepQuiet(turn);
      return;
    case "group":
      if (state.group === input.group) return;
      state.group = input.group;
      state.windows = {};
      state.dueMs = 0;
      return;
    case "dismiss":
      for (const alert of state.open) {
        if (alert.id !== input.alertId) continue;
        alert.state = "dismissed";
        turn.alerts.push(toAlert(state, alert, alert.lastMs));
      }
      return;
  }
}

function arrive(turn: Turn, arrivedMs: number): void {
  const { state } = turn;
  state.arrivedMs = Math.max(state.arrivedMs, arrivedMs);
  turn.timeMs = arrivedMs;
  if (state.open.length > 0) endSilence(turn);
}

/** A device without a clock, or with one that runs far ahead, has the time of arrival. */
function eventTime(timeMs: number | null, arrivedMs: number, aheadMs: number): number {
  if (timeMs === null || timeMs > arrivedMs + aheadMs) return arrivedMs;
  return timeMs;
}

/** Time passes with every event: windows close, quiet alerts resolve. */
function pass(turn: Turn): void {
  const { state } = turn;
  if (turn.timeMs < state.clockMs) return;
  state.clockMs = turn.timeMs;
  closeDue(turn, turn.group.windows);
  sweepQuiet(turn);
}
