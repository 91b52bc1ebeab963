/** Runs a capture through host and core on the capture's own clock. */
import { type Agent, createAgent } from "../host/agent.ts";
import type { Engine } from "../host/engines/engine.ts";
import type { DeviceAddress } from "../host/netx/address.ts";
import { createMqttTap } from "../host/netx/mqtt-tap.ts";
import { createNetx, type PacketCounts } from "../host/netx/netx.ts";
import { decodePicket } from "../wire/picket.ts";
import { PRIORITY_HIGH } from "../wire/picket-keys.ts";
import type { Capture } from "./capture.ts";
import { createMerger, type Merged } from "./merge.ts";

/** Build options of a core that takes captures with 1,024 flows of each family at once. */
export const REPLAY_OPTIONS = {
  FLOW_SLOTS_IPV4: 1024,
  FLOW_SLOTS_IPV6: 1024,
  RING_SLOTS: 256,
  RING_HEAD_BYTES: 1024,
  STORE_BYTES: 1_048_576,
  EVENT_BYTES_MAX: 16_384,
  MESSAGE_BYTES_MAX: 262_144,
} as const;

export interface ReplayOptions {
  readonly capture: Capture;
  readonly addresses: readonly DeviceAddress[];
  readonly wasm: Uint8Array;
  /** What errors call the module. */
  readonly wasmName?: string | undefined;
  readonly engine?: Engine;
  /** Collection interval, ms. */
  readonly intervalMs: number;
  /** Takes each message as the hub would get it. */
  readonly onMessage?: (message: { timeMs: number; bytes: Uint8Array }) => void;
}

/** Losses of packets and events by cause, all counted. */
export interface ReplayLosses {
  readonly ringFull: number;
  readonly headTooShort: number;
  readonly flowTableFullIpv4: number;
  readonly flowTableFullIpv6: number;
  readonly connectionsForgotten: number;
  readonly storeFull: number;
}

export interface ReplayResult extends Omit<Merged, "cloudToDeviceMessages" | "losses" | "events"> {
  /** Null when the capture leaves out bytes in which messages may be. */
  readonly cloudToDeviceMessages: number | null;
  readonly packets: PacketCounts;
  readonly dropped: ReplayLosses;
}

const AGENT_ID = Uint8Array.of(0x70, 0x69, 0x63, 0x6b, 0x65, 0x74, 0, 1);
/** Packets further apart than this: the polls between are left out, the core makes up for them. */
const QUIET_POLLS_MAX = 1000;
/** The core's clock takes steps of less than 2^31 ms. */
const STEP_MS_MAX = 2 ** 30;
/** 136 years: a time stamp beyond is damage; it counts as this. */
const SPAN_MS_MAX = 2 ** 42;

/** @throws CaptureError for a damaged capture, Error for a module that is no core */
export function replay(options: ReplayOptions): ReplayResult {
  const { capture, addresses, intervalMs } = options;
  const merger = createMerger();
  let startS: number | undefined;
  let nowMs = 0;
  const wallS = () => (startS ?? 0) + Math.floor(nowMs / 1000);
  const agent: Agent = createAgent({
    wasm: options.wasm,
    wasmName: options.wasmName,
    engine: options.engine,
    agentId: AGENT_ID,
    epoch: 0,
    highIntervalMs: intervalMs,
    lowIntervalMs: intervalMs,
    nowMs,
    wallS: 0,
    publish(id, bytes) {
      for (const event of decodePicket(bytes).events) merger.add(event);
      options.onMessage?.({ timeMs: wallS() * 1000, bytes });
      agent.published(id, true);
    },
  });
  const tap = createMqttTap({ onMessage: () => agent.observeCloudToDevice(1) });
  const netx = createNetx({ addresses, ring: agent.ring, application: tap });

  function poll(): void {
    do agent.poll(nowMs, wallS());
    while (agent.nextMs() === 0);
  }

  /** Polls whenever something is due on the way to a later time. */
  function advanceTo(timeMs: number): void {
    for (let polls = 0; polls < QUIET_POLLS_MAX && nowMs + agent.nextMs() <= timeMs; polls++) {
      nowMs += agent.nextMs();
      poll();
    }
    while (timeMs - nowMs > STEP_MS_MAX) {
      nowMs += STEP_MS_MAX;
      poll();
    }
    if (timeMs > nowMs) nowMs = timeMs;
  }

  for (const packet of capture.packets()) {
    startS ??= packet.seconds;
    advanceTo(Math.min(packet.sinceFirstMs, SPAN_MS_MAX));
    if (agent.ring.free() === 0) poll();
    netx.frame(packet.linkType, packet.bytes, packet.offset, packet.length, packet.originalBytes);
  }
  poll();
  agent.flush(PRIORITY_HIGH);
  poll();
  return summarise(merger.result(), netx.packets, tap.result());
}

function summarise(merged: Merged, packets: PacketCounts, messages: number | null): ReplayResult {
  const { flows, fragments, activeConnections, outboundAddresses, listeningPorts, losses } = merged;
  const lost = (cause: string) => losses[cause] ?? 0;
  return {
    flows,
    fragments,
    activeConnections,
    cloudToDeviceMessages: messages === null ? null : merged.cloudToDeviceMessages,
    outboundAddresses,
    listeningPorts,
    packets: {
      ...packets,
      malformed: packets.malformed + lost("malformed"),
      broadcastOrMulticast: packets.broadcastOrMulticast + lost("notUnicast"),
    },
    dropped: {
      ringFull: lost("ringFull"),
      headTooShort: lost("headTooShort"),
      flowTableFullIpv4: lost("flowTableFullIpv4"),
      flowTableFullIpv6: lost("flowTableFullIpv6"),
      connectionsForgotten: lost("connectionsForgotten"),
      storeFull: lost("storeFull"),
    },
  };
}
