/** Runs a capture through host and core on the capture's own clock. */
import type { Engine } from "../host/engines/engine.ts";
import type { DeviceAddress } from "../host/netx/address.ts";
import type { PacketCounts } from "../host/netx/netx.ts";
import { decodePicket } from "../wire/picket.ts";
import { createBoard } from "./board.ts";
import type { Capture } from "./capture.ts";
import { createMerger, type Merged } from "./merge.ts";

export { REPLAY_OPTIONS } from "./replay-options.ts";

export interface ReplayOptions {
  readonly capture: Capture;
  readonly addresses: readonly DeviceAddress[];
  readonly wasm: Uint8Array;
  /** What errors call the module. */
  readonly wasmName?: string | undefined;
  readonly engine?: Engine;
  /** Collection interval, ms; whole seconds. */
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

/** @throws CaptureError for a damaged capture, Error for a module that is no core */
export function replay(options: ReplayOptions): ReplayResult {
  const { capture, addresses, intervalMs, onMessage } = options;
  const merger = createMerger();
  const first = capture.packets().next();
  const board = createBoard({
    addresses,
    wasm: options.wasm,
    wasmName: options.wasmName,
    engine: options.engine,
    agentId: AGENT_ID,
    seed: 0,
    highIntervalS: intervalMs / 1000,
    lowIntervalS: intervalMs / 1000,
    startWallS: first.done ? 0 : first.value.seconds,
    publish(id, bytes) {
      for (const event of decodePicket(bytes).events) merger.add(event);
      onMessage?.({ timeMs: board.wallS() * 1000, bytes });
      board.published(id, true);
    },
  });
  for (const packet of capture.packets()) {
    board.advanceTo(packet.sinceFirstMs);
    board.frame(packet);
  }
  board.flush();
  return summarise(merger.result(), board.netx.packets, board.tap.result());
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
