/** A device and a broker that talk over TCP, packet by packet, for the tests of the MQTT tap. */
import { createMqttTap, type MqttTap } from "../../host/netx/mqtt-tap.ts";
import { DIRECTION_IN, DIRECTION_OUT } from "../../host/netx/netx.ts";
import { ACK, SYN, tcpPacket } from "./packets.ts";
import { joinBytes } from "./pcap-writer.ts";

export const CONNACK = Uint8Array.of(0x20, 2, 0, 0);
export const CONNACK_5 = Uint8Array.of(0x20, 3, 0, 0, 0);
export const PINGRESP = Uint8Array.of(0xd0, 0);
export const SUBACK = Uint8Array.of(0x90, 3, 0, 1, 1);
export const DEVICEBOUND = "devices/dev1/messages/devicebound/%24.mid=1";

export interface PublishFields {
  readonly topic?: string;
  readonly qos?: number;
  readonly dup?: boolean;
  readonly payload?: string;
  /** MQTT 5.0 properties; absent: the message is one of 3.1.1. */
  readonly properties?: Uint8Array;
}

/** A PUBLISH message. */
export function publish(fields: PublishFields = {}): Uint8Array {
  const { topic = DEVICEBOUND, qos = 1, dup = false, payload = "hello", properties } = fields;
  const text = Buffer.from(topic);
  const parts: Uint8Array[] = [Uint8Array.of(text.length >> 8, text.length & 255), text];
  if (qos > 0) parts.push(Uint8Array.of(0, 7));
  if (properties) parts.push(varint(properties.length), properties);
  const body = joinBytes([...parts, Buffer.from(payload)]);
  return joinBytes([Uint8Array.of(0x30 | (dup ? 8 : 0) | (qos << 1)), varint(body.length), body]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return Uint8Array.from(bytes);
}

export interface ConversationOptions {
  readonly tap?: MqttTap;
  readonly device?: string;
  readonly broker?: string;
  readonly devicePort?: number;
  readonly brokerPort?: number;
  /** First sequence numbers. */
  readonly deviceStart?: number;
  readonly brokerStart?: number;
}

export interface SegmentOptions {
  /** Bytes after the end of what was sent in order, or before it if negative. */
  readonly at?: number;
  /** Captured bytes of the payload; absent: all. */
  readonly captured?: number;
  readonly flags?: number;
}

export interface Conversation {
  readonly tap: MqttTap;
  /** Handshake: SYN, SYN and ACK, ACK. */
  open(): Conversation;
  /** The broker's bytes in one segment; without `at` they follow what came in order before. */
  broker(payload: Uint8Array, options?: SegmentOptions): Conversation;
  /** The broker sends bytes that the capture has not. */
  unseen(bytes: number): Conversation;
  /** The device acknowledges what was sent in order, and perhaps more. */
  acknowledge(more?: number): Conversation;
  /** A segment of the device with these flags and data. */
  device(flags: number, payload?: Uint8Array): Conversation;
}

export function converse(options: ConversationOptions = {}): Conversation {
  const {
    tap = createMqttTap(),
    device = "10.20.0.10",
    broker = "10.20.0.1",
    devicePort = 40_000,
    brokerPort = 1883,
    deviceStart = 1000,
    brokerStart = 5000,
  } = options;
  let sent = deviceStart;
  let next = brokerStart;

  function deliver(
    received: boolean,
    flags: number,
    sequence: number,
    payload: Uint8Array,
    cut = 0,
  ) {
    const packet = tcpPacket({
      from: received ? broker : device,
      fromPort: received ? brokerPort : devicePort,
      to: received ? device : broker,
      toPort: received ? devicePort : brokerPort,
      flags,
      sequence,
      acknowledged: (flags & ACK) === 0 ? 0 : received ? sent : next,
      payload,
    });
    const direction = received ? DIRECTION_IN : DIRECTION_OUT;
    tap.offer(direction, packet, 0, packet.length - cut, packet.length);
  }

  const none = new Uint8Array(0);
  const conversation: Conversation = {
    tap,
    open() {
      deliver(false, SYN, sent, none);
      sent++;
      deliver(true, SYN | ACK, next, none);
      next++;
      deliver(false, ACK, sent, none);
      return conversation;
    },
    broker(payload, { at, captured = payload.length, flags = ACK } = {}) {
      deliver(true, flags, next + (at ?? 0), payload, payload.length - captured);
      if (at === undefined) next += payload.length;
      return conversation;
    },
    unseen(bytes) {
      next += bytes;
      return conversation;
    },
    acknowledge(more = 0) {
      next += more;
      deliver(false, ACK, sent, none);
      next -= more;
      return conversation;
    },
    device(flags, payload = none) {
      deliver(false, flags, sent, payload);
      sent += payload.length;
      return conversation;
    },
  };
  return conversation;
}

/** A connection whose CONNACK has come. */
export function connected(options: ConversationOptions = {}): Conversation {
  return converse(options).open().broker(CONNACK);
}
