/**
 * The message store: events that wait for their delivery, in memory or in flash. docs/store.md
 * describes format and guarantees.
 */
import { E_UNKNOWN_ID, OK, PRIORITIES } from "./abi";
import { Start } from "./layout";
import { EVENT_BYTES_MAX, STORE_BYTES, STORE_FLASH } from "./options";
import { finish, run } from "./store-flash";
import { Log, log, OP_NONE, pool, Saved, Store, saved, tally } from "./store-layout";
import { mountFlash } from "./store-mount";
import { enqueue, firstQueued, publishQueued, releaseQueued, strideOf } from "./store-queue";
import { publishSettled, releaseSettled, settle } from "./store-read";
import { countInFlash } from "./store-sectors";

/**
 * Begins with what flash holds, or with nothing.
 *
 * @returns OK, or E_BAD_RECORD for a flash geometry that cannot be
 */
export function mountStore(start: Start): i32 {
  memory.fill(changetype<usize>(pool), 0, offsetof<Store>());
  memory.fill(changetype<usize>(saved), 0, offsetof<Saved>());
  memory.fill(changetype<usize>(log(0)), 0, PRIORITIES * offsetof<Log>());
  pool.queued_max = STORE_BYTES;
  // Every bit of the seed has a part in the epoch.
  pool.salt = start.seed ^ (start.seed >> 16);
  saved.boots = 1;
  if (STORE_FLASH) {
    if (start.flash_sectors) return mountFlash(start);
  }
  return OK;
}

/** Takes an event; when there is no room for it, older ones or it itself are dropped. */
export function append(priority: u32, event: usize, bytes: u32): void {
  assert(bytes !== 0 && bytes <= EVENT_BYTES_MAX);
  enqueue(priority, event, bytes);
  if (STORE_FLASH) run();
}

/** @returns events that wait or are in flight */
export function storedCount(priority: u32): u32 {
  const queued = log(priority).queued;
  return STORE_FLASH ? queued + countInFlash(priority, true) : queued;
}

/** @returns events that can be sent now and are not in flight */
export function waiting(priority: u32): u32 {
  let count = log(priority).queued;
  if (STORE_FLASH) {
    if (pool.sectors) {
      // Only what is programmed: no sequence number is sent that a power cut would free.
      if (!pool.booted || !settle(priority)) return 0;
      count = countInFlash(priority, false);
    }
  }
  const end = log(priority).in_flight;
  const first = firstSequence(priority);
  return end > first ? count - min<u32>(count, end - first) : count;
}

/** @returns sequence number of the oldest event that can be sent or is in flight */
export function firstSequence(priority: u32): u32 {
  if (STORE_FLASH) {
    if (pool.sectors) {
      settle(priority);
      return tally(priority).through;
    }
  }
  return firstQueued(priority);
}

/**
 * Hands the oldest events of a log to the host, as many as a message holds and as have
 * consecutive sequence numbers, beginning with `firstSequence`.
 *
 * @param headerBytes bytes of the message so far
 * @param messageBytesMax bytes that it may have, one for its end included
 * @returns how many events, or a negative error: the message is not to be ended
 */
export function publishEvents(priority: u32, id: u32, headerBytes: u32, messageBytesMax: u32): i32 {
  pool.published = headerBytes + 1;
  const room = messageBytesMax - headerBytes;
  if (STORE_FLASH) {
    if (pool.sectors) return publishSettled(priority, id, room);
  }
  return publishQueued(priority, id, room);
}

/** @returns bytes of the last message, its end included */
export function publishedBytes(): u32 {
  return pool.published;
}

/** Events before `endSequence` are in flight: they are not dropped. `firstSequence`: none is. */
export function setInFlight(priority: u32, endSequence: u32): void {
  log(priority).in_flight = endSequence;
}

/** Events before `endSequence` are delivered. */
export function release(priority: u32, endSequence: u32): void {
  log(priority).in_flight = 0;
  if (STORE_FLASH) {
    if (pool.sectors) {
      releaseSettled(priority, endSequence);
      run();
      return;
    }
  }
  releaseQueued(priority, endSequence);
}

/** @returns events ever offered; collected = delivered + stored + dropped */
export function collectedCount(priority: u32): u32 {
  return tally(priority).collected;
}

export function deliveredCount(priority: u32): u32 {
  return tally(priority).delivered;
}

/** @returns events that are neither delivered nor stored, damaged ones included */
export function droppedCount(priority: u32): u32 {
  const counters = tally(priority);
  const left = <i32>(counters.collected - counters.delivered - storedCount(priority));
  return max<i32>(left, 0);
}

/** @returns records of events that could not be read, both priorities */
export function damagedCount(): u32 {
  return saved.damaged;
}

/** @returns u16 that is new whenever sequence numbers begin again */
export function storeEpoch(): u32 {
  return pool.salt & 0xffff;
}

/** @returns starts with this store, this one included; 1 without flash */
export function bootCount(): u32 {
  return saved.boots;
}

/**
 * Limits the bytes of events that wait. With flash it counts in whole sectors, two at least.
 *
 * @returns the limit in force: never above what there is
 */
export function setCacheLimit(bytes: u32): u32 {
  if (STORE_FLASH) {
    const sectorBytes = pool.sector_bytes;
    if (pool.sectors) {
      const limit = min<u32>(max<u32>(bytes, 2 * sectorBytes), pool.sectors * sectorBytes);
      pool.holding_max = limit / sectorBytes;
      return limit;
    }
  }
  pool.queued_max = min<u32>(max<u32>(bytes, strideOf(EVENT_BYTES_MAX)), STORE_BYTES);
  return pool.queued_max;
}

/** Goes on with flash. */
export function runStore(): void {
  if (STORE_FLASH) run();
}

/** Flash has ended what was PENDING. @returns OK, or E_UNKNOWN_ID when nothing was */
export function flashDone(status: i32): i32 {
  if (STORE_FLASH) {
    if (pool.op !== OP_NONE) {
      finish(status);
      run();
      return OK;
    }
  }
  return E_UNKNOWN_ID;
}
