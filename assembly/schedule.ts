/** What is due when, in seconds of uptime. */
import { PRIORITIES } from "./abi";
import { nextAggregateS, reportAggregates } from "./aggregate";
import { channel, nextSendS, send } from "./channel";
import { random, secondsUntil } from "./clock";
import { collect, isCollecting } from "./collect";
import { config, PRIORITY_OFF, priorityOf } from "./config";
import { collectHeartbeat } from "./events";
import { KIND_HEARTBEAT, KIND_NETWORK_ACTIVITY, PRIORITY_HIGH } from "./message";
import { COLLECTED_KINDS } from "./observe";
import { AGGREGATION_SLOTS, STORE_FLASH, TWIN } from "./options";
import { RECORD_KIND_MAX, RECORD_KIND_MIN, SNAPSHOT_KINDS } from "./records";
import { state } from "./state";
import { runStore, storeRetryS } from "./store";
import { reportTwin } from "./twin-report";

const MS_MAX: u32 = 0x7fffffff;

function intervalS(priority: u32): u32 {
  return priority === PRIORITY_HIGH ? config.high_interval_s : config.low_interval_s;
}

/**
 * Sets everything up. The first deadlines lie at a random place of their interval, so that a
 * fleet does not send in the same second.
 *
 * @param isSpread false: they lie one interval ahead
 */
export function startSchedule(isSpread: bool): void {
  for (let priority: u32 = 0; priority < PRIORITIES; priority++) {
    const own = channel(priority);
    own.collected_s = state.uptime_s;
    own.due_s = state.uptime_s + firstS(intervalS(priority), isSpread);
  }
  state.snapshot_due_s = state.uptime_s; // The first snapshots at once.
}

function firstS(wholeS: u32, isSpread: bool): u32 {
  return isSpread ? 1 + (random() % wholeS) : wholeS;
}

/** After a change of the configuration: no deadline is further away than its new interval. */
export function adjustSchedule(): void {
  for (let priority: u32 = 0; priority < PRIORITIES; priority++) {
    const own = channel(priority);
    const latest = state.uptime_s + intervalS(priority);
    if (<i32>(own.due_s - latest) > 0) own.due_s = latest;
  }
  const latest = state.uptime_s + config.snapshot_interval_s;
  if (<i32>(state.snapshot_due_s - latest) > 0) state.snapshot_due_s = latest;
}

/** Does what is due. @returns the snapshots that the host is to deliver, bit n for kind n */
export function runSchedule(): u32 {
  if (AGGREGATION_SLOTS) reportAggregates(false);
  for (let priority: u32 = 0; priority < PRIORITIES; priority++) {
    const own = channel(priority);
    const isUrgent = state.urgent !== 0 && priorityOf(KIND_NETWORK_ACTIVITY) === priority;
    if (isUrgent || <i32>(state.uptime_s - own.due_s) >= 0) endInterval(priority);
    send(priority);
  }
  runStore();
  if (TWIN) reportTwin();
  return isCollecting() ? takeSnapshots() : 0;
}

/** Ends the interval of a priority now: what is collected is sent. */
export function endInterval(priority: u32): void {
  const own = channel(priority);
  const coveredS = state.uptime_s - own.collected_s;
  collect(priority, coveredS);
  if (priorityOf(KIND_HEARTBEAT) === priority) collectHeartbeat(priority, coveredS);
  own.collected_s = state.uptime_s;
  own.sending = 1;
  // After a late poll the rhythm is kept: intervals that passed unseen are one.
  const wholeS = intervalS(priority);
  const lateS = state.uptime_s - own.due_s;
  if (<i32>lateS >= 0) own.due_s += (lateS / wholeS + 1) * wholeS;
}

/** Queues what was counted so far under the present configuration. */
export function flushAll(): void {
  if (AGGREGATION_SLOTS) reportAggregates(true);
  for (let priority: u32 = 0; priority < PRIORITIES; priority++) {
    const own = channel(priority);
    collect(priority, state.uptime_s - own.collected_s);
    own.collected_s = state.uptime_s;
  }
}

function takeSnapshots(): u32 {
  const lateS = state.uptime_s - state.snapshot_due_s;
  if (<i32>lateS < 0) return 0;
  const wholeS = config.snapshot_interval_s;
  state.snapshot_due_s += (lateS / wholeS + 1) * wholeS;
  let due: u32 = 0;
  for (let kind = RECORD_KIND_MIN; kind <= RECORD_KIND_MAX; kind++) {
    if (priorityOf(kind) !== PRIORITY_OFF) due |= 1 << kind;
  }
  return due & SNAPSHOT_KINDS & COLLECTED_KINDS;
}

/** Milliseconds until something is due, 0 when something is. */
export function timeToNext(): u32 {
  let leastS = secondsUntil(state.snapshot_due_s);
  if (!isCollecting()) leastS = MS_MAX;
  if (AGGREGATION_SLOTS) leastS = min<u32>(leastS, nextAggregateS());
  for (let priority: u32 = 0; priority < PRIORITIES; priority++) {
    leastS = min<u32>(leastS, secondsUntil(channel(priority).due_s));
    leastS = min<u32>(leastS, nextSendS(priority));
  }
  if (STORE_FLASH) {
    const retryS = storeRetryS();
    if (retryS) leastS = min<u32>(leastS, secondsUntil(retryS));
  }
  if (leastS === 0) return 0;
  if (leastS > MS_MAX / 1000) return MS_MAX;
  return leastS * 1000 - state.uptime_rest_ms;
}
