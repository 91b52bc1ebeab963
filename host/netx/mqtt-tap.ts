/**
 * Counts cloud-to-device messages as an application's MQTT client on the device would: PUBLISH to
 * `devices/+/messages/devicebound/#` that arrive on connections which the device opened.
 *
 * A connection is MQTT if its broker's port is 1883, or if the broker's first message is a
 * CONNACK. On port 1883 the beginning need not have been seen. A message counts when its last
 * byte is there; the same bytes sent again by TCP do not, a message sent again by MQTT (DUP) does.
 * TLS, WebSockets and TCP in IP fragments are not looked into.
 */
import { createConnectionTable } from "./connection-table.ts";
import { createMqttReader, type MqttReader } from "./mqtt-reader.ts";
import { DIRECTION_IN, type PacketPort } from "./netx.ts";
import {
  createSegment,
  FLAG_ACK,
  FLAG_RST,
  FLAG_SYN,
  readSegment,
  type Segment,
} from "./tcp-segment.ts";
import { createTcpStream, type TcpStream } from "./tcp-stream.ts";

/** Connections known to be MQTT that are followed at once; the one idle longest makes room. */
export const CONNECTIONS_MAX = 256;
/** Connections that may turn out to be MQTT; the oldest makes room. */
export const CANDIDATES_MAX = 1024;

const MQTT_PORT = 1883;

export interface MqttTapOptions {
  /** Called for each message when it is complete. */
  readonly onMessage?: () => void;
}

export interface MqttTap extends PacketPort {
  /**
   * Messages so far; null if any packet was offered without all its bytes: the capture is cut, and
   * what was in the bytes that are missing (a message, a broker's CONNACK) is not known.
   */
  result(): number | null;
  /** Messages so far, whatever is missing. */
  readonly messages: number;
  /** Connections known to be MQTT that were given up for want of room. */
  readonly connectionsDropped: number;
}

interface Connection {
  readonly stream: TcpStream;
  readonly reader: MqttReader;
  /** Initial sequence numbers of the device and the broker; undefined: not seen. */
  localStart: number | undefined;
  remoteStart: number | undefined;
}

/** Makes a tap; memory is bounded whatever the packets are. */
export function createMqttTap({ onMessage }: MqttTapOptions = {}): MqttTap {
  const known = createConnectionTable<Connection>(CONNECTIONS_MAX);
  const candidates = createConnectionTable<Connection>(CANDIDATES_MAX);
  const segment = createSegment();
  let messages = 0;
  let cut = false;
  let connectionsDropped = 0;

  function countMessage(): void {
    messages++;
    onMessage?.();
  }

  function find(): Connection | undefined {
    const { key, keyBytes } = segment;
    return known.find(key, keyBytes) ?? candidates.find(key, keyBytes);
  }

  function add(): Connection {
    const reader = createMqttReader(countMessage);
    const stream = createTcpStream(reader);
    const connection = { stream, reader, localStart: undefined, remoteStart: undefined };
    candidates.add(segment.key, segment.keyBytes, connection);
    return connection;
  }

  /** After each payload: what is MQTT is kept, what is not is forgotten, but on MQTT's port. */
  function sort(connection: Connection): void {
    if (connection.reader.confirmed) {
      candidates.remove(connection);
      if (known.find(segment.key, segment.keyBytes) === connection) known.touch(connection);
      else if (known.add(segment.key, segment.keyBytes, connection)) connectionsDropped++;
    } else if (connection.reader.refused && segment.remotePort !== MQTT_PORT) {
      known.remove(connection);
      candidates.remove(connection);
    }
  }

  function received(connection: Connection | undefined, bytes: Uint8Array): void {
    const { flags, sequence, start, end, length } = segment;
    let at = sequence;
    let current = connection;
    if ((flags & FLAG_SYN) !== 0) {
      if ((flags & FLAG_ACK) === 0) return; // The other side opens: no broker.
      current ??= add();
      openRemote(current, sequence);
      at = (sequence + 1) | 0;
    }
    if (current === undefined) return;
    if ((flags & FLAG_RST) !== 0) {
      candidates.remove(current);
      return;
    }
    if (length === 0) return;
    current.stream.segment(at, bytes, start, end, length);
    sort(current);
  }

  return {
    result: () => (cut ? null : messages),
    get messages() {
      return messages;
    },
    get connectionsDropped() {
      return connectionsDropped;
    },
    offer(direction, bytes, offset, length, originalBytes) {
      if (originalBytes > length) cut = true;
      if (!readSegment(direction, bytes, offset, length, originalBytes, segment)) return;
      let connection = find();
      if (segment.remotePort === MQTT_PORT) connection ??= add();
      if (direction === DIRECTION_IN) received(connection, bytes);
      else if (connection) sent(connection, segment);
    },
  };
}

/** The broker answers: the stream starts after its SYN, unless that is only sent again. */
function openRemote(connection: Connection, sequence: number): void {
  if (connection.remoteStart === sequence) return;
  connection.remoteStart = sequence;
  connection.stream.synchronize((sequence + 1) | 0);
  connection.reader.restart(true);
}

/** The device opens (perhaps with the ports of an earlier connection) or acknowledges. */
function sent(connection: Connection, { flags, sequence, acknowledged }: Segment): void {
  if ((flags & FLAG_SYN) !== 0) {
    if (connection.localStart === sequence) return;
    connection.localStart = sequence;
    connection.remoteStart = undefined;
    connection.stream.reset();
    connection.reader.restart(false);
    return;
  }
  if ((flags & (FLAG_ACK | FLAG_RST)) === FLAG_ACK) connection.stream.acknowledged(acknowledged);
}
