/**
 * Bytes to alert decisions, without input or output: decodes, drops repeats, keeps the state of
 * each device and runs its reducer. Everything that waits (storage, sinks) is in `service.ts`.
 */
import { decodeMessage } from "../wire/decode.ts";
import { type SecurityEvent, type SecurityMessage, WireError } from "../wire/events.ts";
import type { Alert } from "./alerts.ts";
import type { Detection } from "./detection.ts";
import { GROUP_STATE_PREFIX, groupStateId, type Signal } from "./group-baseline.ts";
import { DEFAULT_GROUP } from "./groups.ts";
import type { OperationEntry } from "./inputs.ts";
import { type DeviceState, seenBefore } from "./state.ts";

/** A security message as a source hands it over; the hub's telemetry message fits as it is. */
export interface SourceMessage {
  readonly deviceId: string;
  readonly moduleId: string | null;
  readonly body: Uint8Array;
  readonly systemProperties: Readonly<Record<string, string>>;
  readonly enqueuedTimeMs: number;
}

/** What came of one message. */
export interface Processed {
  /** null when it did not decode. */
  readonly message: SecurityMessage | null;
  /** Events that were new. */
  readonly events: readonly SecurityEvent[];
  readonly alerts: readonly Alert[];
  /** Events that had come before. */
  readonly repeats: number;
  /** Why it did not decode, one line; null when it did. */
  readonly failure: string | null;
}

export interface Processor {
  take(message: SourceMessage): Processed;
  operation(entry: OperationEntry): Alert[];
  /** Time has come to `nowMs` by the hub's clock, for every device. */
  tick(nowMs: number): Alert[];
  /** Sets the security group of a device (twin tag `SecurityGroup`). */
  setGroup(deviceId: string, group: string | null, nowMs: number): Alert[];
  dismiss(deviceId: string, alertId: string, nowMs: number): Alert[];
  /** Replaces rules and settings; states stay. */
  replaceDetection(detection: Detection): void;
  readonly states: ReadonlyMap<string, DeviceState>;
  /** Takes back a saved state. */
  restore(state: DeviceState): void;
  /** Devices whose state has changed since the last call. */
  takeChanged(): DeviceState[];
}

/** Device id of the state that holds the hub's own alerts. */
export const HUB_DEVICE_ID = "";

/** @param devicesMax devices kept; operations and messages of further ones go to the hub's state */
export function createProcessor(first: Detection, devicesMax = 1_000_000): Processor {
  let detection = first;
  const store = createStore((deviceId, group) => detection.create(deviceId, group), devicesMax);
  const { states, groups, changed, stateOf } = store;
  return {
    take: (source) => takeMessage(detection, store, source),
    operation(entry) {
      // Names that nobody registered cost an attacker nothing, so they get no state of their own.
      const unknown = entry.result === "Failure" && /not registered/.test(entry.reason ?? "");
      const known = entry.deviceId !== null && (!unknown || states.has(entry.deviceId));
      const state = stateOf(known ? (entry.deviceId ?? "") : HUB_DEVICE_ID);
      return detection.apply(state, { kind: "operation", entry });
    },
    tick(nowMs) {
      const alerts: Alert[] = [];
      for (const state of states.values()) {
        // A group's time is that of its devices.
        if (state.deviceId.startsWith(GROUP_STATE_PREFIX)) continue;
        const found = detection.apply(state, { kind: "tick", nowMs });
        if (found.length === 0) continue;
        changed.add(state);
        alerts.push(...found);
      }
      return alerts;
    },
    setGroup(deviceId, group, nowMs) {
      const name = group ?? DEFAULT_GROUP;
      groups.set(deviceId, name);
      const state = states.get(deviceId);
      if (!state) return [];
      changed.add(state);
      return detection.apply(state, { kind: "group", group: name, nowMs });
    },
    dismiss(deviceId, alertId, nowMs) {
      const state = states.get(deviceId);
      if (!state) return [];
      changed.add(state);
      return detection.apply(state, { kind: "dismiss", alertId, nowMs });
    },
    replaceDetection(next) {
      detection = next;
    },
    states,
    restore(state) {
      states.set(state.deviceId, state);
      groups.set(state.deviceId, state.group);
    },
    takeChanged() {
      const list = [...changed];
      changed.clear();
      return list;
    },
  };
}

/** The states of all devices, and which of them have changed. */
interface Store {
  readonly states: Map<string, DeviceState>;
  /** Security group by device, known before the device is. */
  readonly groups: Map<string, string>;
  readonly changed: Set<DeviceState>;
  /** The device's state, made when it is new; it counts as changed. */
  stateOf(deviceId: string): DeviceState;
}

function createStore(create: Detection["create"], devicesMax: number): Store {
  const states = new Map<string, DeviceState>();
  const groups = new Map<string, string>();
  const changed = new Set<DeviceState>();
  const stateOf = (deviceId: string): DeviceState => {
    let state = states.get(deviceId);
    if (!state) {
      const isOwn = deviceId === HUB_DEVICE_ID || deviceId.startsWith(GROUP_STATE_PREFIX);
      if (states.size > devicesMax && !isOwn) return stateOf(HUB_DEVICE_ID);
      state = create(deviceId, groups.get(deviceId) ?? DEFAULT_GROUP);
      states.set(deviceId, state);
    }
    changed.add(state);
    return state;
  };
  return { states, groups, changed, stateOf };
}

function takeMessage(detection: Detection, store: Store, source: SourceMessage): Processed {
  let message: SecurityMessage;
  try {
    message = decodeMessage(source.body);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { message: null, events: [], alerts: [], repeats: 0, failure: error.message };
  }
  const state = store.stateOf(source.deviceId);
  const total = message.events.length;
  const messageId = message.messageId ?? source.systemProperties["message-id"];
  if (messageId !== undefined && seenBefore(state, messageId)) {
    return { message, events: [], alerts: [], repeats: total, failure: null };
  }
  const events: SecurityEvent[] = [];
  for (const event of message.events) if (!seenBefore(state, event.id)) events.push(event);
  const repeats = total - events.length;
  if (events.length === 0) return { message, events, alerts: [], repeats, failure: null };
  const arrivedMs = source.enqueuedTimeMs;
  const bytes = source.body.length;
  const { agentVersion } = message;
  const alerts = detection.apply(state, { kind: "message", arrivedMs, bytes, agentVersion });
  const signals: Signal[] = [];
  for (const event of events) {
    const found = detection.apply(state, { kind: "event", event, arrivedMs }, signals);
    if (found.length > 0) alerts.push(...found);
  }
  for (const signal of signals) {
    const found = detection.applySignal(store.stateOf(groupStateId(signal.group)), signal);
    if (found.length > 0) alerts.push(...found);
  }
  return { message, events, alerts, repeats, failure: null };
}
