/** ConnectionCreate of the core's own making: a record like the board's, of a flow. */
import { isCollecting } from "./collect";
import { addressBytesOf } from "./flows";
import { FLOW_ADDRESSES, Flow } from "./layout";
import { INITIATOR_LOCAL, KIND_CONNECTION_CREATE } from "./message";
import { takeRecord } from "./observe";
import {
  CONNECTION_CREATE_BYTES,
  CONNECTION_CREATE_DIRECTION,
  CONNECTION_CREATE_LOCAL_ADDRESS,
  CONNECTION_CREATE_LOCAL_PORT,
  CONNECTION_CREATE_PROTOCOL,
  CONNECTION_CREATE_REMOTE_ADDRESS,
  CONNECTION_CREATE_REMOTE_PORT,
} from "./records";

const record: usize = memory.data(CONNECTION_CREATE_BYTES, 4);
const INITIATOR_MASK: u32 = 3;

/** A connection was established, or the first packet of a flow without connections was seen. */
export function connectionCreated(flow: Flow): void {
  if (!isCollecting()) return;
  const addressBytes = addressBytesOf(flow);
  memory.fill(record, 0, CONNECTION_CREATE_BYTES);
  store<u16>(record, KIND_CONNECTION_CREATE);
  store<u16>(record, bswap<u16>(<u16>flow.ports), CONNECTION_CREATE_LOCAL_PORT);
  store<u16>(record, bswap<u16>(<u16>(flow.ports >> 16)), CONNECTION_CREATE_REMOTE_PORT);
  store<u8>(record, flow.kind, CONNECTION_CREATE_PROTOCOL);
  const isIn = (flow.flags & INITIATOR_MASK) !== INITIATOR_LOCAL;
  store<u8>(record, <u8>isIn, CONNECTION_CREATE_DIRECTION);
  const addresses = changetype<usize>(flow) + FLOW_ADDRESSES;
  const local = record + CONNECTION_CREATE_LOCAL_ADDRESS;
  const remote = record + CONNECTION_CREATE_REMOTE_ADDRESS;
  store<u8>(local, addressBytes);
  store<u8>(remote, addressBytes);
  memory.copy(local + 1, addresses, addressBytes);
  memory.copy(remote + 1, addresses + addressBytes, addressBytes);
  takeRecord(record, CONNECTION_CREATE_BYTES);
}
