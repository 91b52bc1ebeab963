import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import { buildCore } from "../boards/build.ts";
import { decodePicket } from "../wire/picket.ts";
import { agentOn, IN, merge, OUT, only, type TestAgent } from "./support/core.ts";
import {
  DESTINATION,
  FRAGMENT,
  HOP_BY_HOP,
  ICMP,
  ICMPV6,
  ipv4,
  ipv6,
  segment,
  TCP,
  UDP,
  udp,
} from "./support/datagrams.ts";
import { createReferenceConnections } from "./support/reference-connections.ts";
import { createReferenceFlows, type Flow } from "./support/reference-flows.ts";

const OPTIONS = { RING_HEAD_BYTES: 128, FLOW_SLOTS_IPV4: 128, FLOW_SLOTS_IPV6: 128 };
/** All packets of a run fit into one interval's events. */
const STORE = { STORE_BYTES: 65_536, EVENT_BYTES_MAX: 4096, MESSAGE_BYTES_MAX: 16_384 };
let wasm: Uint8Array;

beforeAll(async () => {
  ({ wasm } = await buildCore({ ...OPTIONS, ...STORE }));
});

interface Packet {
  readonly direction: number;
  readonly bytes: Uint8Array;
}

const HOSTS = {
  4: ["10.0.0.1", "10.0.0.2", "198.51.100.7"],
  6: ["fd00::1", "fd00::2", "2001:db8::7"],
};
const number = fc.oneof(fc.nat(6), fc.constantFrom(0xffff_fffd, 0xffff_ffff, 0x8000_0000));
const tcp = fc.record({
  isTcp: fc.constant(true as const),
  flags: fc.constantFrom(0x02, 0x02, 0x12, 0x12, 0x10, 0x10, 0x10, 0x11, 0x01, 0x04, 0x14, 0x18, 0),
  sequence: number,
  acknowledged: number,
  dataBytes: fc.constantFrom(0, 0, 1, 5),
});
const other = fc.record({
  isTcp: fc.constant(false as const),
  protocol: fc.constantFrom(UDP, ICMP, ICMPV6, 47),
  dataBytes: fc.nat(30),
});
const step = fc.record({
  version: fc.constantFrom(4 as const, 6 as const),
  direction: fc.constantFrom(OUT, IN),
  remote: fc.constantFrom(1, 2),
  localPort: fc.constantFrom(1, 80),
  layer4: fc.oneof({ weight: 3, arbitrary: tcp }, { weight: 1, arbitrary: other }),
  padding: fc.constantFrom(0, 0, 0, 1, 2),
  fragmentOffset: fc.constantFrom(0, 0, 0, 0, 3),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** One packet, and its segment if it is a whole one of TCP. */
function packetOf(given: Step): Packet & { readonly key: string | null } {
  const { version, direction, layer4, padding, fragmentOffset } = given;
  const hosts = HOSTS[version];
  const [local = "", remote = ""] = [hosts[0], hosts[given.remote]];
  const [from, to] = direction === OUT ? [local, remote] : [remote, local];
  const [fromPort, toPort] = direction === OUT ? [given.localPort, 99] : [99, given.localPort];
  const payload = layer4.isTcp
    ? segment({ ...layer4, fromPort, toPort })
    : layer4.protocol === UDP
      ? udp(fromPort, toPort, layer4.dataBytes)
      : new Uint8Array(8 + layer4.dataBytes);
  const protocol = layer4.isTcp ? TCP : layer4.protocol;
  const kinds = [HOP_BY_HOP, DESTINATION].slice(0, padding).map((kind) => ({ kind }));
  const fragment = fragmentOffset ? [{ kind: FRAGMENT, fragmentOffset }] : [];
  const bytes =
    version === 4
      ? ipv4({ from, to, protocol, payload, optionBytes: padding * 4, fragmentOffset })
      : ipv6({ from, to, protocol, payload, extensions: [...kinds, ...fragment] });
  const key = layer4.isTcp && fragmentOffset === 0 ? `${remote} ${given.localPort}` : null;
  return { direction, bytes, key };
}

const byKey = (a: Flow, b: Flow) => (nameOf(a) < nameOf(b) ? -1 : 1);
const nameOf = ({ protocol, localAddress, localPort, remoteAddress, remotePort }: Flow) =>
  [protocol, localAddress, localPort, remoteAddress, remotePort].join();

it("core: agrees with the reference model on any sequence of sound packets", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.nat(20), (steps, pollEvery) => {
      const test = agentOn(wasm);
      const flows = createReferenceFlows();
      const connections = createReferenceConnections();
      steps.forEach((given, i) => {
        const { direction, bytes, key } = packetOf(given);
        test.offer(direction, bytes);
        flows.offer(direction, bytes, 0, bytes.length, bytes.length);
        if (key !== null && given.layer4.isTcp) {
          connections.segment({ key, direction, ...given.layer4 });
        }
        if (pollEvery && i % pollEvery === 0) test.poll();
        if (test.agent.ring.free() === 0) test.poll();
      });
      const events = test.collect();
      const merged = merge(events);
      expect(merged.losses).toEqual({});
      expect(merged.flows.sort(byKey)).toEqual(flows.flows().sort(byKey));
      const fragments = (list: readonly object[]) =>
        list.map((entry) => JSON.stringify(sorted(entry)));
      expect(fragments(merged.fragments).sort()).toEqual(fragments(flows.fragments()).sort());
      const told = only(events, "ActiveConnections")[0]?.payload[0];
      const { current, min, max } = connections.counts();
      expect(told ?? { current: 0, min: 0, max: 0 }).toEqual({ current, min, max });
    }),
    { numRuns: 400 },
  );
});

const sorted = (entry: object) => Object.fromEntries(Object.entries(entry).sort());

/** Sums of what an agent reported: packets in flows and fragments, and those lost. */
function accounted(test: TestAgent): number {
  const { flows, fragments, losses } = merge(test.collect());
  const packets = [...flows, ...fragments].reduce((n, f) => n + f.packetsIn + f.packetsOut, 0);
  return Object.values(losses).reduce((n, count) => n + count, packets);
}

it("core: any bytes end as a counted packet or as a counted loss, never in a trap", () => {
  const noise = fc.uint8Array({ maxLength: 140 });
  const damaged = fc
    .record({
      step,
      edits: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
      cut: fc.nat(200),
    })
    .map(({ step: given, edits, cut }) => {
      const bytes = Uint8Array.from(packetOf(given).bytes);
      for (const [at, value] of edits) bytes[at % bytes.length] = value;
      return cut < bytes.length ? bytes.subarray(0, cut) : bytes;
    });
  const packet = fc.tuple(
    fc.nat(1),
    fc.oneof(noise, damaged),
    fc.oneof(fc.nat(300), fc.nat(70_000)),
  );
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 40 }), (packets) => {
      const test = agentOn(wasm);
      for (const [direction, bytes, original] of packets) {
        test.agent.ring.offer(direction, bytes, 0, bytes.length, original);
        if (test.agent.ring.free() === 0) test.poll();
      }
      // Groups are counted, but told only beside a loss: one for certain.
      test.agent.ring.offer(OUT, new Uint8Array(0), 0, 0, 0);
      test.poll();
      expect(accounted(test)).toBe(packets.length + 1);
    }),
    { numRuns: 600, interruptAfterTimeLimit: 20_000 },
  );
});

it("core: any calls in any order end in a code, never in a trap, and messages stay sound", () => {
  const call = fc.oneof(
    fc.record({ call: fc.constant("offer" as const), bytes: fc.uint8Array({ maxLength: 60 }) }),
    fc.record({ call: fc.constant("poll" as const), stepMs: fc.oneof(fc.nat(20_000), fc.nat()) }),
    fc.record({
      call: fc.constant("published" as const),
      id: fc.nat(6),
      isDelivered: fc.boolean(),
    }),
    fc.record({ call: fc.constant("flush" as const), priority: fc.nat(3) }),
    fc.record({ call: fc.constant("observe" as const), count: fc.nat() }),
  );
  fc.assert(
    fc.property(fc.array(call, { maxLength: 60 }), (calls) => {
      const { agent, messages } = agentOn(wasm);
      let nowMs = 0;
      for (const given of calls) {
        if (given.call === "offer") {
          agent.ring.offer(OUT, given.bytes, 0, given.bytes.length, given.bytes.length);
        } else if (given.call === "poll") {
          nowMs = (nowMs + given.stepMs) % 2 ** 32;
          agent.poll(nowMs, 0);
        } else if (given.call === "published") agent.published(given.id, given.isDelivered);
        else if (given.call === "flush") agent.flush(given.priority);
        else agent.observeCloudToDevice(given.count);
        expect(agent.nextMs()).toBeGreaterThanOrEqual(0);
      }
      for (const bytes of messages) expect(() => decodePicket(bytes)).not.toThrow();
    }),
    { numRuns: 400 },
  );
});
