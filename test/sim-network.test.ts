import { describe, expect, it } from "vitest";
import { parseDeviceAddresses } from "../host/netx/address.ts";
import { LINK_ETHERNET } from "../host/netx/link.ts";
import { createMqttTap } from "../host/netx/mqtt-tap.ts";
import { createNetx } from "../host/netx/netx.ts";
import { echoFrame, endpoint, SYN, tcpFrame, udpFrame } from "../sim/net/frame.ts";
import { createTcpConnection } from "../sim/net/tcp.ts";
import { createPrng } from "../sim/prng.ts";
import type { TrafficEntry } from "../sim/scenario.ts";
import type { TrafficContext } from "../sim/traffic/context.ts";
import { createTraffic, TRAFFIC_KINDS } from "../sim/traffic/traffic.ts";
import { TRAFFIC } from "../sim/traffic-kinds.ts";

const DEVICE = { 4: endpoint("10.20.0.10", 40_000), 6: endpoint("fd00:20::10", 40_000) };
const PEER = { 4: endpoint("10.20.0.1", 80), 6: endpoint("fd00:20::1", 80) };

/** RFC 1071 by its own words: the sum of all 16-bit words with the checksum is all ones. */
function sumsToOnes(words: Uint8Array): boolean {
  let sum = 0;
  for (let i = 0; i < words.length; i += 2) {
    sum += ((words[i] as number) << 8) | (words[i + 1] ?? 0);
    sum = (sum & 0xffff) + (sum >>> 16);
  }
  return sum === 0xffff;
}

function segmentWithPseudoHeader(frame: Uint8Array): Uint8Array {
  const isIpv4 = frame[12] === 0x08;
  const at = isIpv4 ? 34 : 54;
  const addresses = isIpv4 ? frame.subarray(26, 34) : frame.subarray(22, 54);
  const protocol = isIpv4 ? frame[23] : frame[20];
  const length = frame.length - at;
  const tail = Uint8Array.of(0, 0, length >> 8, length & 255, 0, 0, 0, protocol as number);
  return Buffer.concat([addresses, tail, frame.subarray(at)]);
}

describe("frames", () => {
  for (const family of [4, 6] as const) {
    it(`frames: checksums are right for IPv${family}, odd lengths too`, () => {
      for (const bytes of [0, 1, 2, 7, 100, 1399]) {
        const data = new Uint8Array(bytes).fill(0xa7);
        const fields = { flags: SYN, sequence: 0xfffffff0, acknowledged: 5, data };
        const tcp = tcpFrame(DEVICE[family], PEER[family], fields);
        const udp = udpFrame(PEER[family], DEVICE[family], data);
        expect(sumsToOnes(segmentWithPseudoHeader(tcp))).toBe(true);
        expect(sumsToOnes(segmentWithPseudoHeader(udp))).toBe(true);
        if (family === 4) expect(sumsToOnes(tcp.subarray(14, 34))).toBe(true);
      }
      const echo = echoFrame(DEVICE[family].address, PEER[family].address, false, 3, 33);
      const checked = family === 4 ? echo.subarray(34) : segmentWithPseudoHeader(echo);
      expect(sumsToOnes(checked)).toBe(true);
    });
  }

  it("frames: a connection's sequence numbers follow its data in both directions", () => {
    const connection = createTcpConnection(DEVICE[4], PEER[4], [0xffffffff, 100], 5);
    const frames = [
      ...connection.open(0),
      ...connection.send(20, "client", new Uint8Array(3000)),
      ...connection.send(40, "server", new Uint8Array(10)),
      ...connection.close(60, "server"),
    ];
    const next = new Map<number, number>();
    for (const { frame } of frames) {
      const view = new DataView(frame.buffer);
      const port = view.getUint16(34);
      const sequence = view.getUint32(38);
      const expected = next.get(port);
      if (expected !== undefined) expect(sequence).toBe(expected);
      const flags = frame[47] as number;
      const length = frame.length - 54 + (flags & 2 ? 1 : 0) + (flags & 1 ? 1 : 0);
      next.set(port, (sequence + length) >>> 0);
      const acknowledged = view.getUint32(42);
      const other = next.get(view.getUint16(36));
      if (flags & 16 && other !== undefined) expect(acknowledged).toBe(other);
    }
  });
});

function context(entry: TrafficEntry, untilMs = 60_000): TrafficContext {
  let port = 49_152;
  return {
    entry,
    deviceId: "sensor",
    random: createPrng(1),
    fromMs: 0,
    untilMs,
    startWallS: 1_767_225_600,
    device: (at) => ({ ...DEVICE[4], port: at }),
    peer: (at) => ({ ...PEER[4], port: at }),
    localPort: () => port++,
  };
}

describe("traffic", () => {
  it("traffic: every kind of the schema has a generator and the reverse", () => {
    expect([...TRAFFIC_KINDS].sort()).toEqual(Object.keys(TRAFFIC).sort());
  });

  it("traffic: all of it passes the NetX model as sound packets, but what is meant not to", () => {
    for (const kind of TRAFFIC_KINDS) {
      if (kind === "capture") continue;
      const offered = { offer() {} };
      const netx = createNetx({ addresses: parseDeviceAddresses("10.20.0.10/24"), ring: offered });
      const entry = { kind, every: "1s", bytes: 5000, count: 20, ports: 20, peer: "10.20.0.1" };
      for (const batch of createTraffic(context(entry))) {
        let lastMs = batch[0]?.atMs ?? 0;
        for (const { atMs, frame } of batch) {
          expect(atMs).toBeGreaterThanOrEqual(batch[0]?.atMs ?? 0);
          lastMs = Math.max(lastMs, atMs);
          netx.frame(LINK_ETHERNET, frame, 0, frame.length, frame.length);
        }
      }
      const { seen, notIp, otherHost, malformed, broadcastOrMulticast } = netx.packets;
      expect(seen, kind).toBeGreaterThan(0);
      expect(notIp + otherHost, kind).toBe(0);
      if (kind === "broadcast") expect(broadcastOrMulticast).toBe(seen);
      else expect(broadcastOrMulticast, kind).toBe(0);
      if (kind !== "malformed") {
        expect(malformed, kind).toBe(0);
        expect(netx.ipInfo().ip_invalid_packets, kind).toBe(0);
        expect(netx.tcpInfo().tcp_invalid_packets, kind).toBe(0);
        expect(netx.udpInfo().udp_invalid_packets, kind).toBe(0);
      }
    }
  });

  it("traffic: cloud-to-device messages are counted by the application's client", () => {
    const tap = createMqttTap();
    const ring = { offer() {} };
    const addresses = parseDeviceAddresses("10.20.0.10/24");
    const netx = createNetx({ addresses, ring, application: tap });
    const entry = { kind: "cloudToDevice", every: "1s", count: 7, peer: "10.20.0.1" };
    for (const batch of createTraffic(context(entry))) {
      for (const { frame } of batch) {
        netx.frame(LINK_ETHERNET, frame, 0, frame.length, frame.length);
      }
    }
    expect(tap.result()).toBe(7);
  });
});
