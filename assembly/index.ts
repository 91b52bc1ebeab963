/**
 * Picket's agent core: the exports. `abi.ts` has the layouts and codes.
 *
 * The host writes packet heads into the ring (no call), and calls these from one thread.
 */
import "./state"; // First, so that it lies at the smallest addresses, which make short code.

import {
  ABI_VERSION,
  E_BAD_RECORD,
  E_NOT_STARTED,
  INPUT_BYTES,
  OBSERVE_CLOUD_TO_DEVICE,
  OBSERVE_CLOUD_TO_DEVICE_BYTES,
  OBSERVE_CLOUD_TO_DEVICE_COUNT,
  OBSERVE_OPT_OUT,
  OBSERVE_OPT_OUT_BYTES,
  OBSERVE_OPT_OUT_VALUE,
  OK,
  START_BYTES,
} from "./abi";
import { settleMessage } from "./channel";
import { advance } from "./clock";
import { isCollecting } from "./collect";
import { setDefaults } from "./config";
import { optedOut } from "./events";
import { Start } from "./layout";
import { CAUSE_OBSERVATION_REFUSED, PRIORITY_LOW } from "./message";
import { takeRecord } from "./observe";
import { COLLECT_CLOUD_TO_DEVICE, OPT_OUT, RING_HEAD_BYTES, RING_SLOTS, TWIN } from "./options";
import { drain, ring } from "./ring";
import { endInterval, flushAll, runSchedule, startSchedule, timeToNext } from "./schedule";
import { lose, state } from "./state";
import { flashDone, mountStore } from "./store";
import { beginTwin, endTwin, takeTwin } from "./twin";

const input: usize = memory.data(INPUT_BYTES, 8);

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
  return changetype<usize>(ring());
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
 * @returns OK, E_BAD_RECORD, or E_FLASH when the flash partition does not answer
 */
export function start(bytes: u32, now_ms: u32, wall_s: u32): i32 {
  const record = changetype<Start>(input);
  if (bytes !== START_BYTES) return E_BAD_RECORD;
  state.agent_id = record.agent_id;
  state.build_id = record.build_id;
  state.random = record.seed ? record.seed : 1;
  state.now_ms = now_ms;
  state.wall_s = wall_s;
  const result = mountStore(record);
  if (result < 0) return result;
  setDefaults(record);
  startSchedule(record.seed !== 0);
  ring().slots = <u16>RING_SLOTS;
  ring().head_bytes = <u16>RING_HEAD_BYTES;
  state.started = 1;
  return OK;
}

/**
 * Moves the clocks on, before an observation: it bears their time. `poll` does it too.
 *
 * @returns OK or E_NOT_STARTED
 */
export function advance_clock(now_ms: u32, wall_s: u32): i32 {
  if (!state.started) return E_NOT_STARTED;
  advance(now_ms, wall_s);
  return OK;
}

/**
 * Does what is due: drains the ring, collects, sends.
 *
 * @returns 0, or the snapshots that the host is to deliver now (bit n for records of kind n, each
 *   followed by its head alone), or E_NOT_STARTED
 */
export function poll(now_ms: u32, wall_s: u32): i32 {
  if (!state.started) return E_NOT_STARTED;
  advance(now_ms, wall_s);
  drain(isCollecting());
  return runSchedule();
}

/**
 * Ends the interval of a priority now, as before an orderly stop; the next `poll` sends.
 *
 * @returns OK, E_NOT_STARTED, or E_BAD_RECORD for a priority that is none
 */
export function flush(priority: u32): i32 {
  if (!state.started) return E_NOT_STARTED;
  if (priority > PRIORITY_LOW) return E_BAD_RECORD;
  endInterval(priority);
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

/** Answers a `flash_program` or `flash_erase` that was PENDING. @returns OK or E_UNKNOWN_ID */
export function flash_done(status: i32): i32 {
  return flashDone(status);
}

/**
 * Takes the observation in the input buffer.
 *
 * @returns OK, E_NOT_STARTED, or E_BAD_RECORD (counted)
 */
export function observe(bytes: u32): i32 {
  if (!state.started) return E_NOT_STARTED;
  if (bytes < 4 || bytes > INPUT_BYTES) return refuse();
  const kind = <u32>load<u16>(input);
  if (kind === OBSERVE_CLOUD_TO_DEVICE && bytes === OBSERVE_CLOUD_TO_DEVICE_BYTES) {
    if (COLLECT_CLOUD_TO_DEVICE)
      countCloudToDevice(load<u32>(input, OBSERVE_CLOUD_TO_DEVICE_COUNT));
    return OK;
  }
  if (OPT_OUT && kind === OBSERVE_OPT_OUT && bytes === OBSERVE_OPT_OUT_BYTES) {
    optOut(load<u32>(input, OBSERVE_OPT_OUT_VALUE) !== 0);
    return OK;
  }
  if (kind >= OBSERVE_CLOUD_TO_DEVICE) return refuse();
  return isCollecting() ? takeRecord(input, bytes) : OK;
}

function refuse(): i32 {
  lose(CAUSE_OBSERVATION_REFUSED);
  return E_BAD_RECORD;
}

function countCloudToDevice(count: u32): void {
  const sum = state.cloud_to_device + count;
  state.cloud_to_device = sum < count ? 0xffffffff : sum;
}

/** Reports the change once; what was counted before belongs to the time before. */
function optOut(isOut: bool): void {
  if (<u32>isOut === state.opted_out) return;
  if (isOut) flushAll();
  state.opted_out = isOut;
  optedOut(isOut);
}

/**
 * Begins a twin document, or a patch of its desired properties; its bytes follow.
 *
 * @param is_patch 1: properties that are absent stay as they are
 * @returns OK, or E_NOT_STARTED
 */
export function twin_begin(is_patch: u32): i32 {
  if (!state.started) return E_NOT_STARTED;
  if (TWIN) beginTwin(is_patch !== 0);
  return OK;
}

/** Takes the next bytes of the document from the input buffer. @returns OK or E_BAD_RECORD */
export function twin_chunk(bytes: u32): i32 {
  if (bytes > INPUT_BYTES) return E_BAD_RECORD;
  if (TWIN) takeTwin(input, bytes);
  return OK;
}

/**
 * Ends the document: it is judged and, when valid, applied; the result is reported (`report`).
 *
 * @returns OK: valid; a positive count of faulty properties; E_BAD_RECORD: not JSON
 */
export function twin_end(): i32 {
  return TWIN ? endTwin() : OK;
}
