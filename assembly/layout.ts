import * as abi from "./abi";
import { RING_HEAD_BYTES } from "./options";

/** The ring's head; its slots follow. Shared with the producers, see `abi.ts`. */
@unmanaged
export class Ring {
  reserved: u32;
  drained: u32;
  dropped: u32;
  slots: u16;
  head_bytes: u16;
}

if (offsetof<Ring>("reserved") !== abi.RING_RESERVED) ERROR("Ring.reserved: offset");
if (offsetof<Ring>("drained") !== abi.RING_DRAINED) ERROR("Ring.drained: offset");
if (offsetof<Ring>("dropped") !== abi.RING_DROPPED) ERROR("Ring.dropped: offset");
if (offsetof<Ring>("slots") !== abi.RING_SLOTS_COUNT) ERROR("Ring.slots: offset");
if (offsetof<Ring>("head_bytes") !== abi.RING_HEAD_BYTES_MAX) ERROR("Ring.head_bytes: offset");
if (offsetof<Ring>() !== abi.RING_SLOTS) ERROR("Ring: size");

/** Distance of two slots, B. */
export const SLOT_BYTES: u32 = abi.SLOT_HEAD + RING_HEAD_BYTES;

/** What `start` is given in the input buffer. */
@unmanaged
export class Start {
  agent_id: u64;
  seed: u32;
  build_id: u32;
  high_interval_s: u32;
  low_interval_s: u32;
  snapshot_interval_s: u32;
  flash_sector_bytes: u32;
  flash_sectors: u16;
  flash_program_bytes: u16;
}

if (offsetof<Start>("agent_id") !== abi.START_AGENT_ID) ERROR("Start.agent_id: offset");
if (offsetof<Start>("seed") !== abi.START_SEED) ERROR("Start.seed: offset");
if (offsetof<Start>("build_id") !== abi.START_BUILD_ID) ERROR("Start.build_id: offset");
if (offsetof<Start>("high_interval_s") !== abi.START_HIGH_INTERVAL_S) ERROR("Start: offset");
if (offsetof<Start>("low_interval_s") !== abi.START_LOW_INTERVAL_S) ERROR("Start: offset");
if (offsetof<Start>("snapshot_interval_s") !== abi.START_SNAPSHOT_INTERVAL_S) {
  ERROR("Start.snapshot_interval_s: offset");
}
if (offsetof<Start>("flash_sector_bytes") !== abi.START_FLASH_SECTOR_BYTES) {
  ERROR("Start.flash_sector_bytes: offset");
}
if (offsetof<Start>("flash_sectors") !== abi.START_FLASH_SECTORS) ERROR("Start: offset");
if (offsetof<Start>("flash_program_bytes") !== abi.START_FLASH_PROGRAM_BYTES) {
  ERROR("Start.flash_program_bytes: offset");
}
if (offsetof<Start>("flash_program_bytes") + 2 !== abi.START_BYTES) ERROR("Start: size");

/** The configuration in force. */
@unmanaged
export class Config {
  high_interval_s: u32;
  low_interval_s: u32;
  snapshot_interval_s: u32;
  /** Most bytes of events that wait for delivery. */
  cache_bytes_max: u32;
  message_bytes_max: u32;
}

/**
 * One flow. Addresses and ports are as they stand in the packet (network byte order); the remote
 * port is the upper half of `ports`. Counters are since the last collection.
 */
@unmanaged
export class Flow {
  ports: u32;
  /** IP protocol, plus 256 for non-first fragments. */
  kind: u16;
  /** TCP connection: CONNECTION_* in connection.ts. */
  connection: u8;
  /** FLOW_* in flows.ts. */
  flags: u8;
  /** Next in the hash chain; index plus one, 0 ends. */
  next: u16;
  /** Uptime at the last collection that saw packets, in units of 64 s. */
  seen: u16;
  /** Sequence number of the SYN. */
  isn: u32;
  /** Indexed by direction, 0 out, 1 in: acknowledgement that is waited for. */
  awaited_by_out: u32;
  awaited_by_in: u32;
  packets_out: u32;
  packets_in: u32;
  bytes_out: u32;
  bytes_in: u32;
}

@unmanaged
export class FlowIpv4 extends Flow {
  local: u32;
  remote: u32;
}

@unmanaged
export class FlowIpv6 extends Flow {
  local_a: u64;
  local_b: u64;
  remote_a: u64;
  remote_b: u64;
}

/** Where the addresses begin; the remote one follows the local one. */
export const FLOW_ADDRESSES: u32 = offsetof<Flow>();

/** Head of a flow table. */
@unmanaged
export class FlowTable {
  /** Where the search for a place to reclaim goes on. */
  hand: u16;
  /** Entries with FLOW_IDLE. */
  idle: u16;
  /** Entries ever taken from the never used ones. */
  fresh: u16;
}

/** Equal events that are put together; the record follows. */
@unmanaged
export class Aggregate {
  kind: u32;
  /** 0: the slot is free. */
  hits: u32;
  first_wall_s: u32;
  first_uptime_s: u32;
  last_wall_s: u32;
  last_uptime_s: u32;
}

/** What is due for a priority: collection, sending, the message in flight. */
@unmanaged
export class Channel {
  /** Uptime, s: when the next collection is due, and when the last one was. */
  due_s: u32;
  collected_s: u32;
  /** Not 0: events are being sent until none waits. */
  sending: u32;
  /** The message in flight: its id (0: none), the sequence number behind its last event. */
  in_flight: u32;
  in_flight_end: u32;
  in_flight_bytes: u32;
  /** Uptime, s: until when an answer is waited for, or a pause lasts. */
  until_s: u32;
  failures: u32;
}

/** Everything else that must survive between two calls. */
@unmanaged
export class State {
  started: u32;
  now_ms: u32;
  /** Whole seconds since the start, and milliseconds beyond them. */
  uptime_s: u32;
  uptime_rest_ms: u32;
  wall_s: u32;
  snapshot_due_s: u32;
  connections: u32;
  connections_min: u32;
  connections_max: u32;
  cloud_to_device: u32;
  message_id: u32;
  /** Set when a counter nears its end: the flows are collected before it is reached. */
  urgent: u32;
  messages_sent: u32;
  messages_failed: u32;
  messages_under_4_kb: u32;
  /** The product's user has opted out. */
  opted_out: u32;
  /** The first twin document was not valid: nothing is collected until one is. */
  waiting_for_twin: u32;
  /** Bit n: the present snapshot of kind n has had an item. */
  snapshot_items: u32;
  /** The first heartbeat of this start has been made. */
  introduced: u32;
  connections_reported: u32;
  cloud_to_device_reported: u32;
  /** Losses as reported last, summed. */
  losses_reported: u32;
  /** For jitter; never 0. */
  random: u32;
  build_id: u32;
  agent_id: u64;
}
