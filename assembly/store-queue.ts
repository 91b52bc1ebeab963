/**
 * Events in memory, oldest first, both priorities in one row: all of the store on boards without
 * flash, else what waits to be programmed. What is taken out closes the gap at once.
 */
import { E_FULL, OK } from "./abi";
import { publish } from "./host";
import { PRIORITY_HIGH, PRIORITY_LOW } from "./message";
import { STORE_FLASH } from "./options";
import {
  CRC_BYTES,
  HEAD_BYTES_MASK,
  HEAD_PRIORITY_SHIFT,
  log,
  OP_EVENT,
  pool,
  queue,
  RECORD_HEAD_BYTES,
  RECORD_SEQUENCE,
  tally,
} from "./store-layout";

/** Bytes that an event takes, in the queue as in flash. */
export function strideOf(bytes: u32): u32 {
  if (STORE_FLASH) {
    const unit = pool.unit;
    if (unit) return (RECORD_HEAD_BYTES + bytes + CRC_BYTES + unit - 1) & -unit;
  }
  return RECORD_HEAD_BYTES + bytes;
}

function headAt(offset: u32): u32 {
  return load<u16>(queue() + offset);
}

export function sequenceAt(offset: u32): u32 {
  return load<u32>(queue() + offset, RECORD_SEQUENCE);
}

export function strideAt(offset: u32): u32 {
  return strideOf(headAt(offset) & HEAD_BYTES_MASK);
}

export function priorityAt(offset: u32): u32 {
  return headAt(offset) >> HEAD_PRIORITY_SHIFT;
}

/** Offset, at or after `offset`, of an event of a priority not before `sequence`; or the end. */
export function find(offset: u32, priority: u32, sequence: u32): u32 {
  while (offset < pool.queued) {
    if (priorityAt(offset) === priority && sequenceAt(offset) >= sequence) break;
    offset += strideAt(offset);
  }
  return offset;
}

export function remove(offset: u32): void {
  log(priorityAt(offset)).queued -= 1;
  const stride = strideAt(offset);
  pool.queued -= stride;
  memory.copy(queue() + offset, queue() + offset + stride, pool.queued - offset);
}

/** Drops the oldest low events, for a high one then high ones; none that is in flight. */
function makeRoom(priority: u32, stride: u32): i32 {
  while (pool.queued + stride > pool.queued_max) {
    // The first is with the flash driver.
    const from = STORE_FLASH && pool.op === OP_EVENT ? strideAt(0) : 0;
    let at = find(from, PRIORITY_LOW, log(PRIORITY_LOW).in_flight);
    if (at >= pool.queued && priority === PRIORITY_HIGH) {
      at = find(from, PRIORITY_HIGH, log(PRIORITY_HIGH).in_flight);
    }
    if (STORE_FLASH) pool.dirty = 1; // Its sequence number must not be used again.
    if (at >= pool.queued) return E_FULL;
    remove(at);
  }
  return OK;
}

/** Puts an event at the end, if need be at the cost of others; when none can go it is dropped. */
export function enqueue(priority: u32, event: usize, bytes: u32): void {
  const counters = tally(priority);
  const sequence = counters.collected;
  counters.collected = sequence + 1;
  const stride = strideOf(bytes);
  if (makeRoom(priority, stride) < 0) return;
  const to = queue() + pool.queued;
  store<u16>(to, bytes | (priority << HEAD_PRIORITY_SHIFT));
  store<u32>(to, sequence, RECORD_SEQUENCE);
  memory.copy(to + RECORD_HEAD_BYTES, event, bytes);
  pool.queued += stride;
  log(priority).queued += 1;
}

/** Sequence number of the oldest event, or of the next if there is none. */
export function firstQueued(priority: u32): u32 {
  const at = find(0, priority, 0);
  return at < pool.queued ? sequenceAt(at) : tally(priority).collected;
}

/** Adds an event to a message. @returns OK, 1 when it has no room, or a negative error */
export function publishPart(id: u32, from: usize, bytes: u32): i32 {
  if (bytes >= pool.room) return 1; // One byte stays for the end of the array.
  pool.room -= bytes;
  return publish(id, from, bytes, 1);
}

/** As publishEvents, from the queue. */
export function publishQueued(priority: u32, id: u32): i32 {
  const first = firstQueued(priority);
  let events: u32 = 0;
  for (let at: u32 = 0; ; at += strideAt(at)) {
    at = find(at, priority, 0);
    if (at >= pool.queued || sequenceAt(at) !== first + events) break;
    const from = queue() + at + RECORD_HEAD_BYTES;
    const result = publishPart(id, from, headAt(at) & HEAD_BYTES_MASK);
    if (result < 0) return result;
    if (result > 0) break;
    events += 1;
  }
  return events;
}

/** Takes out the events before `end`: they are delivered. */
export function releaseQueued(priority: u32, end: u32): void {
  for (;;) {
    const at = find(0, priority, 0);
    if (at >= pool.queued || sequenceAt(at) >= end) break;
    remove(at);
    tally(priority).delivered += 1;
  }
}
