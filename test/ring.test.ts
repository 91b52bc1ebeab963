import { beforeAll, expect, it } from "vitest";
import * as abi from "../assembly/abi.ts";
import { buildCore } from "../boards/build.ts";
import type { CoreInstance, Engine } from "../host/engines/engine.ts";
import { v8 } from "../host/engines/v8.ts";
import { parseDeviceAddresses } from "../host/netx/address.ts";
import { createNetx } from "../host/netx/netx.ts";
import { readCapture } from "../sim/capture.ts";
import { loadCapture } from "./support/captures.ts";
import { agentOn, IN, merge, OUT, type TestAgent } from "./support/core.ts";
import { ipv4, UDP, udp } from "./support/datagrams.ts";

const SLOTS = 8;
const PACKET = ipv4({ from: "10.0.0.1", to: "10.0.0.2", protocol: UDP, payload: udp(1, 2, 4) });
let wasm: Uint8Array;

beforeAll(async () => {
  ({ wasm } = await buildCore({ RING_SLOTS: SLOTS }));
});

/** An agent, its core, and how often the core's exports were called. */
function startSpied(module = wasm) {
  const calls = { count: 0 };
  let core: CoreInstance | undefined;
  const engine: Engine = (bytes, imports) => {
    core = v8(bytes, imports);
    const exports = new Proxy(core.exports, {
      get(target, name, receiver) {
        const value = Reflect.get(target, name, receiver);
        if (typeof value !== "function") return value;
        return (...given: number[]) => {
          calls.count += 1;
          return value(...given);
        };
      },
    });
    return { exports, memory: core.memory };
  };
  const test: TestAgent = agentOn(module, { engine });
  const running = core as CoreInstance | undefined;
  if (running === undefined) throw new Error("the engine was not used");
  const address = running.exports.ring_address();
  return { ...test, calls, ring: new DataView(running.memory, address), address };
}

it("ring: takes as many packets as it has slots, and counts each one more as dropped", () => {
  for (const extra of [0, 1, 5]) {
    const test = startSpied();
    expect(test.agent.ring.free()).toBe(SLOTS);
    for (let i = 0; i < SLOTS; i++) test.offer(OUT, PACKET);
    expect(test.agent.ring.free()).toBe(0);
    expect(test.ring.getUint32(abi.RING_DROPPED, true)).toBe(0);
    for (let i = 0; i < extra; i++) test.offer(OUT, PACKET);
    const { flows, losses } = merge(test.collect());
    expect(flows[0]?.packetsOut).toBe(SLOTS);
    expect(losses.ringFull ?? 0).toBe(extra);
    expect(test.agent.ring.free()).toBe(SLOTS);
  }
});

it("ring: goes on across the end of its counters", () => {
  const test = startSpied();
  const near = 2 ** 32 - 3;
  test.ring.setUint32(abi.RING_RESERVED, near, true);
  test.ring.setUint32(abi.RING_DRAINED, near, true);
  for (let i = 0; i < SLOTS + 1; i++) test.offer(OUT, PACKET);
  const { flows, losses } = merge(test.collect());
  expect(flows[0]?.packetsOut).toBe(SLOTS);
  expect(losses.ringFull).toBe(1);
  expect(test.ring.getUint32(abi.RING_RESERVED, true)).toBe((near + SLOTS) % 2 ** 32);
  expect(test.ring.getUint32(abi.RING_DRAINED, true)).toBe((near + SLOTS) % 2 ** 32);
});

it("ring: a slot that is reserved and not yet written holds back those behind it", () => {
  const test = startSpied();
  const second = new Uint8Array(test.ring.buffer, test.address + abi.RING_SLOTS);
  const slotBytes = abi.SLOT_HEAD + test.ring.getUint16(abi.RING_HEAD_BYTES_MAX, true);
  test.offer(OUT, PACKET);
  test.offer(OUT, PACKET);
  test.offer(OUT, PACKET);
  const word = second[slotBytes] as number;
  second[slotBytes] = word & ~abi.SLOT_READY; // The second producer is still writing.
  test.agent.poll(1, 0);
  expect(test.agent.ring.free()).toBe(SLOTS - 2);
  second[slotBytes] = word;
  test.agent.poll(2, 0);
  expect(test.agent.ring.free()).toBe(SLOTS);
  expect(merge(test.collect()).flows[0]?.packetsOut).toBe(3);
});

it("ring: no call into the core on the packet path", () => {
  const { bytes, truth } = loadCapture("d6_odd");
  const addresses = parseDeviceAddresses(truth.device);
  const test = startSpied();
  const before = test.calls.count;
  const netx = createNetx({ addresses, ring: test.agent.ring });
  for (const packet of readCapture(bytes, "d6_odd").packets()) {
    const { linkType, offset, length, originalBytes } = packet;
    netx.frame(linkType, packet.bytes, offset, length, originalBytes);
  }
  expect(netx.packets.seen).toBe(truth.packets.seen);
  expect(test.calls.count).toBe(before);
  test.poll();
  expect(test.calls.count).toBeGreaterThan(before);
});

it("ring: lengths and directions that a producer writes wrongly do not leave the slot", () => {
  const test = startSpied();
  test.offer(IN, PACKET);
  // The length of the head beyond the slot: all bits set.
  const at = abi.RING_SLOTS;
  test.ring.setUint32(at, test.ring.getUint32(at, true) | (abi.SLOT_HEAD_MASK << 2), true);
  const { flows } = merge(test.collect());
  expect(flows[0]?.packetsIn).toBe(1);
});

it("ring: a packet longer than 65,535 bytes counts as that", () => {
  const test = startSpied();
  test.agent.ring.offer(OUT, PACKET, 0, PACKET.length, 1_000_000);
  expect(merge(test.collect()).flows[0]?.bytesOut).toBe(PACKET.length - 20);
});
