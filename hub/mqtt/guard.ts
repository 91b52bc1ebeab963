import type { Duplex } from "node:stream";

/** Why a connection was cut before the broker saw the packet. */
export type GuardViolation = "no CONNECT" | "packet too large" | "bad length" | "QoS 2";

const TYPE_CONNECT = 1;
const TYPE_PUBLISH = 3;
const QOS_2 = 2;
const LENGTH_BYTES_MAX = 4;

/** Bounds on what one connection may send, bytes of a packet's remaining length. */
export interface GuardLimits {
  readonly connectBytesMax: number;
  readonly packetBytesMax: number;
}

/**
 * Watches the packet headers that go by (MQTT 3.1.1, 2.2) and cuts the connection before a
 * packet that is not allowed is collected in memory. The broker's parser has no bound of its own.
 *
 * @param stream read by the broker; its `read` is watched, no byte is changed
 */
export function guardStream(
  stream: Duplex,
  limits: GuardLimits,
  violated: (reason: GuardViolation) => void,
): void {
  const scan = createScanner(limits);
  const read = stream.read.bind(stream);
  stream.read = (size?: number) => {
    const chunk: unknown = read(size);
    if (!Buffer.isBuffer(chunk)) return chunk;
    const reason = scan(chunk);
    if (reason === null) return chunk;
    violated(reason);
    stream.destroy();
    return null;
  };
}

/** A scanner takes chunks in order and says what is wrong, or null. */
export function createScanner(limits: GuardLimits): (chunk: Uint8Array) => GuardViolation | null {
  let skip = 0;
  let lengthBytes = -1;
  let length = 0;
  let type = 0;
  let seen = 0;

  const header = (byte: number): GuardViolation | null => {
    type = byte >> 4;
    if (seen === 0 && type !== TYPE_CONNECT) return "no CONNECT";
    if (type === TYPE_PUBLISH && ((byte >> 1) & 3) === QOS_2) return "QoS 2";
    lengthBytes = 0;
    length = 0;
    return null;
  };
  const lengthByte = (byte: number): GuardViolation | null => {
    length += (byte & 0x7f) * 128 ** lengthBytes;
    lengthBytes += 1;
    if (byte >= 0x80) return lengthBytes < LENGTH_BYTES_MAX ? null : "bad length";
    const max = seen === 0 ? limits.connectBytesMax : limits.packetBytesMax;
    if (length > max) return "packet too large";
    seen += 1;
    lengthBytes = -1;
    skip = length;
    return null;
  };
  return (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      if (skip > 0) {
        const step = Math.min(skip, chunk.length - at);
        skip -= step;
        at += step;
        continue;
      }
      const byte = chunk[at++] as number;
      const reason = lengthBytes < 0 ? header(byte) : lengthByte(byte);
      if (reason !== null) return reason;
    }
    return null;
  };
}
