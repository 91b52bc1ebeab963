import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDeviceAddresses } from "../host/netx/address.ts";
import {
  LINK_ETHERNET,
  LINK_IPV4,
  LINK_LINUX_SLL,
  LINK_LINUX_SLL2,
  LINK_LOOP,
  LINK_NULL,
  LINK_RAW,
  LINK_RAW_BSD,
  LINK_RAW_OPENBSD,
} from "../host/netx/link.ts";
import { createNetx, type Netx } from "../host/netx/netx.ts";
import { readCapture } from "../sim/capture.ts";
import { CAPTURE_NAMES, type CaptureName, loadCapture, loadFrames } from "./support/captures.ts";
import { ethernetFrame, ipPacket, tcpPacket } from "./support/packets.ts";
import { type Frame, joinBytes, writePcap } from "./support/pcap-writer.ts";
import { createReferenceFlows, type ReferenceFlows } from "./support/reference-flows.ts";
import { relink, snapped, tagged } from "./support/relink.ts";

const DEVICE = "10.20.0.10/24,fd00:20::10";

interface Run {
  readonly netx: Netx;
  readonly reference: ReferenceFlows;
}

function replay(bytes: Uint8Array, device: string): Run {
  const reference = createReferenceFlows();
  const netx = createNetx({ addresses: parseDeviceAddresses(device), ring: reference });
  for (const { linkType, bytes: file, offset, length, originalBytes } of readCapture(
    bytes,
    "test",
  ).packets()) {
    netx.frame(linkType, file, offset, length, originalBytes);
  }
  return { netx, reference };
}

function replayFrames(frames: readonly Frame[], linkType: number, device = DEVICE): Run {
  return replay(writePcap(frames, { little: true, nanos: true, linkType }), device);
}

/** Flows or fragments in one order, so that lists can be compared. */
function sorted(entries: readonly object[]): string[] {
  return entries.map((entry) => JSON.stringify(entry, Object.keys(entry).sort())).sort();
}

function expectFlows({ reference }: Run, name: CaptureName): void {
  const { truth } = loadCapture(name);
  expect(sorted(reference.flows())).toEqual(sorted(truth.flows));
  expect(sorted(reference.fragments())).toEqual(sorted(truth.fragments));
}

describe.each(CAPTURE_NAMES)("netx: %s", (name) => {
  it("netx: offers the packets of exactly the flows that are known, and counts the others", () => {
    const { bytes, truth } = loadCapture(name);
    const run = replay(bytes, truth.device);
    expectFlows(run, name);
    expect(run.netx.packets).toEqual(truth.packets);
    expect(run.netx.truncated > 0).toBe(truth.cloudToDeviceMessages === null);
  });

  it("netx: offers the same behind every link header", () => {
    const { truth } = loadCapture(name);
    const frames = loadFrames(name);
    for (const linkType of [LINK_LINUX_SLL, LINK_LINUX_SLL2]) {
      const other = frames.map((frame) => relink(frame, linkType) as Frame);
      const run = replayFrames(other, linkType, truth.device);
      expectFlows(run, name);
      expect(run.netx.packets).toEqual(truth.packets);
    }
    for (const linkType of [LINK_RAW, LINK_RAW_BSD, LINK_RAW_OPENBSD, LINK_NULL, LINK_LOOP]) {
      const other = frames.flatMap((frame) => relink(frame, linkType) ?? []);
      expectFlows(replayFrames(other, linkType, truth.device), name);
    }
  });

  it("netx: offers the same behind VLAN tags and SNAP", () => {
    const { truth } = loadCapture(name);
    const frames = loadFrames(name);
    for (const tpids of [[0x8100], [0x88a8, 0x8100], [0x9100, 0x8100, 0x8100, 0x8100]]) {
      const other = frames.map((frame) => tagged(frame, tpids));
      const run = replayFrames(other, LINK_ETHERNET, truth.device);
      expectFlows(run, name);
      expect(run.netx.packets).toEqual(truth.packets);
    }
    expectFlows(replayFrames(frames.map(snapped), LINK_ETHERNET, truth.device), name);
    const both = frames.map((frame) => tagged(snapped(frame), [0x8100]));
    expectFlows(replayFrames(both, LINK_ETHERNET, truth.device), name);
  });
});

/** What the instance does with one IPv4 or IPv6 packet: "out", "in", or the counter it raises. */
function fate(from: string, to: string, device = DEVICE): string {
  const packet = ipPacket(from, to, 17, new Uint8Array(8));
  return fateOf(LINK_RAW, packet, packet.length, device);
}

function fateOf(
  linkType: number,
  frame: Uint8Array,
  length = frame.length,
  device = DEVICE,
): string {
  let offered = "";
  const netx = createNetx({
    addresses: parseDeviceAddresses(device),
    ring: {
      offer(direction, _bytes, offset, captured, original) {
        offered = direction === 0 ? "out" : "in";
        expect(offset + captured).toBe(3 + length);
        expect(original - captured).toBe(frame.length - length);
      },
    },
  });
  const bytes = joinBytes([Uint8Array.of(1, 2, 3), frame]);
  netx.frame(linkType, bytes, 3, length, frame.length);
  expect(netx.packets.seen).toBe(1);
  const { notIp, malformed, broadcastOrMulticast, otherHost } = netx.packets;
  const counts = { notIp, malformed, broadcastOrMulticast, otherHost };
  const raised = Object.entries(counts).filter(([, count]) => count > 0);
  expect(raised.length + (offered === "" ? 0 : 1)).toBe(1);
  return offered === "" ? (raised[0]?.[0] ?? "") : offered;
}

it("netx: tells direction by the device's addresses", () => {
  expect(fate("10.20.0.10", "10.20.0.1")).toBe("out");
  expect(fate("10.20.0.1", "10.20.0.10")).toBe("in");
  expect(fate("fd00:20::10", "fd00:20::1")).toBe("out");
  expect(fate("fd00:20::1", "fd00:20::10")).toBe("in");
  expect(fate("10.20.0.10", "10.20.0.10")).toBe("out");
});

it("netx: counts packets of other hosts", () => {
  expect(fate("10.20.0.1", "10.20.0.2")).toBe("otherHost");
  expect(fate("10.20.0.1", "10.20.0.11")).toBe("otherHost");
  expect(fate("fd00:20::1", "fd00:21::10")).toBe("otherHost");
  expect(fate("fd00:20::1", "fd00:20::1:10")).toBe("otherHost");
  expect(fate("fd00:20::1", "fd00:20:0:0:1::10")).toBe("otherHost");
  expect(fate("fd00:20::1", "fd00:20::10", "10.20.0.10")).toBe("otherHost");
  expect(fate("10.20.0.1", "10.20.0.10", "fd00:20::10")).toBe("otherHost");
});

it("netx: takes an unspecified source for the device unless the packet is for the device", () => {
  expect(fate("0.0.0.0", "10.20.0.1")).toBe("out");
  expect(fate("::", "fd00:20::1")).toBe("out");
  expect(fate("0.0.0.0", "10.20.0.10")).toBe("in");
  expect(fate("::", "fd00:20::10")).toBe("in");
  expect(fate("0.0.0.0", "255.255.255.255")).toBe("broadcastOrMulticast");
});

it("netx: counts group and broadcast destinations, whoever sends", () => {
  for (const to of ["224.0.0.0", "239.255.255.255", "255.255.255.255", "10.20.0.255"]) {
    expect(fate("10.20.0.10", to)).toBe("broadcastOrMulticast");
    expect(fate("10.20.0.1", to)).toBe("broadcastOrMulticast");
  }
  expect(fate("10.20.0.10", "223.255.255.255")).toBe("out");
  expect(fate("10.20.0.10", "240.0.0.0")).toBe("out");
  expect(fate("fd00:20::1", "ff02::1")).toBe("broadcastOrMulticast");
  expect(fate("fd00:20::10", "fe00::1")).toBe("out");
});

it("netx: knows a directed broadcast by the prefix alone", () => {
  expect(fate("10.20.0.10", "10.20.0.255", "10.20.0.10")).toBe("out");
  expect(fate("10.20.0.10", "10.20.0.255", "10.20.0.10/16")).toBe("out");
  expect(fate("10.20.0.10", "10.20.255.255", "10.20.0.10/16")).toBe("broadcastOrMulticast");
  expect(fate("10.20.0.10", "10.20.0.11", "10.20.0.10/30")).toBe("broadcastOrMulticast");
  expect(fate("10.20.0.10", "10.20.0.11", "10.20.0.10/31")).toBe("out");
  expect(fate("9.9.9.9", "10.20.0.10", "10.20.0.10/32")).toBe("in");
});

it("netx: needs the addresses of a packet and no more", () => {
  const tcp = { from: "10.20.0.10", fromPort: 1, to: "10.20.0.1", toPort: 2 };
  const ipv4 = ethernetFrame(0x0800, tcpPacket(tcp));
  expect(fateOf(LINK_ETHERNET, ipv4, 14 + 20)).toBe("out");
  expect(fateOf(LINK_ETHERNET, ipv4, 14 + 19)).toBe("malformed");
  const ipv6 = ethernetFrame(0x86dd, ipPacket("fd00::1", "fd00:20::10", 6, new Uint8Array(20)));
  expect(fateOf(LINK_ETHERNET, ipv6, 14 + 40)).toBe("in");
  expect(fateOf(LINK_ETHERNET, ipv6, 14 + 39)).toBe("malformed");
});

it("netx: counts a header cut off and a version that the link layer denies as malformed", () => {
  const packet = ipPacket("10.20.0.10", "10.20.0.1", 17, new Uint8Array(40));
  expect(fateOf(LINK_ETHERNET, ethernetFrame(0x86dd, packet))).toBe("malformed");
  expect(fateOf(LINK_RAW, Uint8Array.of(0x50, ...packet.subarray(1)))).toBe("malformed");
  expect(fateOf(LINK_RAW, new Uint8Array(0))).toBe("malformed");
  for (let length = 0; length < 14; length++) {
    expect(fateOf(LINK_ETHERNET, ethernetFrame(0x0800, packet), length)).toBe("malformed");
  }
  const vlan = ethernetFrame(0x8100, Uint8Array.of(0, 1, 0x81, 0, 0, 2));
  for (let length = 14; length <= vlan.length; length++) {
    expect(fateOf(LINK_ETHERNET, vlan, length)).toBe("malformed");
  }
});

it("netx: counts ARP, LLC and other protocols as not IP", () => {
  const rest = new Uint8Array(46);
  for (const type of [0x0806, 0x88cc, 0x8864, 0x0600, 1501, 38]) {
    expect(fateOf(LINK_ETHERNET, ethernetFrame(type, rest))).toBe("notIp");
  }
  const snapOfOther = Uint8Array.of(0xaa, 0xaa, 3, 0, 0, 0x0c, 8, 0, ...rest);
  expect(fateOf(LINK_ETHERNET, ethernetFrame(54, snapOfOther))).toBe("notIp");
  expect(fateOf(LINK_LINUX_SLL, Uint8Array.of(...new Uint8Array(14), 0, 1, ...rest))).toBe("notIp");
  expect(fateOf(LINK_NULL, Uint8Array.of(7, 0, 0, 0, ...rest))).toBe("notIp");
  expect(fateOf(147, rest)).toBe("notIp");
});

it("netx: counts as NetX does, data of TCP and payload of UDP", () => {
  const netx = createNetx({ addresses: parseDeviceAddresses(DEVICE), ring: { offer() {} } });
  const send = (packet: Uint8Array) =>
    netx.frame(LINK_IPV4, packet, 0, packet.length, packet.length);
  const tcp = { from: "10.20.0.10", fromPort: 1, to: "10.20.0.1", toPort: 2 };
  send(tcpPacket(tcp));
  send(tcpPacket({ ...tcp, payload: new Uint8Array(10) }));
  send(tcpPacket({ ...tcp, from: tcp.to, to: tcp.from, payload: new Uint8Array(7) }));
  send(ipPacket("10.20.0.1", "10.20.0.10", 17, new Uint8Array(28)));
  send(ipPacket("10.20.0.1", "10.20.0.10", 17, new Uint8Array(7)));
  const fragment = ipPacket("10.20.0.1", "10.20.0.10", 17, new Uint8Array(8));
  fragment[7] = 1;
  send(fragment);
  expect(netx.ipInfo()).toEqual({
    ip_total_packets_sent: 2,
    ip_total_bytes_sent: 50,
    ip_total_packets_received: 4,
    ip_total_bytes_received: 27 + 28 + 7 + 8,
    ip_invalid_packets: 0,
    ip_total_fragments_sent: 0,
    ip_total_fragments_received: 1,
  });
  expect(netx.tcpInfo()).toEqual({
    tcp_packets_sent: 1,
    tcp_bytes_sent: 10,
    tcp_packets_received: 1,
    tcp_bytes_received: 7,
    tcp_invalid_packets: 0,
  });
  expect(netx.udpInfo()).toEqual({
    udp_packets_sent: 0,
    udp_bytes_sent: 0,
    udp_packets_received: 1,
    udp_bytes_received: 20,
    udp_invalid_packets: 1,
  });
});

it("netx: takes any bytes on any link, and counts each frame once", () => {
  const frame = fc.uint8Array({ maxLength: 120 });
  const links = fc.constantFrom(0, 1, 12, 14, 101, 108, 113, 228, 229, 276, 77);
  const head = fc.constantFrom("", "0800", "86dd", "8100", "8100000186dd", "0800450000");
  fc.assert(
    fc.property(links, head, frame, fc.nat(2000), (linkType, start, rest, more) => {
      const bytes = joinBytes([new Uint8Array(12), Buffer.from(start, "hex"), rest]);
      let offered = 0;
      const ring = {
        offer(_direction: number, _bytes: Uint8Array, offset: number, length: number) {
          offered++;
          expect(length).toBeGreaterThanOrEqual(20);
          expect(offset + length).toBe(bytes.length);
        },
      };
      const netx = createNetx({ addresses: parseDeviceAddresses("10.0.0.1"), ring });
      netx.frame(linkType, bytes, 0, bytes.length, bytes.length + more);
      const { seen, notIp, malformed, broadcastOrMulticast, otherHost } = netx.packets;
      expect(notIp + malformed + broadcastOrMulticast + otherHost + offered).toBe(seen);
    }),
    { numRuns: 3000, seed: 3 },
  );
});
