/** Makes NetworkActivity of the flow tables: each flow as its difference from the one before. */
import {
  CBOR_ARRAY_OPEN,
  CBOR_BREAK,
  writeByte,
  writeBytes,
  writeSigned,
  writeUnsigned,
} from "./cbor";
import { PRIORITY_OFF } from "./config";
import { begin, commit, event } from "./event";
import { firstEntry, settle, used } from "./flows";
import { FLOW_ADDRESSES, Flow, FlowIpv4, FlowIpv6 } from "./layout";
import {
  FLOW_ANSWERED,
  FLOW_LOCAL_ADDRESS,
  FLOW_LOCAL_PORT,
  FLOW_PROTOCOL,
  FLOW_REMOTE_ADDRESS,
  FLOW_REMOTE_PORT,
  INITIATOR_BOTH,
  KIND_NETWORK_ACTIVITY,
} from "./message";
import { EVENT_BYTES_MAX, FLOW_SLOTS_IPV6 } from "./options";

/** Most bytes of one flow: flags, protocol, two addresses, two ports, four counters. */
const FLOW_BYTES_MAX: u32 = 2 + 3 + 2 * 17 + 2 * 3 + 4 * 5;
const TCP: u32 = 6;

/**
 * Reports all flows with packets since the last collection, and begins their counters again.
 *
 * @param priority PRIORITY_OFF: nothing is reported
 */
export function collectFlows(priority: u32, intervalS: u32): void {
  const ipv4 = firstEntry<FlowIpv4>();
  collectFamily(ipv4, used<FlowIpv4>(), offsetof<FlowIpv4>(), 4, priority, intervalS);
  if (FLOW_SLOTS_IPV6) {
    const ipv6 = firstEntry<FlowIpv6>();
    collectFamily(ipv6, used<FlowIpv6>(), offsetof<FlowIpv6>(), 16, priority, intervalS);
  }
}

function collectFamily(
  first: usize,
  entries: u32,
  entryBytes: u32,
  addressBytes: u32,
  priority: u32,
  intervalS: u32,
): void {
  const end = first + entries * entryBytes;
  let at: usize = 0;
  let before: Flow | null = null;
  for (let address = first; address < end; address += entryBytes) {
    const flow = changetype<Flow>(address);
    if (priority !== PRIORITY_OFF && flow.packets_in | flow.packets_out) {
      if (at === 0) {
        at = begin(KIND_NETWORK_ACTIVITY, intervalS, 1);
        at = writeByte(at, CBOR_ARRAY_OPEN);
      }
      at = writeFlow(at, flow, before, addressBytes);
      before = flow;
      if (at - event + FLOW_BYTES_MAX >= EVENT_BYTES_MAX) {
        commit(priority, writeByte(at, CBOR_BREAK));
        at = 0;
        before = null;
      }
    }
    settle(flow, first);
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
