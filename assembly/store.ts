/**
 * The message store: events that wait for their delivery, in memory or in flash. docs/store.md
 * describes format and guarantees.
 */
import { E_UNKNOWN_ID, OK, PRIORITIES } from "./abi";
import { Start } from "./layout";
import { EVENT_BYTES_MAX, STORE_BYTES, STORE_FLASH } from "./options";
import { state } from "./state";
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
  return STORE_FLASH ? queued + countInFlash(priority) : queued;
}

/** Is there an event that can be sent, or is in flight? */
export function canSend(priority: u32): bool {
  if (STORE_FLASH) {
    // Only what is programmed: no sequence number is sent that a power cut would free.
    if (pool.sectors) return pool.noted !== 0 && settle(priority);
  }
  return log(priority).queued !== 0;
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
 * @param room bytes that the message may still have, one for its end included
 * @returns how many events, or a negative error: the message is not to be ended
 */
export function publishEvents(priority: u32, id: u32, room: u32): i32 {
  pool.room = room;
  if (STORE_FLASH) {
    if (pool.sectors) return publishSettled(priority, id);
  }
  return publishQueued(priority, id);
}

/** @returns bytes of room that the last message has left, one for its end included */
export function roomLeft(): u32 {
  return pool.room;
}

/** Events before `endSequence` are in flight: they are not dropped. 0: none is. */
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
      const limit = min<u32>(max<u32>(bytes, 2 * sectorBytes), (pool.sectors - 1) * sectorBytes);
      pool.holding_max = limit / sectorBytes;
      return limit;
    }
  }
  pool.queued_max = min<u32>(max<u32>(bytes, strideOf(EVENT_BYTES_MAX)), STORE_BYTES);
  return pool.queued_max;
}

/** Goes on with flash, after a failure when it is time to. */
export function runStore(): void {
  if (STORE_FLASH) {
    if (<i32>(state.uptime_s - pool.retry_s) >= 0) pool.retry_s = 0;
    run();
  }
}

/** Will there be more to send when flash has done what it is to do? */
export function isStoreBusy(): bool {
  return STORE_FLASH && pool.sectors !== 0 && (pool.op !== OP_NONE || !pool.noted);
}

/** @returns uptime, s, when flash is to be tried again after a failure; 0: it has not failed */
export function storeRetryS(): u32 {
  return STORE_FLASH ? pool.retry_s : 0;
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
