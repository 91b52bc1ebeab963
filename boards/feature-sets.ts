/** Two sets of options that figures are given for. */
import type { Options } from "./options.ts";

/** What the agent that Picket replaces does: heartbeat, system information, network activity. */
export const BASE_OPTIONS = {
  COLLECT_CONNECTIONS: 0,
  COLLECT_CLOUD_TO_DEVICE: 0,
  COLLECT_CONNECTION_CREATE: 0,
  COLLECT_PROCESS: 0,
  COLLECT_LOGIN: 0,
  COLLECT_DIAGNOSTIC: 0,
  COLLECT_LISTENING_PORTS: 0,
  COLLECT_LOCAL_USERS: 0,
  COLLECT_FIREWALL: 0,
  COLLECT_HARDWARE: 0,
  COLLECT_BASELINE: 0,
  AGGREGATION_SLOTS: 0,
  STATISTICS: 0,
  TWIN: 0,
  STORE_FLASH: 0,
} as const satisfies Partial<Options>;

/** Everything: all collectors, twin, flash store, the opt-out of the product's user. */
export const FULL_OPTIONS = { STORE_FLASH: 1, OPT_OUT: 1 } as const satisfies Partial<Options>;
