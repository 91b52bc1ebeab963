/**
 * The flow tables, one for each family: hash chains over fixed slots.
 *
 * An entry outlives its collection, so that a flow keeps its initiator and a connection its state.
 * When a new flow finds no free slot, it takes that of a flow without packets since the last
 * collection; established connections keep theirs until they end or are idle too long.
 */
import { CONNECTION_STATE, close, ESTABLISHED } from "./connection";
import { FLOW_ADDRESSES, Flow, FlowIpv4, FlowIpv6, FlowTable } from "./layout";
import { CAUSE_CONNECTIONS_FORGOTTEN } from "./message";
import { COLLECT_CONNECTIONS, FLOW_SLOTS_IPV4, FLOW_SLOTS_IPV6 } from "./options";
import { lose, state } from "./state";

/** In `Flow.flags`, beside the initiator and FLOW_ANSWERED: no packets since the collection. */
const FLOW_IDLE: u32 = 4;
/** Counters above this are collected before they can wrap. */
export const COUNTER_HIGH: u32 = 0x80000000;
/** RFC 5382 REQ-5: 2 hours 4 minutes, in units of 64 s. */
const CONNECTION_IDLE_MAX: u32 = 117;

const TABLE_HEAD: u32 = offsetof<FlowTable>();
const SLOTS_MAX: u32 = FLOW_SLOTS_IPV4 > FLOW_SLOTS_IPV6 ? FLOW_SLOTS_IPV4 : FLOW_SLOTS_IPV6;
const MASK_1: u32 = SLOTS_MAX - 1;
const MASK_2: u32 = MASK_1 | (MASK_1 >> 1) | (MASK_1 >> 2) | (MASK_1 >> 3);
const MASK_3: u32 = MASK_2 | (MASK_2 >> 4) | (MASK_2 >> 8) | (MASK_2 >> 12);
/** As many hash chains as slots of the larger table, rounded up to a power of two. */
const CHAIN_MASK: u32 = MASK_3;
const CHAINS_BYTES: u32 = (CHAIN_MASK + 1) * 2;

// A table: its head, the first entry of each chain (index plus one), the entries.
const ENTRIES: u32 = (TABLE_HEAD + CHAINS_BYTES + 7) & ~7;
// In functions, so that these large ones lie behind all else: small addresses make shorter code.
function tableIpv4(): usize {
  return memory.data(ENTRIES + FLOW_SLOTS_IPV4 * offsetof<FlowIpv4>(), 8);
}

function tableIpv6(): usize {
  return memory.data(FLOW_SLOTS_IPV6 ? ENTRIES + FLOW_SLOTS_IPV6 * offsetof<FlowIpv6>() : 1, 8);
}

function isIpv4<F>(): bool {
  return offsetof<F>() === offsetof<FlowIpv4>();
}

function tableOf<F>(): usize {
  return isIpv4<F>() ? tableIpv4() : tableIpv6();
}

function slotsOf<F>(): u32 {
  return isIpv4<F>() ? FLOW_SLOTS_IPV4 : FLOW_SLOTS_IPV6;
}

/** The entry of an index plus one. */
function entry<F>(position: u32): Flow {
  return changetype<Flow>(tableOf<F>() + ENTRIES - offsetof<F>() + position * offsetof<F>());
}

/** Number of entries that were ever used: positions 1 to this. */
export function used<F>(): u32 {
  return changetype<FlowTable>(tableOf<F>()).fresh;
}

/**
 * Fibonacci hashing: the upper bits of the product depend on all bits below them.
 *
 * @returns offset of the chain's first link in its table
 */
function chainOffset(mixed: u32): u32 {
  const product = mixed * 0x9e3779b1;
  return TABLE_HEAD + (((product ^ (product >> 15)) & CHAIN_MASK) << 1);
}

/** The link that begins the chain of a flow. */
function chainOf<F>(local: usize, remote: usize, ports: u32, kind: u32): usize {
  let mixed = ports ^ (kind << 8);
  if (isIpv4<F>()) {
    mixed ^= load<u32>(remote) ^ rotl<u32>(load<u32>(local), 7);
  } else {
    const halves = load<u64>(remote) ^ load<u64>(remote, 8) ^ rotl<u64>(load<u64>(local, 8), 7);
    mixed ^= <u32>halves ^ <u32>(halves >> 32);
  }
  return tableOf<F>() + chainOffset(mixed);
}

function isSame<F>(flow: Flow, local: usize, remote: usize): bool {
  const addresses = changetype<usize>(flow) + FLOW_ADDRESSES;
  if (isIpv4<F>()) {
    return (
      load<u32>(addresses, 4) === load<u32>(remote) && load<u32>(addresses) === load<u32>(local)
    );
  }
  return (
    load<u64>(addresses, 24) === load<u64>(remote, 8) &&
    load<u64>(addresses, 16) === load<u64>(remote) &&
    load<u64>(addresses, 8) === load<u64>(local, 8) &&
    load<u64>(addresses) === load<u64>(local)
  );
}

/**
 * Finds a flow, and makes it when it is new.
 *
 * @param local address of the device, network byte order
 * @param ports local port and, in the upper half, remote port; network byte order
 * @param kind IP protocol, plus 256 for non-first fragments
 * @returns the flow; null when the table is full
 */
export function find<F>(local: usize, remote: usize, ports: u32, kind: u32): Flow | null {
  const chain = chainOf<F>(local, remote, ports, kind);
  let position = <u32>load<u16>(chain);
  while (position) {
    const flow = entry<F>(position);
    if (flow.ports === ports && flow.kind === kind && isSame<F>(flow, local, remote)) {
      if (flow.flags & FLOW_IDLE) revive(flow, tableOf<F>());
      return flow;
    }
    position = flow.next;
  }
  return insert<F>(chain, local, remote, ports, kind);
}

/** The same for IPv4 on the hot path: most packets are of known flows. */
export function findIpv4(local: usize, remote: usize, ports: u32, kind: u32): Flow | null {
  const localAddress = load<u32>(local);
  const remoteAddress = load<u32>(remote);
  // As chainOf has it; the two are one expression, which a call would make dearer.
  const product = (ports ^ (kind << 8) ^ remoteAddress ^ rotl<u32>(localAddress, 7)) * 0x9e3779b1;
  const chain = tableIpv4() + TABLE_HEAD + (((product ^ (product >> 15)) & CHAIN_MASK) << 1);
  const first = tableIpv4() + ENTRIES - offsetof<FlowIpv4>();
  let position = <u32>load<u16>(chain);
  while (position) {
    const flow = changetype<FlowIpv4>(first + position * offsetof<FlowIpv4>());
    if (flow.ports === ports && flow.remote === remoteAddress && flow.kind === kind) {
      if (flow.local === localAddress) {
        if (flow.flags & FLOW_IDLE) revive(flow, tableIpv4());
        return flow;
      }
    }
    position = flow.next;
  }
  return insert<FlowIpv4>(chain, local, remote, ports, kind);
}

/** An entry without packets since the last collection has one again. */
function revive(flow: Flow, table: usize): void {
  flow.flags &= <u8>~FLOW_IDLE;
  changetype<FlowTable>(table).idle -= 1;
}

/** The place of a family, for what is done seldom: one function for both. */
function insert<F>(chain: usize, local: usize, remote: usize, ports: u32, kind: u32): Flow | null {
  const addressBytes: u32 = isIpv4<F>() ? 4 : 16;
  const flow = take(tableOf<F>(), offsetof<F>(), addressBytes, slotsOf<F>(), chain);
  if (flow === null) return null;
  const addresses = changetype<usize>(flow) + FLOW_ADDRESSES;
  memory.copy(addresses, local, addressBytes);
  memory.copy(addresses + addressBytes, remote, addressBytes);
  flow.ports = ports;
  flow.kind = <u16>kind;
  return flow;
}

/**
 * Takes an entry and puts it at the beginning of its chain: a free one, a fresh one, or that of an
 * idle flow.
 *
 * @returns the entry, empty but for its link; null when the table is full
 */
function take(
  address: usize,
  entryBytes: u32,
  addressBytes: u32,
  slots: u32,
  chain: usize,
): Flow | null {
  const table = changetype<FlowTable>(address);
  const first = address + ENTRIES - entryBytes;
  let position = <u32>table.fresh;
  if (position < slots) {
    position += 1;
    table.fresh = <u16>position;
  } else if (table.idle) {
    position = table.hand;
    do position = position === slots ? 1 : position + 1;
    while ((changetype<Flow>(first + position * entryBytes).flags & FLOW_IDLE) === 0);
    table.hand = <u16>position;
    table.idle -= 1;
    unlink(first, entryBytes, addressBytes, position);
  } else {
    return null;
  }
  const flow = changetype<Flow>(first + position * entryBytes);
  memory.fill(changetype<usize>(flow), 0, offsetof<Flow>());
  flow.next = load<u16>(chain);
  store<u16>(chain, <u16>position);
  return flow;
}

/** Takes an entry out of its chain. */
function unlink(first: usize, entryBytes: u32, addressBytes: u32, position: u32): void {
  const flow = changetype<Flow>(first + position * entryBytes);
  const local = changetype<usize>(flow) + FLOW_ADDRESSES;
  const remote = local + addressBytes;
  let link =
    addressBytes === 4
      ? chainOf<FlowIpv4>(local, remote, flow.ports, flow.kind)
      : chainOf<FlowIpv6>(local, remote, flow.ports, flow.kind);
  for (;;) {
    const here = <u32>load<u16>(link);
    assert(here);
    if (here === position) break;
    link = first + here * entryBytes + offsetof<Flow>("next");
  }
  store<u16>(link, flow.next);
}

/** 4 or 16, by the table that an entry lies in. */
export function addressBytesOf(flow: Flow): u32 {
  const offset = changetype<usize>(flow) - tableIpv4();
  return offset < ENTRIES + FLOW_SLOTS_IPV4 * offsetof<FlowIpv4>() ? 4 : 16;
}

/** Address of the first entry of a family's table; entries lie next to each other. */
export function firstEntry<F>(): usize {
  return tableOf<F>() + ENTRIES;
}

/**
 * Ends the interval for an entry that has been reported: its counters begin again. An entry that
 * nothing holds may be reclaimed from now on.
 *
 * @param first first entry of its table
 */
export function settle(flow: Flow, first: usize): void {
  const uptime = <u16>(state.uptime_s >> 6);
  if (flow.packets_in | flow.packets_out) {
    flow.seen = uptime;
    flow.packets_in = 0;
    flow.packets_out = 0;
    flow.bytes_in = 0;
    flow.bytes_out = 0;
  }
  if (flow.flags & FLOW_IDLE) return;
  if (COLLECT_CONNECTIONS && (flow.connection & CONNECTION_STATE) === ESTABLISHED) {
    if (<u32>(<u16>(uptime - flow.seen)) <= CONNECTION_IDLE_MAX) return;
    close(flow);
    lose(CAUSE_CONNECTIONS_FORGOTTEN);
  }
  flow.flags |= <u8>FLOW_IDLE;
  changetype<FlowTable>(first - ENTRIES).idle += 1;
}
