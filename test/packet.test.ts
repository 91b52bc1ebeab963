import { expect, it } from "vitest";
import { IN, lossesOf, merge, OUT, startAgent } from "./support/core.ts";
import {
  DESTINATION,
  FRAGMENT,
  HOP_BY_HOP,
  ICMP,
  ICMPV6,
  ipv4,
  ipv6,
  ROUTING,
  segment,
  TCP,
  UDP,
  udp,
} from "./support/datagrams.ts";
import { SYN } from "./support/packets.ts";

const LOCAL = "10.0.0.1";
const REMOTE = "10.0.0.2";
const LOCAL6 = "fd00::1";
const REMOTE6 = "fd00::2";
const V4 = { from: LOCAL, to: REMOTE, protocol: UDP, payload: udp(1000, 53, 12) };
const V6 = { from: LOCAL6, to: REMOTE6, protocol: UDP, payload: udp(1000, 53, 12) };

async function flowsOf(...packets: Uint8Array[]) {
  const test = await startAgent();
  for (const packet of packets) test.offer(OUT, packet);
  const { flows, fragments, losses } = merge(test.collect());
  expect(losses).toEqual({});
  return { flows, fragments };
}

it.each([0, 4, 20, 40])("packet: IPv4 with %i bytes of options", async (optionBytes) => {
  const { flows } = await flowsOf(ipv4({ ...V4, optionBytes }));
  expect(flows).toMatchObject([
    { protocol: "udp", localPort: 1000, remotePort: 53, packetsOut: 1, bytesOut: 20 },
  ]);
});

it("packet: a first fragment counts in its flow, later ones between their hosts", async () => {
  const { flows, fragments } = await flowsOf(
    ipv4({ ...V4, moreFragments: true }),
    ipv4({ ...V4, payload: new Uint8Array(24), fragmentOffset: 3, moreFragments: true }),
    ipv4({ ...V4, payload: new Uint8Array(7), fragmentOffset: 6 }),
  );
  expect(flows).toMatchObject([{ localPort: 1000, packetsOut: 1, bytesOut: 20 }]);
  expect(fragments).toEqual([
    {
      protocol: "udp",
      localAddress: LOCAL,
      remoteAddress: REMOTE,
      packetsIn: 0,
      bytesIn: 0,
      packetsOut: 2,
      bytesOut: 31,
    },
  ]);
});

it("packet: IPv6 extension headers are passed over, their bytes not counted", async () => {
  const { flows } = await flowsOf(
    ipv6(V6),
    ipv6({ ...V6, extensions: [{ kind: HOP_BY_HOP }] }),
    ipv6({ ...V6, extensions: [{ kind: HOP_BY_HOP }, { kind: DESTINATION }] }),
  );
  expect(flows).toMatchObject([{ protocol: "udp", packetsOut: 3, bytesOut: 60 }]);
});

it("packet: IPv6 fragments, atomic ones are whole packets", async () => {
  const { flows, fragments } = await flowsOf(
    ipv6({ ...V6, extensions: [{ kind: FRAGMENT }] }),
    ipv6({ ...V6, extensions: [{ kind: FRAGMENT, moreFragments: true }] }),
    ipv6({
      ...V6,
      payload: new Uint8Array(9),
      extensions: [{ kind: FRAGMENT, fragmentOffset: 5 }],
    }),
  );
  expect(flows).toMatchObject([{ packetsOut: 2, bytesOut: 40 }]);
  expect(fragments).toMatchObject([{ protocol: "udp", packetsOut: 1, bytesOut: 9 }]);
});

it("packet: protocols without ports are told by hosts alone", async () => {
  const echo = new Uint8Array(8);
  const { flows } = await flowsOf(
    ipv4({ ...V4, protocol: ICMP, payload: echo }),
    ipv6({ ...V6, protocol: ICMPV6, payload: echo }),
    ipv4({ ...V4, protocol: 47, payload: echo }),
    ipv4({ ...V4, protocol: 255, payload: new Uint8Array(0) }),
  );
  expect(flows.map(({ protocol, localPort, bytesOut }) => [protocol, localPort, bytesOut])).toEqual(
    [
      ["icmp", 0, 8],
      ["47", 0, 8],
      ["255", 0, 0],
      ["icmpv6", 0, 8],
    ],
  );
});

it("packet: link padding behind the packet does not count", async () => {
  const { flows } = await flowsOf(Buffer.concat([ipv4(V4), new Uint8Array(20)]));
  expect(flows).toMatchObject([{ bytesOut: 20 }]);
});

it("packet: a length of 0 going out is filled in later by the driver", async () => {
  const { flows } = await flowsOf(ipv4({ ...V4, totalLength: 0 }));
  expect(flows).toMatchObject([{ bytesOut: 20 }]);
  const bytes = ipv4({ ...V4, from: REMOTE, to: LOCAL, totalLength: 0 });
  expect(await lossesOf([{ direction: IN, bytes }])).toEqual({ malformed: 1 });
});

const tcpHead = segment({ fromPort: 1, toPort: 2, flags: SYN });
const MALFORMED: readonly (readonly [string, Uint8Array])[] = [
  ["no bytes", new Uint8Array(0)],
  ["a version that is neither 4 nor 6", Uint8Array.from({ length: 40 }, () => 0x55)],
  ["an IPv4 header cut off", ipv4(V4).subarray(0, 19)],
  ["an IPv4 header of 16 bytes", ipv4({ ...V4, headerWords: 4 })],
  ["an IPv4 header longer than the packet", ipv4({ ...V4, payload: udp(1, 2), headerWords: 15 })],
  ["an IPv4 length beyond the packet", ipv4({ ...V4, totalLength: 41 })],
  ["an IPv4 length below its header", ipv4({ ...V4, totalLength: 19 })],
  ["UDP without its header", ipv4({ ...V4, payload: new Uint8Array(7) })],
  ["TCP without its header", ipv4({ ...V4, protocol: TCP, payload: tcpHead.subarray(0, 19) })],
  [
    "a first fragment without ports",
    ipv4({ ...V4, payload: udp(1, 2).subarray(0, 3), moreFragments: true }),
  ],
  ["an IPv6 header cut off", ipv6(V6).subarray(0, 39)],
  ["an IPv6 length beyond the packet", ipv6({ ...V6, payloadLength: 21 })],
  [
    "an extension header beyond the packet",
    ipv6({ ...V6, protocol: ROUTING, payload: new Uint8Array(4) }),
  ],
  [
    "an extension header that says more than there is",
    ipv6({ ...V6, protocol: HOP_BY_HOP, payload: Uint8Array.of(UDP, 9, 0, 0, 0, 0, 0, 0) }),
  ],
  [
    "a fragment header beyond the packet",
    ipv6({ ...V6, protocol: FRAGMENT, payload: new Uint8Array(7) }),
  ],
];

it.each(MALFORMED)("packet: %s is counted as malformed, once", async (_, bytes) => {
  for (const direction of [OUT, IN]) {
    expect(await lossesOf([{ direction, bytes }])).toEqual({ malformed: 1 });
  }
});

it("packet: headers longer than a slot are counted as such", async () => {
  const long = ipv6({ ...V6, extensions: [{ kind: HOP_BY_HOP, bytes: 64 }] });
  expect(await lossesOf([{ direction: OUT, bytes: long }])).toEqual({ headTooShort: 1 });
  const cut = ipv4({ ...V4, optionBytes: 40 }).subarray(0, 61);
  const originalBytes = 80;
  expect(await lossesOf([{ direction: OUT, bytes: cut, originalBytes }])).toEqual({
    headTooShort: 1,
  });
});

it("packet: what goes to a group or to all is counted apart, and is no loss", async () => {
  const groups = [
    ipv4({ ...V4, to: "224.0.0.251" }),
    ipv4({ ...V4, to: "239.255.255.255" }),
    ipv4({ ...V4, to: "255.255.255.255" }),
    ipv6({ ...V6, to: "ff02::1" }),
  ];
  const test = await startAgent();
  for (const packet of groups) test.offer(OUT, packet);
  test.offer(OUT, Uint8Array.of(0x45)); // So that the counters are told at all.
  expect(merge(test.collect()).losses).toEqual({ notUnicast: groups.length, malformed: 1 });
});
