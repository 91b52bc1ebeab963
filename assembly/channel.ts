/** Sends the events of a priority: one message in flight, failures with growing pauses. */
import { E_UNKNOWN_ID, OK, PRIORITIES } from "./abi";
import { CBOR_BREAK, writeByte, writeUnsigned } from "./cbor";
import { random, secondsUntil } from "./clock";
import { config } from "./config";
import { publish } from "./host";
import { Channel } from "./layout";
import { MESSAGE_VERSION } from "./message";
import { MESSAGE_BYTES_MAX } from "./options";
import { state } from "./state";
import {
  canSend,
  firstSequence,
  isStoreBusy,
  publishEvents,
  release,
  roomLeft,
  setInFlight,
  storeEpoch,
} from "./store";

/** After a failure: this, s, doubled with each further one, plus or minus a quarter. */
const RETRY_S: u32 = 2;
const RETRY_DOUBLINGS_MAX: u32 = 7;
/** A message without an answer for this long has failed, s. */
const ANSWER_S_MAX: u32 = 300;
/** The hub bills in these steps. */
const BILLED_BYTES: u32 = 4096;
/** Tag, array, version, agent, epoch, log, sequence number. */
const HEADER_BYTES_MAX: u32 = 3 + 1 + 1 + 9 + 3 + 1 + 5;

const channels: usize = memory.data(PRIORITIES * offsetof<Channel>(), 4);
/** Tag 55799 (self-described CBOR), an open array, the message's version, bytes of the agent id. */
const beginning: usize = memory.data<u8>([0xd9, 0xd9, 0xf7, 0x9f, <u8>MESSAGE_VERSION, 0x48]);
const BEGINNING_BYTES: u32 = 6;
const header: usize = memory.data(HEADER_BYTES_MAX, 4);

export function channel(priority: u32): Channel {
  return changetype<Channel>(channels + priority * offsetof<Channel>());
}

/** Sends one message, if events are to be sent and none is in flight. */
export function send(priority: u32): void {
  const own = channel(priority);
  if (secondsUntil(own.until_s)) return;
  if (own.in_flight !== 0) {
    settleMessage(own.in_flight, false);
    return;
  }
  if (own.sending === 0) return;
  if (!canSend(priority)) {
    if (!isStoreBusy()) own.sending = 0;
    return;
  }
  const id = nextMessageId();
  const first = firstSequence(priority);
  const headerBytes = <u32>(writeHeader(priority, first) - header);
  const bytesMax = min<u32>(config.message_bytes_max, MESSAGE_BYTES_MAX);
  let events = publish(id, header, headerBytes, 1);
  if (events === OK) events = publishEvents(priority, id, bytesMax - headerBytes);
  if (events > 0) {
    writeByte(header, CBOR_BREAK);
    if (publish(id, header, 1, 0) === OK) {
      own.in_flight = id;
      own.until_s = state.uptime_s + ANSWER_S_MAX;
      own.in_flight_end = first + events;
      own.in_flight_bytes = bytesMax + 1 - roomLeft();
      setInFlight(priority, own.in_flight_end);
      return;
    }
  }
  fail(own);
}

function writeHeader(priority: u32, sequence: u32): usize {
  memory.copy(header, beginning, BEGINNING_BYTES);
  store<u64>(header, state.agent_id, BEGINNING_BYTES);
  let at = writeUnsigned(header + BEGINNING_BYTES + 8, storeEpoch());
  at = writeUnsigned(at, priority);
  return writeUnsigned(at, sequence);
}

function nextMessageId(): u32 {
  state.message_id += 1;
  if (state.message_id === 0) state.message_id = 1; // 0 means none.
  return state.message_id;
}

function fail(own: Channel): void {
  const wholeS = RETRY_S << min<u32>(own.failures, RETRY_DOUBLINGS_MAX);
  const jitterS = random() % (wholeS / 2 + 1);
  own.until_s = state.uptime_s + wholeS - wholeS / 4 + jitterS;
  own.failures += 1;
  state.messages_failed += 1;
}

/**
 * A message was delivered, or has failed.
 *
 * @returns OK, or E_UNKNOWN_ID when it is not in flight
 */
export function settleMessage(id: u32, isDelivered: bool): i32 {
  for (let priority: u32 = 0; priority < PRIORITIES; priority++) {
    const own = channel(priority);
    if (id === 0 || own.in_flight !== id) continue;
    own.in_flight = 0;
    if (isDelivered) {
      own.failures = 0;
      own.until_s = state.uptime_s;
      state.messages_sent += 1;
      if (own.in_flight_bytes < BILLED_BYTES) state.messages_under_4_kb += 1;
      release(priority, own.in_flight_end);
    } else {
      setInFlight(priority, 0);
      fail(own);
    }
    return OK;
  }
  return E_UNKNOWN_ID;
}

/** Seconds until something is to be sent; 0x7fffffff: nothing is. */
export function nextSendS(priority: u32): u32 {
  const own = channel(priority);
  if (own.in_flight === 0 && (own.sending === 0 || isStoreBusy())) return 0x7fffffff;
  return secondsUntil(own.until_s);
}
