import { expect, it } from "vitest";
import { buildCore } from "../boards/build.ts";
import { parseDeviceAddresses } from "../host/netx/address.ts";
import { readCapture } from "../sim/capture.ts";
import { REPLAY_OPTIONS, replay } from "../sim/replay.ts";
import { loadCapture } from "./support/captures.ts";
import { IN, merge, OUT, startAgent } from "./support/core.ts";
import { ipv4, ipv6, segment, TCP, UDP, udp } from "./support/datagrams.ts";
import { ACK, SYN } from "./support/packets.ts";

const SLOTS = 4;
const OPTIONS = { FLOW_SLOTS_IPV4: SLOTS, FLOW_SLOTS_IPV6: SLOTS };
const LOCAL = "10.0.0.1";
const LOCAL6 = "fd00::1";

const FAMILIES = {
  ipv4: {
    cause: "flowTableFullIpv4",
    packet: (port: number) =>
      ipv4({ from: LOCAL, to: "10.0.0.2", protocol: UDP, payload: udp(port, 53, 4) }),
  },
  ipv6: {
    cause: "flowTableFullIpv6",
    packet: (port: number) =>
      ipv6({ from: LOCAL6, to: "fd00::2", protocol: UDP, payload: udp(port, 53, 4) }),
  },
} as const;

it.each(Object.entries(FAMILIES))(
  "flows: %s, one flow more than the table holds is counted, those in it go on exactly",
  async (_, { cause, packet }) => {
    const test = await startAgent(OPTIONS);
    for (let port = 1; port <= SLOTS; port++) test.offer(OUT, packet(port));
    test.poll();
    expect(test.agent.ring.free()).toBeGreaterThan(SLOTS + 4);
    for (let i = 0; i < 3; i++) test.offer(OUT, packet(SLOTS + 1));
    for (let port = 1; port <= SLOTS; port++) test.offer(OUT, packet(port));
    const { flows, losses } = merge(test.collect());
    expect(
      flows.map(({ localPort, packetsOut, bytesOut }) => [localPort, packetsOut, bytesOut]),
    ).toEqual(Array.from({ length: SLOTS }, (_, i) => [i + 1, 2, 24]));
    expect(losses).toEqual({ [cause]: 3 });
  },
);

it.each(Object.entries(FAMILIES))(
  "flows: %s, as many flows as the table holds lose nothing",
  async (_, { packet }) => {
    const test = await startAgent(OPTIONS);
    for (let port = 1; port <= SLOTS; port++) test.offer(OUT, packet(port));
    const { flows, losses } = merge(test.collect());
    expect(flows).toHaveLength(SLOTS);
    expect(losses).toEqual({});
  },
);

it("flows: one without packets since the collection gives its place to a new one", async () => {
  const test = await startAgent(OPTIONS);
  const { packet } = FAMILIES.ipv4;
  for (let port = 1; port <= SLOTS; port++) test.offer(OUT, packet(port));
  test.collect();
  test.offer(OUT, packet(2)); // Keeps its place.
  for (const port of [11, 12, 13, 14]) test.offer(OUT, packet(port));
  const { flows, losses } = merge(test.collect());
  expect(flows.map(({ localPort }) => localPort).sort((a, b) => a - b)).toEqual([2, 11, 12, 13]);
  expect(losses).toEqual({ flowTableFullIpv4: 1 });
});

it("flows: an established connection keeps its place while it is idle", async () => {
  const test = await startAgent(OPTIONS);
  const tcp = (direction: number, port: number, flags: number, seq: number, ack: number) =>
    test.offer(
      direction,
      direction === OUT
        ? ipv4({
            from: LOCAL,
            to: "10.0.0.2",
            protocol: TCP,
            payload: segment({
              fromPort: port,
              toPort: 80,
              flags,
              sequence: seq,
              acknowledged: ack,
            }),
          })
        : ipv4({
            from: "10.0.0.2",
            to: LOCAL,
            protocol: TCP,
            payload: segment({
              fromPort: 80,
              toPort: port,
              flags,
              sequence: seq,
              acknowledged: ack,
            }),
          }),
    );
  for (let port = 1; port <= SLOTS; port++) {
    tcp(OUT, port, SYN, 100, 0);
    tcp(IN, port, SYN | ACK, 500, 101);
    tcp(OUT, port, ACK, 101, 501);
    test.poll();
  }
  test.collect();
  test.offer(OUT, FAMILIES.ipv4.packet(9));
  const { losses, activeConnections } = merge(test.collect());
  expect(losses).toEqual({ flowTableFullIpv4: 1 });
  expect(activeConnections.atEnd).toBe(SLOTS);
});

it("flows: in a table that is too small for a capture, those that are in it are exact", async () => {
  const { bytes, truth } = loadCapture("d2_portscan");
  const wasm = async (n: number) =>
    (await buildCore({ ...REPLAY_OPTIONS, FLOW_SLOTS_IPV4: n, FLOW_SLOTS_IPV6: n })).wasm;
  const run = async (n: number) =>
    replay({
      capture: readCapture(bytes, "d2_portscan"),
      addresses: parseDeviceAddresses(truth.device),
      wasm: await wasm(n),
      intervalMs: 2 ** 30,
    });
  const key = (flow: (typeof truth.flows)[number]) =>
    [flow.protocol, flow.localAddress, flow.localPort, flow.remoteAddress, flow.remotePort].join();
  const known = new Map(truth.flows.map((flow) => [key(flow), flow]));
  const packets = truth.flows.reduce((sum, flow) => sum + flow.packetsIn + flow.packetsOut, 0);
  const ipv4Flows = truth.flows.filter(({ localAddress }) => localAddress.includes("."));
  for (const n of [16, 64]) {
    const { flows, dropped } = await run(n);
    expect(flows.filter(({ localAddress }) => localAddress.includes("."))).toHaveLength(n);
    expect(ipv4Flows.length).toBeGreaterThan(n);
    for (const flow of flows) expect(flow).toEqual(known.get(key(flow)));
    const counted = flows.reduce((sum, flow) => sum + flow.packetsIn + flow.packetsOut, 0);
    expect(dropped.flowTableFullIpv4 + dropped.flowTableFullIpv6).toBe(packets - counted);
    expect(dropped).toMatchObject({ ringFull: 0, headTooShort: 0, storeFull: 0 });
  }
});

it("flows: a counter that nears its end is collected before it can wrap", async () => {
  const test = await startAgent(OPTIONS);
  const large = ipv4({
    from: LOCAL,
    to: "10.0.0.2",
    protocol: UDP,
    payload: udp(1, 2),
    totalLength: 65_535,
  });
  const packets = Math.ceil(2 ** 32 / 65_515) + 10;
  for (let i = 0; i < packets; i++) {
    test.agent.ring.offer(IN, large, 0, large.length, 65_535);
    if (test.agent.ring.free() === 0) test.poll();
  }
  const { flows } = merge(test.collect());
  expect(flows[0]?.bytesIn).toBe(packets * 65_515);
  expect(flows[0]?.packetsIn).toBe(packets);
});
