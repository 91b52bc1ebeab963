/** Puts together what an agent reported over several collection intervals. */
import type { NetworkActivity, SecurityEvent } from "../wire/events.ts";
import { PROTOCOL_TCP } from "../wire/events.ts";
import { protocolName } from "../wire/protocol.ts";

export interface MergedFlow {
  /** Lower case name, or the decimal number of a protocol without one. */
  readonly protocol: string;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  packetsIn: number;
  packetsOut: number;
  bytesIn: number;
  bytesOut: number;
  /** By the first SYN seen; null for other protocols and when none was seen. */
  initiator: "local" | "remote" | null;
}

/** Non-first fragments between two hosts; bytes are of layer 4. */
export interface MergedFragments {
  readonly protocol: string;
  readonly localAddress: string;
  readonly remoteAddress: string;
  packetsIn: number;
  bytesIn: number;
  packetsOut: number;
  bytesOut: number;
}

export interface Merged {
  readonly flows: MergedFlow[];
  readonly fragments: MergedFragments[];
  readonly activeConnections: { max: number; atEnd: number };
  cloudToDeviceMessages: number;
  readonly outboundAddresses: string[];
  readonly listeningPorts: { address: string; port: number }[];
  /** The latest loss counters, by cause. */
  losses: Readonly<Record<string, number>>;
  events: number;
}

/** Collects events; `result` is what they say together so far. */
export interface Merger {
  add(event: SecurityEvent): void;
  result(): Merged;
}

export function createMerger(): Merger {
  const flows = new Map<string, MergedFlow>();
  const fragments = new Map<string, MergedFragments>();
  const outbound = new Set<string>();
  const listening = new Map<string, { address: string; port: number }>();
  const activeConnections = { max: 0, atEnd: 0 };
  let cloudToDeviceMessages = 0;
  let losses: Readonly<Record<string, number>> = {};
  let events = 0;

  function addFlow(flow: NetworkActivity): void {
    const { localAddress, localPort, remoteAddress, remotePort } = flow;
    const protocol = protocolName(flow.protocol).toLowerCase();
    const key = `${protocol} ${localAddress} ${localPort} ${remoteAddress} ${remotePort}`;
    const counters = { packetsIn: 0, bytesIn: 0, packetsOut: 0, bytesOut: 0 };
    if (flow.fragments) {
      const merged = fragments.get(key) ?? { protocol, localAddress, remoteAddress, ...counters };
      fragments.set(key, merged);
      addCounters(merged, flow);
      return;
    }
    const merged = flows.get(key) ?? {
      protocol,
      localAddress,
      localPort,
      remoteAddress,
      remotePort,
      ...counters,
      initiator: null,
    };
    flows.set(key, merged);
    addCounters(merged, flow);
    if (flow.protocol === PROTOCOL_TCP) merged.initiator ??= flow.initiator;
    if (flow.outbound) outbound.add(remoteAddress);
    if (flow.answered) {
      listening.set(`${localAddress} ${localPort}`, { address: localAddress, port: localPort });
    }
  }

  return {
    add(event) {
      events += 1;
      if (event.name === "NetworkActivity") event.payload.forEach(addFlow);
      for (const item of event.name === "ActiveConnections" ? event.payload : []) {
        activeConnections.max = Math.max(activeConnections.max, item.max);
        activeConnections.atEnd = item.current;
      }
      for (const item of event.name === "CloudToDeviceMessages" ? event.payload : []) {
        cloudToDeviceMessages += item.count;
      }
      for (const item of event.name === "DroppedEventsStatistics" ? event.payload : []) {
        losses = item.causes ?? losses;
      }
    },
    result: () => ({
      flows: [...flows.values()],
      fragments: [...fragments.values()],
      activeConnections: { ...activeConnections },
      cloudToDeviceMessages,
      outboundAddresses: [...outbound].sort(),
      listeningPorts: [...listening.values()],
      losses,
      events,
    }),
  };
}

type Counters = Pick<MergedFlow, "packetsIn" | "packetsOut" | "bytesIn" | "bytesOut">;

function addCounters(to: Counters, from: Counters): void {
  to.packetsIn += from.packetsIn;
  to.packetsOut += from.packetsOut;
  to.bytesIn += from.bytesIn;
  to.bytesOut += from.bytesOut;
}
