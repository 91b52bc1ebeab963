/**
 * TCP connections as seen on the wire (RFC 9293 3.3.2, 3.5, 3.6): established by the initiator's
 * acknowledgement of the SYN-ACK, over at the first RST or when both FINs are acknowledged.
 */
import { Flow } from "./layout";
import {
  FLOW_ANSWERED,
  INITIATOR_BOTH,
  INITIATOR_LOCAL,
  INITIATOR_REMOTE,
  INITIATOR_UNKNOWN,
} from "./message";
import { COLLECT_CONNECTIONS } from "./options";
import { state } from "./state";

/** Lowest two bits of `Flow.connection`: its state. */
export const CONNECTION_STATE: u32 = 3;
const NONE: u32 = 0;
const SYN_SEEN: u32 = 1;
export const SYN_ACK_SEEN: u32 = 2;
export const ESTABLISHED: u32 = 3;
/** Then the direction of the initiator's packets (0 out, 1 in) and, for each, FIN and its ACK. */
export const INITIATOR_IN: u32 = 4;
const FIN_OUT: u32 = 8;
const ACKED_OUT: u32 = 32;
const ACKED_BOTH: u32 = 96;

export const TCP_FIN: u32 = 1;
export const TCP_SYN: u32 = 2;
export const TCP_RST: u32 = 4;
const TCP_ACK: u32 = 16;
/** Offset of the flags in a TCP header. */
export const TCP_FLAGS_AT: u32 = 13;
const INITIATOR_MASK: u32 = 3;

/**
 * Follows one segment.
 *
 * @param header TCP header with its flags at least
 * @param bytes of header and data
 * @param direction 0 out, 1 in
 * @returns whether a connection has just been established
 */
export function track(flow: Flow, header: usize, bytes: u32, direction: u32): bool {
  const flags = <u32>load<u8>(header, TCP_FLAGS_AT);
  if (!COLLECT_CONNECTIONS) {
    if ((flags & (TCP_SYN | TCP_RST | TCP_ACK)) === TCP_SYN) noteSyn(flow, direction);
    if ((flags & (TCP_SYN | TCP_ACK)) === (TCP_SYN | TCP_ACK) && direction === 0) {
      flow.flags |= <u8>FLOW_ANSWERED;
    }
    return false;
  }
  if (flags & TCP_RST) {
    close(flow);
    return false;
  }
  if (flags & TCP_SYN) {
    if (flags & TCP_ACK) trackSynAck(flow, header, direction);
    else trackSyn(flow, bswap<u32>(load<u32>(header, 4)), direction);
    return false;
  }
  return trackSegment(flow, header, bytes, direction, flags);
}

/** Ends the connection, if there is one. */
export function close(flow: Flow): void {
  if ((flow.connection & CONNECTION_STATE) === ESTABLISHED) {
    state.connections -= 1;
    if (state.connections < state.connections_min) state.connections_min = state.connections;
  }
  flow.connection = <u8>NONE;
}

/** Notes the sender of a SYN as the initiator, if it is the first. */
function noteSyn(flow: Flow, direction: u32): void {
  const initiator = flow.flags & INITIATOR_MASK;
  if (initiator === INITIATOR_UNKNOWN) {
    flow.flags |= <u8>(direction ? INITIATOR_REMOTE : INITIATOR_LOCAL);
  } else if (initiator === INITIATOR_REMOTE && direction === 0) {
    flow.flags |= <u8>INITIATOR_BOTH;
  }
}

function trackSyn(flow: Flow, isn: u32, direction: u32): void {
  noteSyn(flow, direction);
  const initiatorBit = direction << 2;
  const connection = <u32>flow.connection;
  if (connection & CONNECTION_STATE) {
    if ((connection & INITIATOR_IN) === initiatorBit && flow.isn === isn) return; // Sent again.
  }
  close(flow);
  flow.connection = <u8>(SYN_SEEN | initiatorBit);
  flow.isn = isn;
}

function trackSynAck(flow: Flow, header: usize, direction: u32): void {
  if (direction === 0) flow.flags |= <u8>FLOW_ANSWERED;
  const connection = <u32>flow.connection;
  const phase = connection & CONNECTION_STATE;
  if (phase !== SYN_SEEN && phase !== SYN_ACK_SEEN) return;
  const initiatorDirection = (connection & INITIATOR_IN) >> 2;
  if (initiatorDirection === direction) return;
  // More than one when the SYN carried data (RFC 7413).
  if (bswap<u32>(load<u32>(header, 8)) - flow.isn - 1 > 0xffff) return;
  flow.connection = <u8>(SYN_ACK_SEEN | (connection & INITIATOR_IN));
  setAwaited(flow, initiatorDirection, bswap<u32>(load<u32>(header, 4)) + 1);
}

function trackSegment(flow: Flow, header: usize, bytes: u32, direction: u32, flags: u32): bool {
  const acknowledged = bswap<u32>(load<u32>(header, 8));
  let connection = <u32>flow.connection;
  let isNew = false;
  if ((connection & CONNECTION_STATE) === SYN_ACK_SEEN) {
    if ((connection & INITIATOR_IN) >> 2 !== direction || (flags & TCP_ACK) === 0) return false;
    if (<i32>(acknowledged - awaited(flow, direction)) < 0) return false;
    connection |= ESTABLISHED;
    isNew = true;
    state.connections += 1;
    if (state.connections > state.connections_max) state.connections_max = state.connections;
  }
  if ((connection & CONNECTION_STATE) !== ESTABLISHED) return false;
  const other = 1 - direction;
  if (flags & TCP_FIN) {
    const data = bytes - ((<u32>load<u8>(header, 12) >> 4) << 2);
    setAwaited(flow, other, bswap<u32>(load<u32>(header, 4)) + data + 1);
    connection |= FIN_OUT << direction;
  }
  if (flags & TCP_ACK && connection & (FIN_OUT << other)) {
    if (<i32>(acknowledged - awaited(flow, direction)) >= 0) connection |= ACKED_OUT << other;
  }
  flow.connection = <u8>connection;
  if ((connection & ACKED_BOTH) === ACKED_BOTH) close(flow);
  return isNew;
}

/** The acknowledgement that a sender of `direction` still owes. */
function awaited(flow: Flow, direction: u32): u32 {
  return load<u32>(changetype<usize>(flow) + (direction << 2), offsetof<Flow>("awaited_by_out"));
}

function setAwaited(flow: Flow, direction: u32, sequence: u32): void {
  const place = changetype<usize>(flow) + (direction << 2);
  store<u32>(place, sequence, offsetof<Flow>("awaited_by_out"));
}
