/** Ends the intervals of all that is collected for a priority. */
import { reportAggregates } from "./aggregate";
import { PRIORITY_OFF, priorityOf } from "./config";
import { collectCloudToDevice, collectConnections, collectLosses, collectMessages } from "./events";
import { collectFlows } from "./flow-events";
import {
  CAUSE_RING_FULL,
  KIND_ACTIVE_CONNECTIONS,
  KIND_CLOUD_TO_DEVICE_MESSAGES,
  KIND_DROPPED_EVENTS_STATISTICS,
  KIND_MESSAGE_STATISTICS,
  KIND_NETWORK_ACTIVITY,
  PRIORITY_HIGH,
} from "./message";
import {
  AGGREGATION_SLOTS,
  COLLECT_CLOUD_TO_DEVICE,
  COLLECT_CONNECTIONS,
  STATISTICS,
} from "./options";
import { ring } from "./ring";
import { setLost, state } from "./state";

/** @returns whether monitoring goes on: the user has not opted out, and the twin was valid */
export function isCollecting(): bool {
  return (state.opted_out | state.waiting_for_twin) === 0;
}

/** Makes events of what was counted since the last collection of this priority. */
export function collect(priority: u32, intervalS: u32): void {
  if (isCollecting()) {
    collectNetwork(priority, intervalS);
    if (AGGREGATION_SLOTS) reportAggregates(false);
    if (STATISTICS && priorityOf(KIND_MESSAGE_STATISTICS) === priority) {
      collectMessages(priority, intervalS);
    }
  }
  // No message from the cloud stops this, nor the heartbeat.
  setLost(CAUSE_RING_FULL, ring().dropped);
  if (priorityOf(KIND_DROPPED_EVENTS_STATISTICS) === priority) collectLosses(priority, intervalS);
}

function collectNetwork(priority: u32, intervalS: u32): void {
  const flows = priorityOf(KIND_NETWORK_ACTIVITY);
  if (flows === priority) {
    state.urgent = 0;
    collectFlows(priority, intervalS);
  } else if (flows === PRIORITY_OFF && priority === PRIORITY_HIGH) {
    state.urgent = 0;
    collectFlows(PRIORITY_OFF, 0); // The tables are for others too: connections, first packets.
  }
  if (COLLECT_CONNECTIONS && priorityOf(KIND_ACTIVE_CONNECTIONS) === priority) {
    collectConnections(priority, intervalS);
  }
  if (COLLECT_CLOUD_TO_DEVICE && priorityOf(KIND_CLOUD_TO_DEVICE_MESSAGES) === priority) {
    collectCloudToDevice(priority, intervalS);
  }
}
