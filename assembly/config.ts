/** What the agent goes by now: documented defaults, the start record, then the module twin. */
import { Config } from "./layout";
import {
  KIND_ACTIVE_CONNECTIONS,
  KIND_CLOUD_TO_DEVICE_MESSAGES,
  KIND_DROPPED_EVENTS_STATISTICS,
  KIND_HEARTBEAT,
  KIND_NETWORK_ACTIVITY,
  PRIORITY_HIGH,
  PRIORITY_LOW,
} from "./message";

/** Beside PRIORITY_HIGH and PRIORITY_LOW: the event is not collected. */
export const PRIORITY_OFF: u32 = 2;

export const config: Config = changetype<Config>(memory.data(offsetof<Config>(), 4));

/** PRIORITY_HIGH, PRIORITY_LOW or PRIORITY_OFF of an event kind. */
export function priorityOf(kind: u32): u32 {
  if (kind === KIND_HEARTBEAT) return PRIORITY_LOW;
  if (kind === KIND_DROPPED_EVENTS_STATISTICS) return PRIORITY_HIGH;
  if (kind === KIND_NETWORK_ACTIVITY || kind === KIND_ACTIVE_CONNECTIONS) return PRIORITY_HIGH;
  if (kind === KIND_CLOUD_TO_DEVICE_MESSAGES) return PRIORITY_HIGH;
  return PRIORITY_LOW;
}

/** Seconds over which equal events of a kind are one; 0: each is sent. */
export function aggregationS(kind: u32): u32 {
  return 0;
}
