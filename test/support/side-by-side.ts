/** The behaviour of the agent that Picket replaces, and Picket's on the same stimulus, measured. */
import { buildCore } from "../../boards/build.ts";
import { createAgent } from "../../host/agent.ts";
import { createMerger, type Merged } from "../../sim/merge.ts";
import { decodePicket } from "../../wire/picket.ts";

/** The replaced agent's intervals, so that the stimulus is the same. */
const HIGH_S = 10;
const LOW_S = 60;
const WALL_S = 1_700_000_000;

export interface Rig {
  /** Whether the hub acknowledges. */
  isOnline: boolean;
  wallOffsetS: number;
  readonly merged: () => Merged;
  readonly messages: readonly { readonly atS: number; readonly bytes: number }[];
  readonly attempts: () => number;
  offer(direction: number, packet: Uint8Array): void;
  /** Runs on, polling once a second as the replaced agent's thread did. */
  run(seconds: number): void;
}

export async function createRig(options: Parameters<typeof buildCore>[0] = {}): Promise<Rig> {
  const { wasm } = await buildCore(options);
  const merger = createMerger();
  const messages: { atS: number; bytes: number }[] = [];
  const waiting: { id: number; bytes: Uint8Array }[] = [];
  let nowS = 0;
  let attempts = 0;
  const wallS = () => WALL_S + nowS + rig.wallOffsetS;
  const agent = createAgent({
    wasm,
    agentId: new Uint8Array(8),
    seed: 0,
    highIntervalS: HIGH_S,
    lowIntervalS: LOW_S,
    nowMs: 0,
    wallS: WALL_S,
    publish: (id, bytes) => waiting.push({ id, bytes }),
  });

  function poll(): void {
    do {
      agent.poll(nowS * 1000, wallS());
      for (const { id, bytes } of waiting.splice(0)) {
        attempts += 1;
        if (rig.isOnline) {
          messages.push({ atS: nowS, bytes: bytes.length });
          for (const event of decodePicket(bytes).events) merger.add(event);
        }
        agent.published(id, rig.isOnline);
      }
    } while (agent.nextMs() === 0);
  }

  const rig: Rig = {
    isOnline: true,
    wallOffsetS: 0,
    merged: () => merger.result(),
    messages,
    attempts: () => attempts,
    offer(direction, packet) {
      if (agent.ring.free() === 0) poll();
      agent.ring.offer(direction, packet, 0, packet.length, packet.length);
    },
    run(seconds) {
      for (const end = nowS + seconds; nowS < end; ) {
        nowS += 1;
        poll();
      }
    },
  };
  return rig;
}

/** A UDP packet between 10.0.0.1 and 10.0.x.y, of `bytes` bytes of layer 4. */
export function datagram(peer: number, bytes: number): Uint8Array {
  const packet = new Uint8Array(20 + bytes);
  const view = new DataView(packet.buffer);
  packet.set([0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0]);
  view.setUint16(2, packet.length);
  view.setUint16(18, peer);
  view.setUint16(20, 40_000);
  view.setUint16(22, 53);
  view.setUint16(24, bytes);
  return packet;
}
