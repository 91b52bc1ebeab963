/**
 * Puts equal events together: one event for all of an interval, with its hits, first and last
 * time. When the slots are taken, the oldest is sent early; nothing is lost.
 */
import { aggregationS, PRIORITY_OFF, priorityOf } from "./config";
import { Aggregate } from "./layout";
import { writeRecord } from "./observe";
import { AGGREGATION_SLOTS } from "./options";
import { RECORD_KIND_MIN, shared } from "./records";
import { state } from "./state";

/** Longest record that is aggregated: ProcessCreate. */
const RECORD_BYTES: u32 = 156;
const RECORD_HEAD: u32 = 4;
const SLOT_BYTES: u32 = offsetof<Aggregate>() + RECORD_BYTES;

const slots: usize = memory.data(AGGREGATION_SLOTS ? AGGREGATION_SLOTS * SLOT_BYTES : 1, 4);

function slotAt(index: u32): Aggregate {
  return changetype<Aggregate>(slots + index * SLOT_BYTES);
}

/** Adds an event, whose fields in which equal ones may differ become 0. */
export function aggregate(kind: u32, record: usize, bytes: u32): void {
  assert(bytes <= RECORD_BYTES);
  const begin = <u32>load<u8>(kind - RECORD_KIND_MIN, shared);
  let free: Aggregate | null = null;
  let oldest = slotAt(0);
  for (let i: u32 = 0; i < AGGREGATION_SLOTS; i++) {
    const slot = slotAt(i);
    if (slot.hits === 0) {
      if (free === null) free = slot;
      continue;
    }
    const own = changetype<usize>(slot) + offsetof<Aggregate>();
    if (slot.kind === kind && memory.compare(own + begin, record + begin, bytes - begin) === 0) {
      slot.hits += 1;
      slot.last_wall_s = state.wall_s;
      slot.last_uptime_s = state.uptime_s;
      return;
    }
    if (slot.first_uptime_s < oldest.first_uptime_s) oldest = slot;
  }
  if (free === null) {
    report(oldest);
    free = oldest;
  }
  free.kind = kind;
  free.hits = 1;
  free.first_wall_s = state.wall_s;
  free.first_uptime_s = state.uptime_s;
  free.last_wall_s = state.wall_s;
  free.last_uptime_s = state.uptime_s;
  const own = changetype<usize>(free) + offsetof<Aggregate>();
  memory.copy(own, record, bytes);
  memory.fill(own + RECORD_HEAD, 0, begin - RECORD_HEAD);
}

/** Sends the events whose interval is over; all of them when `isAll`. */
export function reportAggregates(isAll: bool): void {
  for (let i: u32 = 0; i < AGGREGATION_SLOTS; i++) {
    const slot = slotAt(i);
    if (slot.hits === 0) continue;
    const ageS = state.uptime_s - slot.first_uptime_s;
    if (isAll || ageS >= aggregationS(slot.kind)) report(slot);
  }
}

function report(slot: Aggregate): void {
  const priority = priorityOf(slot.kind);
  if (priority !== PRIORITY_OFF) {
    const record = changetype<usize>(slot) + offsetof<Aggregate>();
    writeRecord(priority, slot.kind, record, slot);
  }
  slot.hits = 0;
}

/** Seconds until the first interval is over; 0x7fffffff when there is none. */
export function nextAggregateS(): u32 {
  let least: u32 = 0x7fffffff;
  for (let i: u32 = 0; i < AGGREGATION_SLOTS; i++) {
    const slot = slotAt(i);
    if (slot.hits === 0) continue;
    const ageS = state.uptime_s - slot.first_uptime_s;
    const wholeS = aggregationS(slot.kind);
    least = min<u32>(least, ageS < wholeS ? wholeS - ageS : 0);
  }
  return least;
}
