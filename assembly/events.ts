/** The events that the core makes of its own counters, as message.cddl says. */
import { writeArray, writeByte, writeBytes, writeMap, writeSigned, writeUnsigned } from "./cbor";
import { PRIORITY_OFF, priorityOf } from "./config";
import { begin, commit } from "./event";
import { State } from "./layout";
import {
  CAUSE_NOT_UNICAST,
  CAUSE_STORE_DAMAGED,
  CAUSE_STORE_FULL,
  CAUSES,
  KIND_ACTIVE_CONNECTIONS,
  KIND_CLOCK_CHANGED,
  KIND_CLOUD_TO_DEVICE_MESSAGES,
  KIND_CONFIGURATION_ERROR,
  KIND_DROPPED_EVENTS_STATISTICS,
  KIND_HEARTBEAT,
  KIND_MESSAGE_STATISTICS,
  KIND_OPTED_OUT,
  PRIORITY_HIGH,
  PRIORITY_LOW,
} from "./message";
import { lost, setLost, state } from "./state";
import { bootCount, collectedCount, damagedCount, droppedCount } from "./store";

/** CBOR's true and false. */
const CBOR_FALSE: u32 = 0xf4;
const BUILD_ID_BYTES: u32 = 4;

/** The first one after a start tells the boot and the build. */
export function collectHeartbeat(priority: u32, intervalS: u32): void {
  if (state.introduced) {
    commit(priority, begin(KIND_HEARTBEAT, intervalS, 0));
    return;
  }
  state.introduced = 1;
  let at = begin(KIND_HEARTBEAT, intervalS, 2);
  at = writeUnsigned(at, bootCount());
  const build = changetype<usize>(state) + offsetof<State>("build_id");
  commit(priority, writeBytes(at, build, BUILD_ID_BYTES));
}

/** Established connections; silent while there were none and none were reported. */
export function collectConnections(priority: u32, intervalS: u32): void {
  if (state.connections_max === 0 && state.connections_reported === 0) return;
  let at = begin(KIND_ACTIVE_CONNECTIONS, intervalS, 3);
  at = writeUnsigned(at, state.connections);
  at = writeUnsigned(at, state.connections_min);
  commit(priority, writeUnsigned(at, state.connections_max));
  state.connections_reported = state.connections;
  state.connections_min = state.connections;
  state.connections_max = state.connections;
}

/** Cloud-to-device messages; silent while there were none and none were reported. */
export function collectCloudToDevice(priority: u32, intervalS: u32): void {
  if (state.cloud_to_device === 0 && state.cloud_to_device_reported === 0) return;
  const at = begin(KIND_CLOUD_TO_DEVICE_MESSAGES, intervalS, 1);
  commit(priority, writeUnsigned(at, state.cloud_to_device));
  state.cloud_to_device_reported = state.cloud_to_device;
  state.cloud_to_device = 0;
}

/** Losses since the start; silent while no counter has moved. */
export function collectLosses(priority: u32, intervalS: u32): void {
  setLost(CAUSE_STORE_FULL, droppedCount(PRIORITY_HIGH) + droppedCount(PRIORITY_LOW));
  setLost(CAUSE_STORE_DAMAGED, damagedCount());
  let sum: u32 = 0;
  let causes: u32 = 0;
  for (let cause: u32 = 1; cause < CAUSES; cause++) {
    if (lost(cause) === 0) continue;
    causes += 1;
    if (cause !== CAUSE_NOT_UNICAST) sum += lost(cause);
  }
  if (sum === state.losses_reported) return;
  state.losses_reported = sum;
  let at = begin(KIND_DROPPED_EVENTS_STATISTICS, intervalS, 2);
  at = writeArray(at, 4);
  at = writeUnsigned(at, collectedCount(PRIORITY_HIGH));
  at = writeUnsigned(at, droppedCount(PRIORITY_HIGH));
  at = writeUnsigned(at, collectedCount(PRIORITY_LOW));
  at = writeUnsigned(at, droppedCount(PRIORITY_LOW));
  at = writeMap(at, causes);
  for (let cause: u32 = 1; cause < CAUSES; cause++) {
    if (lost(cause) === 0) continue;
    at = writeUnsigned(at, cause);
    at = writeUnsigned(at, lost(cause));
  }
  commit(priority, at);
}

/** Messages of the interval; silent while nothing was sent. */
export function collectMessages(priority: u32, intervalS: u32): void {
  if ((state.messages_sent | state.messages_failed) === 0) return;
  let at = begin(KIND_MESSAGE_STATISTICS, intervalS, 3);
  at = writeUnsigned(at, state.messages_sent);
  at = writeUnsigned(at, state.messages_under_4_kb);
  commit(priority, writeUnsigned(at, state.messages_failed));
  state.messages_sent = 0;
  state.messages_under_4_kb = 0;
  state.messages_failed = 0;
}

/**
 * A property of the twin that cannot be obeyed as it is.
 *
 * @param property its number in wire/twin-properties.ts
 * @param errorType CONFIGURATION_* in message.cddl
 * @param used the effective value, as a number
 */
export function configurationError(property: u32, errorType: u32, used: u32): void {
  const priority = priorityOf(KIND_CONFIGURATION_ERROR);
  if (priority === PRIORITY_OFF) return;
  let at = begin(KIND_CONFIGURATION_ERROR, 0, 3);
  at = writeUnsigned(at, property);
  at = writeUnsigned(at, errorType);
  commit(priority, writeUnsigned(at, used));
}

/** The wall clock was set; events before and after bear different times. */
export function clockChanged(differenceS: i32): void {
  const at = begin(KIND_CLOCK_CHANGED, 0, 1);
  commit(priorityOf(KIND_CLOCK_CHANGED), writeSigned(at, differenceS));
}

export function optedOut(isOut: bool): void {
  const at = begin(KIND_OPTED_OUT, 0, 1);
  commit(PRIORITY_HIGH, writeByte(at, CBOR_FALSE + <u32>isOut));
}
