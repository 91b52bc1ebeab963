/** Makes events of what has been counted, as message.cddl says, and puts them into the store. */
import {
  CBOR_ARRAY_OPEN,
  CBOR_BREAK,
  writeArray,
  writeByte,
  writeBytes,
  writeMap,
  writeNegative,
  writeSigned,
  writeUnsigned,
} from "./cbor";
import { entry, settle, used } from "./flows";
import { FLOW_ADDRESSES, Flow, FlowIpv4, FlowIpv6 } from "./layout";
import {
  CAUSE_NOT_UNICAST,
  FLOW_ANSWERED,
  FLOW_LOCAL_ADDRESS,
  FLOW_LOCAL_PORT,
  FLOW_PROTOCOL,
  FLOW_REMOTE_ADDRESS,
  FLOW_REMOTE_PORT,
  INITIATOR_BOTH,
  KIND_ACTIVE_CONNECTIONS,
  KIND_CLOUD_TO_DEVICE_MESSAGES,
  KIND_DROPPED_EVENTS_STATISTICS,
  KIND_HEARTBEAT,
  KIND_NETWORK_ACTIVITY,
  PRIORITY_HIGH,
  PRIORITY_LOW,
} from "./message";
import { EVENT_BYTES_MAX, FLOW_SLOTS_IPV6 } from "./options";
import { CAUSES, lost, state } from "./state";
import { append, log } from "./store";

/** Most bytes of one flow: flags, protocol, two addresses, two ports, four counters. */
const FLOW_BYTES_MAX: u32 = 2 + 3 + 2 * 17 + 2 * 3 + 4 * 5;
const TCP: u32 = 6;

const event: usize = memory.data(EVENT_BYTES_MAX, 4);

/** Begins an event of `fields` fields beside kind, time and interval. */
function begin(kind: u32, intervalMs: u32, fields: u32): usize {
  let at = writeArray(event, 3 + fields);
  at = writeUnsigned(at, kind);
  at = state.wall_s ? writeUnsigned(at, state.wall_s) : writeNegative(at, state.uptime_s);
  return writeUnsigned(at, (intervalMs + 500) / 1000);
}

function commit(priority: u32, end: usize): void {
  assert(end - event <= EVENT_BYTES_MAX);
  append(priority, event, <u32>(end - event));
}

export function collectHeartbeat(priority: u32, intervalMs: u32): void {
  commit(priority, begin(KIND_HEARTBEAT, intervalMs, 0));
}

/** Established connections; silent while there were none and none were reported. */
export function collectConnections(priority: u32, intervalMs: u32): void {
  if (state.connections_max === 0 && state.connections_reported === 0) return;
  let at = begin(KIND_ACTIVE_CONNECTIONS, intervalMs, 3);
  at = writeUnsigned(at, state.connections);
  at = writeUnsigned(at, state.connections_min);
  commit(priority, writeUnsigned(at, state.connections_max));
  state.connections_reported = state.connections;
  state.connections_min = state.connections;
  state.connections_max = state.connections;
}

/** Cloud-to-device messages; silent while there were none and none were reported. */
export function collectCloudToDevice(priority: u32, intervalMs: u32): void {
  if (state.cloud_to_device === 0 && state.cloud_to_device_reported === 0) return;
  const at = begin(KIND_CLOUD_TO_DEVICE_MESSAGES, intervalMs, 1);
  commit(priority, writeUnsigned(at, state.cloud_to_device));
  state.cloud_to_device_reported = state.cloud_to_device;
  state.cloud_to_device = 0;
}

/** Losses since the start; silent while no counter has moved. */
export function collectLosses(priority: u32, intervalMs: u32): void {
  let sum: u32 = 0;
  let causes: u32 = 0;
  for (let cause: u32 = 1; cause < CAUSES; cause++) {
    if (lost(cause) === 0) continue;
    causes += 1;
    if (cause !== CAUSE_NOT_UNICAST) sum += lost(cause);
  }
  if (sum === state.losses_reported) return;
  state.losses_reported = sum;
  let at = begin(KIND_DROPPED_EVENTS_STATISTICS, intervalMs, 2);
  at = writeArray(at, 4);
  at = writeUnsigned(at, log(PRIORITY_HIGH).collected);
  at = writeUnsigned(at, log(PRIORITY_HIGH).dropped);
  at = writeUnsigned(at, log(PRIORITY_LOW).collected);
  at = writeUnsigned(at, log(PRIORITY_LOW).dropped);
  at = writeMap(at, causes);
  for (let cause: u32 = 1; cause < CAUSES; cause++) {
    if (lost(cause) === 0) continue;
    at = writeUnsigned(at, cause);
    at = writeUnsigned(at, lost(cause));
  }
  commit(priority, at);
}

/** All flows with packets since the last collection. */
export function collectFlows(priority: u32, intervalMs: u32): void {
  collectFamily<FlowIpv4>(priority, intervalMs);
  if (FLOW_SLOTS_IPV6) collectFamily<FlowIpv6>(priority, intervalMs);
}

function collectFamily<F>(priority: u32, intervalMs: u32): void {
  const end = used<F>();
  let at: usize = 0;
  let before: Flow | null = null;
  for (let position: u32 = 1; position <= end; position++) {
    const flow = entry<F>(position);
    if (flow.packets_in | flow.packets_out) {
      if (at === 0) {
        at = begin(KIND_NETWORK_ACTIVITY, intervalMs, 1);
        at = writeByte(at, CBOR_ARRAY_OPEN);
      }
      at = writeFlow(at, flow, before, offsetof<F>() === offsetof<FlowIpv4>() ? 4 : 16);
      before = flow;
      if (at - event + FLOW_BYTES_MAX >= EVENT_BYTES_MAX) {
        commit(priority, writeByte(at, CBOR_BREAK));
        at = 0;
        before = null;
      }
    }
    settle<F>(flow);
  }
  if (at) commit(priority, writeByte(at, CBOR_BREAK));
}

/** Writes a flow as its difference from the one before. */
function writeFlow(at: usize, flow: Flow, before: Flow | null, addressBytes: u32): usize {
  let kind: u32 = TCP;
  let ports: u32 = 0;
  let local: u32 = addressBytes;
  let remote: u32 = addressBytes;
  const addresses = changetype<usize>(flow) + FLOW_ADDRESSES;
  if (before !== null) {
    kind = before.kind;
    ports = before.ports;
    const others = changetype<usize>(before) + FLOW_ADDRESSES;
    local = differingBytes(addresses, others, addressBytes);
    remote = differingBytes(addresses + addressBytes, others + addressBytes, addressBytes);
  }
  const changed = flow.ports ^ ports;
  let flags = <u32>flow.flags & (INITIATOR_BOTH | FLOW_ANSWERED);
  if (flow.kind !== kind) flags |= FLOW_PROTOCOL;
  if (local) flags |= FLOW_LOCAL_ADDRESS;
  if (remote) flags |= FLOW_REMOTE_ADDRESS;
  if (changed & 0xffff) flags |= FLOW_LOCAL_PORT;
  if (changed >> 16) flags |= FLOW_REMOTE_PORT;
  let to = writeUnsigned(at, flags);
  if (flags & FLOW_PROTOCOL) to = writeUnsigned(to, flow.kind);
  if (local) to = writeBytes(to, addresses + addressBytes - local, local);
  if (remote) to = writeBytes(to, addresses + 2 * addressBytes - remote, remote);
  if (flags & FLOW_LOCAL_PORT) to = writePort(to, flow.ports, ports);
  if (flags & FLOW_REMOTE_PORT) to = writePort(to, flow.ports >> 16, ports >> 16);
  to = writeUnsigned(to, flow.packets_in);
  to = writeUnsigned(to, flow.packets_out);
  to = writeUnsigned(to, flow.bytes_in);
  return writeUnsigned(to, flow.bytes_out);
}

/** Difference of two ports in network byte order, as the shortest signed one. */
function writePort(at: usize, port: u32, before: u32): usize {
  const difference = <u32>bswap<u16>(<u16>port) - <u32>bswap<u16>(<u16>before);
  return writeSigned(at, <i32>(<i16>difference));
}

/** How many of the last bytes differ, beginning with the first that does. */
function differingBytes(a: usize, b: usize, bytes: u32): u32 {
  let same: u32 = 0;
  while (same < bytes && load<u8>(a + same) === load<u8>(b + same)) same++;
  return bytes - same;
}
