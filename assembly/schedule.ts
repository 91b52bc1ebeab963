/** What is due when. Intervals are differences of the monotonic clock, which may wrap. */
import { E_UNKNOWN_ID, OK, PRIORITIES } from "./abi";
import { CBOR_ARRAY_OPEN, CBOR_BREAK, writeByte, writeBytes, writeUnsigned } from "./cbor";
import {
  collectCloudToDevice,
  collectConnections,
  collectFlows,
  collectHeartbeat,
  collectLosses,
} from "./events";
import { publish } from "./host";
import { State } from "./layout";
import { CAUSE_RING_FULL, MESSAGE_VERSION, PRIORITY_HIGH } from "./message";
import { ring } from "./ring";
import { setLost, state } from "./state";
import { log, publishEvents, release, setInFlight } from "./store";

/** After a failed send: this, doubled with each further failure. */
const RETRY_MS: u32 = 1000;
const RETRY_DOUBLINGS_MAX: u32 = 6;

const header: usize = memory.data(32, 4);

/** Sets up the logs: the first collection of each is one interval from now. */
export function startSchedule(priority: u32, intervalMs: u32): void {
  const own = log(priority);
  own.interval_ms = intervalMs;
  own.collected_ms = state.now_ms;
  own.due_ms = state.now_ms + intervalMs;
}

/** Moves the clocks on. */
export function advance(nowMs: u32, wallS: u32): void {
  state.uptime_rest_ms += nowMs - state.now_ms;
  state.uptime_s += state.uptime_rest_ms / 1000;
  state.uptime_rest_ms %= 1000;
  state.now_ms = nowMs;
  state.wall_s = wallS;
}

/** Collects and sends what is due. */
export function runSchedule(): void {
  for (let priority: u32 = 0; priority < PRIORITIES; priority++) {
    const own = log(priority);
    const isUrgent = priority === PRIORITY_HIGH && state.urgent !== 0;
    if (isUrgent || <i32>(state.now_ms - own.due_ms) >= 0) collect(priority);
    send(priority);
  }
}

/** Ends the interval of a priority now. */
export function collect(priority: u32): void {
  const own = log(priority);
  const intervalMs = state.now_ms - own.collected_ms;
  if (priority === PRIORITY_HIGH) {
    state.urgent = 0;
    setLost(CAUSE_RING_FULL, ring.dropped);
    collectFlows(priority, intervalMs);
    collectConnections(priority, intervalMs);
    collectCloudToDevice(priority, intervalMs);
    collectLosses(priority, intervalMs);
  } else {
    collectHeartbeat(priority, intervalMs);
  }
  own.collected_ms = state.now_ms;
  // After a late poll the rhythm is kept: intervals that passed unseen are one.
  const late = state.now_ms - own.due_ms;
  if (<i32>late >= 0) own.due_ms += (late / own.interval_ms + 1) * own.interval_ms;
}

/** Sends one message of a log, if it has events and none is in flight. */
function send(priority: u32): void {
  const own = log(priority);
  if (own.count === 0 || own.in_flight !== 0) return;
  if (own.failures !== 0 && <i32>(state.now_ms - own.retry_ms) < 0) return;
  const id = nextMessageId();
  let at = writeByte(header, 0xd9);
  at = writeByte(at, 0xd9);
  at = writeByte(at, 0xf7);
  at = writeByte(at, CBOR_ARRAY_OPEN);
  at = writeUnsigned(at, MESSAGE_VERSION);
  at = writeBytes(at, changetype<usize>(state) + offsetof<State>("agent_id"), 8);
  at = writeUnsigned(at, state.epoch);
  at = writeUnsigned(at, priority);
  at = writeUnsigned(at, own.sequence);
  const bytes = <u32>(at - header);
  let events = publish(id, header, bytes, 1);
  if (events >= 0) {
    events = publishEvents(priority, id, bytes);
    if (events >= 0) {
      writeByte(header, CBOR_BREAK);
      if (publish(id, header, 1, 0) >= 0) {
        setInFlight(priority, id, events);
        return;
      }
    }
  }
  fail(priority);
}

function nextMessageId(): u32 {
  state.message_id += 1;
  if (state.message_id === 0) state.message_id = 1; // 0 means none.
  return state.message_id;
}

function fail(priority: u32): void {
  const own = log(priority);
  const doublings = min<u32>(own.failures, RETRY_DOUBLINGS_MAX);
  own.retry_ms = state.now_ms + (RETRY_MS << doublings);
  own.failures += 1;
}

/** A message has been delivered (`isDelivered`) or has failed. */
export function settleMessage(id: u32, isDelivered: bool): i32 {
  for (let priority: u32 = 0; priority < PRIORITIES; priority++) {
    const own = log(priority);
    if (id === 0 || own.in_flight !== id) continue;
    if (isDelivered) {
      own.failures = 0;
      return release(priority, id);
    }
    setInFlight(priority, 0, 0);
    fail(priority);
    return OK;
  }
  return E_UNKNOWN_ID;
}

/** Milliseconds until something is due, 0 when something is. */
export function timeToNext(): u32 {
  let least: u32 = 0x7fffffff;
  for (let priority: u32 = 0; priority < PRIORITIES; priority++) {
    const own = log(priority);
    least = min<u32>(least, timeTo(own.due_ms));
    if (own.count === 0 || own.in_flight !== 0) continue;
    least = own.failures ? min<u32>(least, timeTo(own.retry_ms)) : 0;
  }
  return least;
}

function timeTo(deadlineMs: u32): u32 {
  const left = <i32>(deadlineMs - state.now_ms);
  return left > 0 ? left : 0;
}
