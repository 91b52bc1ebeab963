import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDeviceAddresses } from "../host/netx/address.ts";
import { CANDIDATES_MAX, CONNECTIONS_MAX, createMqttTap } from "../host/netx/mqtt-tap.ts";
import { createNetx } from "../host/netx/netx.ts";
import { readCapture } from "../sim/capture.ts";
import { CAPTURE_NAMES, loadCapture } from "./support/captures.ts";
import {
  CONNACK,
  CONNACK_5,
  connected,
  converse,
  PINGRESP,
  publish,
  SUBACK,
} from "./support/mqtt-conversation.ts";
import { ACK, FIN, RST, SYN, tcpPacket } from "./support/packets.ts";
import { joinBytes } from "./support/pcap-writer.ts";

function replay(bytes: Uint8Array, device: string, snapBytes = Number.MAX_SAFE_INTEGER) {
  const tap = createMqttTap();
  const addresses = parseDeviceAddresses(device);
  const netx = createNetx({ addresses, ring: { offer() {} }, application: tap });
  for (const packet of readCapture(bytes, "test").packets()) {
    const { linkType, bytes: file, offset, length, originalBytes } = packet;
    netx.frame(linkType, file, offset, Math.min(length, snapBytes), originalBytes);
  }
  return tap;
}

describe("mqtt-tap: captures", () => {
  it.each(CAPTURE_NAMES)("mqtt-tap: counts what is known of %s", (name) => {
    const { bytes, truth } = loadCapture(name);
    const tap = replay(bytes, truth.device);
    expect(tap.result()).toBe(truth.cloudToDeviceMessages);
    expect(tap.connectionsDropped).toBe(0);
  });

  it("mqtt-tap: has no result where the capture cuts the messages", () => {
    const { bytes, truth } = loadCapture("d5_floodc2d");
    expect(truth.cloudToDeviceMessages).toBe(210);
    expect(replay(bytes, truth.device).result()).toBe(210);
    for (const snapBytes of [34, 40, 54, 66, 96, 128, 160, 320]) {
      expect(replay(bytes, truth.device, snapBytes).result()).toBeNull();
    }
  });
});

describe("mqtt-tap: messages", () => {
  it("mqtt-tap: counts several messages in a segment and one over several", () => {
    const one = publish({ payload: "x".repeat(300) });
    const { tap } = connected()
      .broker(joinBytes([SUBACK, publish(), publish({ qos: 0 }), PINGRESP, one.subarray(0, 1)]))
      .broker(one.subarray(1, 2))
      .broker(one.subarray(2, 20))
      .broker(one.subarray(20, 200));
    expect(tap.result()).toBe(2);
    connected({ tap, devicePort: 40_001 }).broker(one);
    expect(tap.result()).toBe(3);
  });

  it("mqtt-tap: gives the same count however the stream is cut into segments", () => {
    const stream = joinBytes([
      CONNACK,
      SUBACK,
      publish(),
      publish({ topic: "devices/dev1/other" }),
      PINGRESP,
      publish({ qos: 2, payload: "y".repeat(5000) }),
      publish({ qos: 0, payload: "" }),
    ]);
    const cuts = fc.array(fc.nat(stream.length), { maxLength: 12 });
    fc.assert(
      fc.property(cuts, fc.nat(), fc.constantFrom(1883, 8883), (at, seed, brokerPort) => {
        const conversation = converse({ brokerPort, brokerStart: 0xffff_ff00 }).open();
        const edges = [0, ...at.sort((a, b) => a - b), stream.length];
        const parts = edges.slice(1).map((end, i) => ({ start: edges[i] ?? 0, end }));
        // Disorder and repeats: some parts come early, then everything comes in order.
        for (const { start, end } of parts.filter((_, i) => ((seed >> i) & 1) === 1)) {
          conversation.broker(stream.subarray(start, end), { at: start });
        }
        for (const { start, end } of parts) {
          conversation.broker(stream.subarray(start, end), { at: start });
        }
        expect(conversation.tap.result()).toBe(3);
      }),
      { numRuns: 500, seed: 4 },
    );
  });

  it.each([
    ["devices/dev1/messages/devicebound/", 1],
    ["devices/dev1/messages/devicebound", 1],
    ["devices//messages/devicebound/a/b", 1],
    ["devices/dev1/messages/deviceboundx", 0],
    ["devices/dev1/x/messages/devicebound/", 0],
    ["devices/dev1/messages/events/", 0],
    ["device/dev1/messages/devicebound/", 0],
    ["$iothub/twin/res/200/?$rid=1", 0],
    ["devices/dev1", 0],
  ])("mqtt-tap: takes the topic %s for %i messages to the device", (topic, count) => {
    expect(connected().broker(publish({ topic })).tap.result()).toBe(count);
  });

  it("mqtt-tap: counts a message that MQTT sends again", () => {
    expect(
      connected()
        .broker(publish())
        .broker(publish({ dup: true }))
        .tap.result(),
    ).toBe(2);
  });

  it("mqtt-tap: tells of each message when it is complete", () => {
    let told = 0;
    const tap = createMqttTap({ onMessage: () => told++ });
    const message = publish();
    const conversation = connected({ tap }).broker(message.subarray(0, -1));
    expect(told).toBe(0);
    conversation.broker(message.subarray(-1));
    expect(told).toBe(1);
  });

  it("mqtt-tap: follows topic aliases of version 5", () => {
    const alias = (number: number) =>
      Uint8Array.of(
        0x01,
        1,
        0x02,
        0,
        0,
        0,
        9,
        0x0b,
        0x81,
        1,
        0x26,
        0,
        1,
        65,
        0,
        1,
        66,
        0x03,
        0,
        1,
        67,
        0x23,
        0,
        number,
      );
    const { tap } = converse()
      .open()
      .broker(CONNACK_5)
      .broker(publish({ properties: alias(1) }))
      .broker(publish({ topic: "devices/dev1/else", properties: alias(2) }))
      .broker(publish({ topic: "", properties: alias(1) }))
      .broker(publish({ topic: "", qos: 0, properties: alias(1) }))
      .broker(publish({ topic: "", properties: alias(2) }))
      .broker(publish({ topic: "", properties: alias(3) }))
      .broker(publish({ properties: new Uint8Array(0) }));
    expect(tap.result()).toBe(4);
  });

  it("mqtt-tap: counts over IPv6", () => {
    const ends = { device: "fd00:20::10", broker: "fd00:20::1" };
    expect(connected(ends).broker(publish()).tap.result()).toBe(1);
  });

  it("mqtt-tap: does not count what the device sends or other clients send to it", () => {
    const conversation = connected().device(ACK, publish());
    const inbound = { from: "10.20.0.1", fromPort: 50_000, to: "10.20.0.10", toPort: 1883 };
    const { tap } = conversation;
    for (const [flags, payload] of [
      [SYN, ""],
      [ACK, publish()],
    ] as const) {
      const packet = tcpPacket({ ...inbound, flags, payload: Buffer.from(payload) });
      tap.offer(1, packet, 0, packet.length, packet.length);
    }
    expect(tap.result()).toBe(0);
  });
});

describe("mqtt-tap: recognition", () => {
  it("mqtt-tap: follows a connection on any port whose broker says CONNACK", () => {
    const { tap } = connected({ brokerPort: 5555 }).broker(publish());
    converse({ tap, brokerPort: 5555, devicePort: 2 }).open().broker(CONNACK_5).broker(publish());
    expect(tap.result()).toBe(2);
  });

  it("mqtt-tap: does not look into other connections", () => {
    const { tap } = converse({ brokerPort: 80 }).open().broker(Buffer.from("HTTP/1.1 200 OK\r\n"));
    converse({ tap, brokerPort: 80, devicePort: 2 }).open().broker(publish());
    converse({ tap, brokerPort: 80, devicePort: 3 }).broker(publish());
    expect(tap.result()).toBe(0);
  });

  it("mqtt-tap: counts on port 1883 from the middle of a connection on", () => {
    expect(converse().broker(publish()).broker(PINGRESP).broker(publish()).tap.result()).toBe(2);
  });

  it("mqtt-tap: finds the next message after a start inside one", () => {
    const message = publish({ payload: "0123456789".repeat(30) });
    for (const start of [1, 2, 30, 60, 62, 100, message.length - 1]) {
      const conversation = converse().broker(message.subarray(start, 200));
      conversation.broker(message.subarray(200)).broker(publish());
      expect(conversation.tap.result()).toBe(1);
    }
  });

  it("mqtt-tap: survives TLS on port 1883 and counts nothing", () => {
    const conversation = converse().open();
    conversation.broker(Uint8Array.of(0x16, 3, 3, 0, 122, ...new Uint8Array(122)));
    conversation.broker(Uint8Array.of(0x17, 3, 3, 0, 40, ...publish()));
    expect(conversation.tap.result()).toBe(0);
  });

  it("mqtt-tap: has no result, but a count, once a packet is cut", () => {
    const conversation = connected().broker(publish());
    const { tap } = conversation;
    const page = Buffer.from("HTTP/1.1 200 OK\r\n");
    converse({ tap, brokerPort: 80 }).open().broker(page);
    expect(tap.result()).toBe(1);
    conversation.broker(publish(), { captured: 50 }).broker(publish());
    expect([tap.result(), tap.messages]).toEqual([null, 3]);
    conversation.broker(publish(), { captured: 5 }).broker(publish());
    expect([tap.result(), tap.messages]).toEqual([null, 4]);
  });
});

describe("mqtt-tap: bounds", () => {
  it("mqtt-tap: follows CONNECTIONS_MAX connections and drops the idle for one more", () => {
    const tap = createMqttTap();
    const all = Array.from({ length: CONNECTIONS_MAX }, (_, i) =>
      connected({ tap, brokerPort: 9000, devicePort: 10_000 + i }),
    );
    for (const conversation of all) conversation.broker(publish());
    expect([tap.messages, tap.connectionsDropped]).toEqual([CONNECTIONS_MAX, 0]);
    connected({ tap, brokerPort: 9000, devicePort: 9_999 });
    expect(tap.connectionsDropped).toBe(1);
    for (const conversation of all) conversation.broker(publish());
    expect(tap.messages).toBe(2 * CONNECTIONS_MAX - 1);
  });

  it("mqtt-tap: keeps known connections through a flood of CANDIDATES_MAX others", () => {
    const conversation = connected({ brokerPort: 9000 });
    const { tap } = conversation;
    const waiting = converse({ tap, brokerPort: 9000, devicePort: 2 }).open();
    for (let i = 0; i < CANDIDATES_MAX; i++) {
      converse({ tap, brokerPort: 23, devicePort: 1024 + i }).open();
    }
    waiting.broker(CONNACK).broker(publish());
    expect(tap.messages).toBe(0);
    expect(conversation.broker(publish()).tap.messages).toBe(1);
  });

  it("mqtt-tap: takes any bytes in any segments", () => {
    const bytes = fc.uint8Array({ maxLength: 40 });
    const start = fc.constantFrom(CONNACK, CONNACK_5, publish(), publish().subarray(0, 9));
    const segment = fc.record({
      payload: fc.oneof(bytes, start),
      at: fc.integer({ min: -100, max: 5000 }),
      cut: fc.nat(30),
      flags: fc.constantFrom(ACK, ACK | SYN, RST, FIN | ACK, SYN),
      acknowledge: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 40 }), (segments) => {
        const conversation = connected();
        for (const { payload, at, cut, flags, acknowledge } of segments) {
          const captured = Math.max(-20, payload.length - cut);
          conversation.broker(payload, { at, captured, flags });
          if (acknowledge) conversation.acknowledge(at);
        }
        expect(conversation.tap.messages).toBeLessThanOrEqual(segments.length * 2);
      }),
      { numRuns: 1500, seed: 5 },
    );
  });
});
