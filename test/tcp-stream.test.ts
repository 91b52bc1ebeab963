import { describe, expect, it } from "vitest";
import { HELD_BYTES_MAX } from "../host/netx/tcp-stream.ts";
import { CONNACK, connected, publish } from "./support/mqtt-conversation.ts";
import { ACK, FIN, RST, SYN, tcpPacket } from "./support/packets.ts";
import { joinBytes } from "./support/pcap-writer.ts";

describe("tcp-stream: under MQTT", () => {
  it("tcp-stream: counts a retransmission once, also one that overlaps", () => {
    const message = publish();
    const { tap } = connected()
      .broker(message)
      .broker(message, { at: -message.length })
      .broker(joinBytes([message, publish()]), { at: -message.length })
      .broker(message.subarray(-1), { at: -1 });
    expect(tap.result()).toBe(2);
  });

  it("tcp-stream: waits for bytes that come late", () => {
    const message = publish();
    const conversation = connected();
    for (const i of [3, 1, 2]) conversation.broker(message, { at: i * message.length });
    expect(conversation.tap.result()).toBe(0);
    expect(conversation.broker(message).tap.result()).toBe(4);
  });

  it("tcp-stream: goes on after bytes that the capture has lost but the device has acknowledged", () => {
    const conversation = connected().broker(publish());
    conversation.unseen(77).acknowledge();
    expect(conversation.broker(publish()).broker(publish()).tap.result()).toBe(3);
  });

  it("tcp-stream: counts a message of which only the payload is lost", () => {
    const message = publish({ payload: "z".repeat(400) });
    const conversation = connected().broker(message.subarray(0, 100));
    conversation.unseen(200).acknowledge();
    conversation.broker(joinBytes([message.subarray(300), publish()]));
    expect(conversation.tap.result()).toBe(2);
  });

  it("tcp-stream: gives up waiting at HELD_BYTES_MAX held bytes", () => {
    const conversation = connected();
    const part = publish({ payload: "w".repeat(1000) });
    const parts = Math.floor(HELD_BYTES_MAX / part.length);
    conversation.unseen(50);
    for (let i = 0; i < parts; i++) conversation.broker(part);
    expect(conversation.tap.result()).toBe(0);
    expect(conversation.broker(part).tap.result()).toBe(parts + 1);
  });

  it("tcp-stream: takes a new connection on the same ports for a new stream", () => {
    const { tap } = connected().broker(publish().subarray(0, 9));
    connected({ tap, deviceStart: 90_000, brokerStart: 70_000 }).broker(publish());
    expect(tap.result()).toBe(1);
    connected({ tap, deviceStart: 1_000, brokerStart: 0xffff_fffe }).broker(publish());
    expect(tap.result()).toBe(2);
  });

  it("tcp-stream: takes a repeated handshake for the same connection", () => {
    const conversation = connected().broker(publish());
    const { tap } = conversation;
    const repeat = { from: "10.20.0.1", fromPort: 1883, to: "10.20.0.10", toPort: 40_000 };
    const packet = tcpPacket({ ...repeat, flags: SYN | ACK, sequence: 5000 });
    tap.offer(1, packet, 0, packet.length, packet.length);
    conversation.broker(CONNACK, { at: -publish().length - CONNACK.length });
    expect(conversation.broker(publish()).tap.result()).toBe(2);
  });

  it("tcp-stream: goes on over FIN and RST of an earlier connection", () => {
    const { tap } = connected()
      .broker(publish(), { flags: ACK | FIN })
      .device(RST | ACK);
    connected({ tap, deviceStart: 7, brokerStart: 8 }).broker(publish());
    expect(tap.result()).toBe(2);
  });
});
