/** Reads the flows of a NetworkActivity event: each is a difference from the one before it. */
import { ipv4Text, ipv6Text } from "./address.ts";
import { type CborReader, INDEFINITE } from "./cbor.ts";
import { type NetworkActivity, PROTOCOL_TCP } from "./events.ts";
import * as keys from "./picket-keys.ts";

const FRAGMENTS = 256;
const INITIATOR_MASK = 3;
const PORT_MASK = 0xffff;

/** An address that changes by its last bytes, and its text, made when it is needed. */
interface Address {
  bytes: Uint8Array;
  text: string;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export function readFlows(reader: CborReader): readonly NetworkActivity[] {
  if (reader.array() !== INDEFINITE) reader.fail("an open array expected");
  const flows: NetworkActivity[] = [];
  const local: Address = { bytes: new Uint8Array(0), text: "" };
  const remote: Address = { bytes: new Uint8Array(0), text: "" };
  let kind = PROTOCOL_TCP;
  let localPort = 0;
  let remotePort = 0;
  while (!reader.tryBreak()) {
    const flags = reader.unsigned();
    if (flags & keys.FLOW_PROTOCOL) {
      kind = reader.unsigned();
      if (kind >= 2 * FRAGMENTS) reader.fail(`protocol ${kind} is not known`);
    }
    if (flags & keys.FLOW_LOCAL_ADDRESS) change(reader, local);
    if (flags & keys.FLOW_REMOTE_ADDRESS) change(reader, remote);
    if (local.text === "" || remote.bytes.length !== local.bytes.length) {
      reader.fail("the first flow needs two addresses of one family");
    }
    if (flags & keys.FLOW_LOCAL_PORT) localPort = (localPort + reader.signed()) & PORT_MASK;
    if (flags & keys.FLOW_REMOTE_PORT) remotePort = (remotePort + reader.signed()) & PORT_MASK;
    const initiator = flags & INITIATOR_MASK;
    const flow: Writable<NetworkActivity> = {
      protocol: kind & (FRAGMENTS - 1),
      localAddress: local.text,
      localPort,
      remoteAddress: remote.text,
      remotePort,
      packetsIn: reader.unsigned(),
      packetsOut: reader.unsigned(),
      bytesIn: reader.unsigned(),
      bytesOut: reader.unsigned(),
      initiator:
        initiator === keys.INITIATOR_UNKNOWN
          ? null
          : initiator === keys.INITIATOR_LOCAL
            ? "local"
            : "remote",
      outbound: initiator === keys.INITIATOR_LOCAL || initiator === keys.INITIATOR_BOTH,
    };
    if (flags & keys.FLOW_ANSWERED) flow.answered = true;
    if (kind >= FRAGMENTS) flow.fragments = true;
    flows.push(flow);
  }
  return flows;
}

/** Replaces the last bytes of an address; the first time all of them. */
function change(reader: CborReader, address: Address): void {
  const tail = reader.bytes();
  const length = address.bytes.length;
  if (length === 0) {
    if (tail.length !== 4 && tail.length !== 16) reader.fail(`address of ${tail.length} bytes`);
    // Not `slice`: that of a Buffer is a view, and the message would be changed by reading it.
    address.bytes = new Uint8Array(tail);
  } else {
    if (tail.length > length) reader.fail(`${tail.length} bytes for an address of ${length}`);
    address.bytes.set(tail, length - tail.length);
  }
  address.text = address.bytes.length === 4 ? ipv4Text(address.bytes) : ipv6Text(address.bytes);
}
