/**
 * Picket's agent core: the exports. `abi.ts` has the layouts and codes.
 *
 * The host writes packet heads into the ring (no call), and calls these from one thread.
 */
import {
  ABI_VERSION,
  E_BAD_RECORD,
  E_NOT_STARTED,
  INPUT_BYTES,
  OBSERVE_CLOUD_TO_DEVICE,
  OBSERVE_CLOUD_TO_DEVICE_BYTES,
  OBSERVE_CLOUD_TO_DEVICE_COUNT,
  OK,
  START_BYTES,
} from "./abi";
import { Start } from "./layout";
import { CAUSE_OBSERVATION_REFUSED, PRIORITY_HIGH, PRIORITY_LOW } from "./message";
import { RING_HEAD_BYTES, RING_SLOTS } from "./options";
import { drain, ring } from "./ring";
import {
  advance,
  collect,
  runSchedule,
  settleMessage,
  startSchedule,
  timeToNext,
} from "./schedule";
import { lose, state } from "./state";

const input: usize = memory.data(INPUT_BYTES, 8);
const INTERVAL_MS_MIN: u32 = 1000;

/** @returns ABI_VERSION */
export function abi_version(): u32 {
  return ABI_VERSION;
}

/** @returns bytes of linear memory that the core uses; those above are never touched */
export function memory_bytes(): u32 {
  return <u32>__heap_base;
}

/** @returns address of the packet ring (RING_* in abi.ts) */
export function ring_address(): usize {
  return changetype<usize>(ring);
}

/** @returns address of the input buffer of INPUT_BYTES */
export function input_address(): usize {
  return input;
}

/**
 * Starts the agent with the START_* record in the input buffer.
 *
 * @param bytes of the record
 * @param now_ms monotonic clock, ms; wraps at 2^32
 * @param wall_s seconds since 1970 UTC, or WALL_UNKNOWN
 * @returns OK or E_BAD_RECORD
 */
export function start(bytes: u32, now_ms: u32, wall_s: u32): i32 {
  const record = changetype<Start>(input);
  if (bytes !== START_BYTES) return E_BAD_RECORD;
  if (record.high_interval_ms < INTERVAL_MS_MIN) return E_BAD_RECORD;
  if (record.low_interval_ms < INTERVAL_MS_MIN) return E_BAD_RECORD;
  state.agent_id = record.agent_id;
  state.epoch = record.epoch;
  state.now_ms = now_ms;
  state.wall_s = wall_s;
  startSchedule(PRIORITY_HIGH, record.high_interval_ms);
  startSchedule(PRIORITY_LOW, record.low_interval_ms);
  ring.slots = <u16>RING_SLOTS;
  ring.head_bytes = <u16>RING_HEAD_BYTES;
  state.started = 1;
  return OK;
}

/**
 * Does what is due: drains the ring, collects, sends.
 *
 * @returns packets taken from the ring, or E_NOT_STARTED
 */
export function poll(now_ms: u32, wall_s: u32): i32 {
  if (!state.started) return E_NOT_STARTED;
  advance(now_ms, wall_s);
  const taken = drain();
  runSchedule();
  return taken;
}

/**
 * Ends the interval of a priority now, as before an orderly stop; the next `poll` sends.
 *
 * @returns OK, E_NOT_STARTED, or E_BAD_RECORD for a priority that is none
 */
export function flush(priority: u32): i32 {
  if (!state.started) return E_NOT_STARTED;
  if (priority > PRIORITY_LOW) return E_BAD_RECORD;
  collect(priority);
  return OK;
}

/** @returns milliseconds until `poll` has something to do beside packets; 0: at once */
export function next_ms(): u32 {
  return state.started ? timeToNext() : 0;
}

/**
 * Answers `publish`.
 *
 * @param status 0: delivered and acknowledged, else failed
 * @returns OK, or E_UNKNOWN_ID when this message is not in flight
 */
export function published(id: u32, status: i32): i32 {
  return settleMessage(id, status === 0);
}

/**
 * Takes the OBSERVE_* record in the input buffer.
 *
 * @returns OK, E_NOT_STARTED, or E_BAD_RECORD (counted)
 */
export function observe(bytes: u32): i32 {
  if (!state.started) return E_NOT_STARTED;
  const kind = <u32>load<u16>(input);
  if (kind === OBSERVE_CLOUD_TO_DEVICE && bytes === OBSERVE_CLOUD_TO_DEVICE_BYTES) {
    const sum = state.cloud_to_device + load<u32>(input, OBSERVE_CLOUD_TO_DEVICE_COUNT);
    state.cloud_to_device = sum < state.cloud_to_device ? 0xffffffff : sum;
    return OK;
  }
  lose(CAUSE_OBSERVATION_REFUSED);
  return E_BAD_RECORD;
}
