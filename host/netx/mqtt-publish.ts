/** What a PUBLISH message of MQTT (3.1.1 3.3, 5.0 3.3) says about its topic. */

const PREFIX = bytesOf("devices/");
const SUFFIX = bytesOf("/messages/devicebound");
const SLASH = 0x2f;

const PROPERTY_TOPIC_ALIAS = 0x23;
const SIZE_TEXT = -1;
const SIZE_TEXT_PAIR = -2;
const SIZE_VARINT = -3;
/** Properties of a PUBLISH: bytes of the value, or how it says its own length. */
const PROPERTY_SIZES: ReadonlyMap<number, number> = new Map([
  [0x01, 1], // payload format indicator
  [0x02, 4], // message expiry interval
  [0x03, SIZE_TEXT], // content type
  [0x08, SIZE_TEXT], // response topic
  [0x09, SIZE_TEXT], // correlation data
  [0x0b, SIZE_VARINT], // subscription identifier
  [0x26, SIZE_TEXT_PAIR], // user property
]);

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/**
 * True if a topic matches the filter `devices/+/messages/devicebound/#` (MQTT 3.1.1 4.7.1: `#`
 * includes the level above it, `+` an empty level).
 *
 * @param bytes holds the topic, `start` to before `end`
 */
export function topicMatches(bytes: Uint8Array, start: number, end: number): boolean {
  if (!holdsAt(bytes, start, end, PREFIX)) return false;
  let at = start + PREFIX.length;
  while (at < end && bytes[at] !== SLASH) at++;
  if (!holdsAt(bytes, at, end, SUFFIX)) return false;
  at += SUFFIX.length;
  return at === end || bytes[at] === SLASH;
}

function holdsAt(bytes: Uint8Array, at: number, end: number, wanted: Uint8Array): boolean {
  return at + wanted.length <= end && wanted.every((byte, i) => bytes[at + i] === byte);
}

/**
 * Topic alias (MQTT 5.0 3.3.2.3.4) of a PUBLISH; 0 if it has none or its properties are damaged.
 *
 * @param head first bytes of the message after the fixed header
 * @param headBytes how many of them are there
 * @param topicEnd offset after the topic
 * @param hasId true if a packet identifier follows the topic (QoS 1 and 2)
 */
export function publishAlias(
  head: Uint8Array,
  headBytes: number,
  topicEnd: number,
  hasId: boolean,
): number {
  let at = topicEnd + (hasId ? 2 : 0);
  const size = varintBytes(head, at, headBytes);
  if (size === 0) return 0;
  const end = Math.min(headBytes, at + size + varint(head, at, size));
  at += size;
  while (at < end) {
    const property = head[at++];
    if (property === PROPERTY_TOPIC_ALIAS) return at + 2 <= end ? readU16(head, at) : 0;
    const bytes = valueBytes(head, at, end, PROPERTY_SIZES.get(property as number) ?? 0);
    if (bytes === 0) return 0;
    at += bytes;
  }
  return 0;
}

/** Bytes of a property's value; 0 if it is not there or unknown. */
function valueBytes(head: Uint8Array, at: number, end: number, size: number): number {
  if (size >= 0) return size;
  if (size === SIZE_VARINT) return varintBytes(head, at, end);
  if (at + 2 > end) return 0;
  const text = 2 + readU16(head, at);
  if (size === SIZE_TEXT) return text;
  return at + text + 2 > end ? 0 : text + 2 + readU16(head, at + text);
}

/** Length of a variable byte integer (MQTT 5.0 1.5.5); 0 if it is cut off or too long. */
function varintBytes(bytes: Uint8Array, at: number, end: number): number {
  for (let i = 0; i < 4 && at + i < end; i++) {
    if (((bytes[at + i] as number) & 0x80) === 0) return i + 1;
  }
  return 0;
}

function varint(bytes: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let i = 0; i < size; i++) value |= ((bytes[at + i] as number) & 0x7f) << (7 * i);
  return value;
}

function readU16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}
