/**
 * Flows of a capture, worked out apart from the agent and in the plainest way: what the ground
 * truth beside each capture defines (test/fixtures/captures/README.md).
 */
import { formatAddress } from "../../host/netx/address.ts";
import type { PacketPort } from "../../host/netx/netx.ts";

export interface Flow {
  protocol: string;
  localAddress: string;
  localPort: number;
  remoteAddress: string;
  remotePort: number;
  packetsIn: number;
  packetsOut: number;
  bytesIn: number;
  bytesOut: number;
  initiator: "local" | "remote" | null;
}

export type Fragments = Omit<Flow, "localPort" | "remotePort" | "initiator">;

const NAMES: Readonly<Record<number, string>> = { 1: "icmp", 2: "igmp", 6: "tcp", 17: "udp" };

export interface ReferenceFlows extends PacketPort {
  flows(): Flow[];
  fragments(): Fragments[];
}

export function createReferenceFlows(): ReferenceFlows {
  const flows = new Map<string, Flow>();
  const fragments = new Map<string, Fragments>();
  return {
    flows: () => [...flows.values()],
    fragments: () => [...fragments.values()],
    offer(direction, bytes, offset, length) {
      const view = new DataView(bytes.buffer, bytes.byteOffset + offset, length);
      const packet = view.getUint8(0) >> 4 === 4 ? readIpv4(view) : readIpv6(view);
      const text = (at: number) =>
        formatAddress(bytes.slice(offset + at, offset + at + packet.size));
      const [source, destination] = [text(packet.source), text(packet.source + packet.size)];
      const hasPorts = packet.later === false && (packet.protocol === 6 || packet.protocol === 17);
      const sourcePort = hasPorts ? view.getUint16(packet.payload) : 0;
      const destinationPort = hasPorts ? view.getUint16(packet.payload + 2) : 0;
      const out = direction === 0;
      const flow: Flow = {
        protocol: protocolName(packet.protocol),
        localAddress: out ? source : destination,
        localPort: out ? sourcePort : destinationPort,
        remoteAddress: out ? destination : source,
        remotePort: out ? destinationPort : sourcePort,
        packetsIn: out ? 0 : 1,
        packetsOut: out ? 1 : 0,
        bytesIn: out ? 0 : packet.bytes,
        bytesOut: out ? packet.bytes : 0,
        initiator: null,
      };
      if (packet.later) {
        const { localPort: _, remotePort: __, initiator: ___, ...rest } = flow;
        add(fragments, rest);
        return;
      }
      const known = add(flows, flow);
      const flags =
        packet.protocol === 6 && packet.bytes > 13 ? view.getUint8(packet.payload + 13) : 0;
      if ((flags & 0x12) === 0x02) known.initiator ??= out ? "local" : "remote";
    },
  };
}

/** Adds to the entry of the same addresses and ports. */
function add<T extends Fragments>(table: Map<string, T>, entry: T): T {
  const { packetsIn, packetsOut, bytesIn, bytesOut, ...rest } = entry;
  const key = JSON.stringify({ ...rest, initiator: null });
  const known = table.get(key);
  if (known === undefined) {
    table.set(key, entry);
    return entry;
  }
  known.packetsIn += packetsIn;
  known.packetsOut += packetsOut;
  known.bytesIn += bytesIn;
  known.bytesOut += bytesOut;
  return known;
}

interface Packet {
  readonly protocol: number;
  /** Bytes of an address, and where the source's starts; the destination's follows. */
  readonly size: number;
  readonly source: number;
  readonly payload: number;
  /** Bytes of layer 4. */
  readonly bytes: number;
  /** A fragment that is not the first. */
  readonly later: boolean;
}

function readIpv4(view: DataView): Packet {
  const payload = (view.getUint8(0) & 15) * 4;
  return {
    protocol: view.getUint8(9),
    size: 4,
    source: 12,
    payload,
    bytes: view.getUint16(2) - payload,
    later: (view.getUint16(6) & 0x1fff) !== 0,
  };
}

function readIpv6(view: DataView): Packet {
  let protocol = view.getUint8(6);
  let payload = 40;
  let later = false;
  while (!later && [0, 43, 44, 60].includes(protocol)) {
    const fragment = protocol === 44;
    protocol = view.getUint8(payload);
    if (fragment) later = view.getUint16(payload + 2) >= 8;
    payload += fragment ? 8 : (view.getUint8(payload + 1) + 1) * 8;
  }
  const bytes = view.getUint16(4) + 40 - payload;
  return { protocol, size: 16, source: 8, payload, bytes, later };
}

function protocolName(protocol: number): string {
  return protocol === 58 ? "icmpv6" : (NAMES[protocol] ?? String(protocol));
}
