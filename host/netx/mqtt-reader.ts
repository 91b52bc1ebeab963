/**
 * Reads what a broker sends to a client (MQTT 3.1.1 and 5.0) just far enough to count messages to
 * `devices/+/messages/devicebound/#`. It copes with a start in the middle and with missing bytes:
 * then it goes on with the next TCP segment that begins like a message.
 */
import { publishAlias, topicMatches } from "./mqtt-publish.ts";
import type { StreamReader } from "./tcp-stream.ts";

const CONNACK = 2;
const PUBLISH = 3;
const PUBREL = 6;
const PINGRESP = 13;
const AUTH = 15;
/** Message types that a broker sends, one bit each: DISCONNECT and AUTH in version 5 only. */
const FROM_BROKER = 0b1110_1010_1111_1100;

/** First bytes of a message that are kept: the topic and the properties before a payload. */
const HEAD_BYTES_MAX = 4096;
/** Longest message but PUBLISH: an acknowledgement with properties. */
const CONTROL_BYTES_MAX = 65_536;
/** Topic aliases (MQTT 5.0 3.3.2.3.4) that are remembered for a connection. */
const ALIASES_MAX = 256;

export interface MqttReader extends StreamReader {
  /** A whole message of the protocol was read since the start. */
  readonly confirmed: boolean;
  /** The first bytes of the connection are not those of a broker. */
  readonly refused: boolean;
  /** Starts again: at the first byte of a connection, or somewhere in its middle. */
  restart(fromStart: boolean): void;
}

interface State {
  /** What the next byte is. Lost: nothing until a segment begins. */
  expect: "nothing" | "type" | "length" | "body";
  /** The next message is the first of the connection: CONNACK, perhaps AUTH before it. */
  first: boolean;
  confirmed: boolean;
  refused: boolean;
  version5: boolean;
  /** First byte of the message. */
  header: number;
  /** Remaining length: as far as read, then what is still to come of it. */
  remaining: number;
  lengthShift: number;
  bodyBytes: number;
  /** First bytes of the body; grows to HEAD_BYTES_MAX. */
  head: Uint8Array;
  headBytes: number;
  /** Whether the topic of each alias matches. */
  aliases: Map<number, boolean>;
  readonly onMessage: () => void;
}

/** Makes a reader; `onMessage` is called for each whole message to the device. */
export function createMqttReader(onMessage: () => void): MqttReader {
  const state: State = {
    expect: "nothing",
    first: false,
    confirmed: false,
    refused: false,
    version5: false,
    header: 0,
    remaining: 0,
    lengthShift: 0,
    bodyBytes: 0,
    head: new Uint8Array(0),
    headBytes: 0,
    aliases: new Map(),
    onMessage,
  };
  return {
    get confirmed() {
      return state.confirmed;
    },
    get refused() {
      return state.refused;
    },
    restart(fromStart) {
      state.expect = fromStart ? "type" : "nothing";
      state.first = fromStart;
      state.confirmed = false;
      state.refused = false;
      state.version5 = false;
      state.aliases.clear();
    },
    data(bytes, start, end, boundary) {
      if (state.expect === "nothing" && boundary) state.expect = "type";
      for (let at = start; at < end && state.expect !== "nothing"; ) {
        if (state.expect === "body") at += addBody(state, bytes, at, end);
        else if (state.expect === "type") startMessage(state, bytes[at++] as number);
        else addLength(state, bytes[at++] as number);
      }
    },
    gap: (count) => skip(state, count),
  };
}

function lose(state: State): void {
  state.refused = state.refused || state.first;
  state.first = false;
  state.expect = "nothing";
}

function startMessage(state: State, byte: number): void {
  const type = byte >> 4;
  const firstFits = !state.first || type === CONNACK || type === AUTH;
  if (((FROM_BROKER >> type) & 1) === 0 || !flagsFit(byte) || !firstFits) {
    lose(state);
    return;
  }
  state.header = byte;
  state.remaining = 0;
  state.lengthShift = 0;
  state.expect = "length";
}

/** Bits 0 to 3 of a message's first byte: fixed, but for PUBLISH, whose QoS is not 3. */
function flagsFit(byte: number): boolean {
  const type = byte >> 4;
  if (type === PUBLISH) return (byte & 0x06) !== 0x06;
  return (byte & 0x0f) === (type === PUBREL ? 2 : 0);
}

function addLength(state: State, byte: number): void {
  state.remaining |= (byte & 0x7f) << state.lengthShift;
  state.lengthShift += 7;
  if ((byte & 0x80) !== 0) {
    if (state.lengthShift === 28) lose(state);
    return;
  }
  const type = state.header >> 4;
  const least = type >= PINGRESP ? 0 : 2;
  const most = type === PINGRESP ? 0 : CONTROL_BYTES_MAX;
  if (state.remaining < least || (type !== PUBLISH && state.remaining > most)) {
    lose(state);
    return;
  }
  state.bodyBytes = state.remaining;
  state.headBytes = 0;
  state.expect = "body";
  if (state.remaining === 0) complete(state);
}

/** Returns how many bytes belong to the body. */
function addBody(state: State, bytes: Uint8Array, at: number, end: number): number {
  const count = Math.min(state.remaining, end - at);
  state.remaining -= count;
  const type = state.header >> 4;
  if (type === PUBLISH || type === CONNACK) keepHead(state, bytes, at, count);
  if (type === PUBLISH && state.headBytes >= 2 && topicEnd(state) > state.bodyBytes) lose(state);
  else if (state.remaining === 0) complete(state);
  return count;
}

function keepHead(state: State, bytes: Uint8Array, at: number, count: number): void {
  const added = Math.min(count, HEAD_BYTES_MAX - state.headBytes);
  const needed = state.headBytes + added;
  if (needed > state.head.length) {
    const grown = new Uint8Array(Math.min(HEAD_BYTES_MAX, Math.max(256, 2 * needed)));
    grown.set(state.head.subarray(0, state.headBytes));
    state.head = grown;
  }
  state.head.set(bytes.subarray(at, at + added), state.headBytes);
  state.headBytes = needed;
}

/** Offset in the head after the topic of a PUBLISH, of which two bytes are there. */
function topicEnd({ head }: State): number {
  return 2 + (((head[0] as number) << 8) | (head[1] as number));
}

function complete(state: State): void {
  state.expect = "type";
  const type = state.header >> 4;
  if (type === CONNACK && !acceptConnack(state)) {
    lose(state);
    return;
  }
  if (type === PUBLISH) readPublish(state);
  if (state.first && type === AUTH) return;
  state.first = false;
  state.confirmed = true;
}

/** MQTT 3.1.1 3.2: two bytes. MQTT 5.0 3.2 adds properties and other codes. */
function acceptConnack(state: State): boolean {
  state.version5 = state.bodyBytes > 2;
  const flags = state.head[0] as number;
  const code = state.head[1] as number;
  return flags <= 1 && (state.version5 ? code === 0 || code >= 0x80 : code <= 5);
}

function readPublish(state: State): void {
  const { head, headBytes, aliases } = state;
  const end = topicEnd(state);
  const hasId = (state.header & 0x06) !== 0;
  const alias = state.version5 ? publishAlias(head, headBytes, end, hasId) : 0;
  let matches = topicMatches(head, 2, Math.min(end, headBytes));
  if (alias !== 0 && end === 2) matches = aliases.get(alias) ?? false;
  else if (alias !== 0 && (aliases.has(alias) || aliases.size < ALIASES_MAX)) {
    aliases.set(alias, matches);
  }
  if (matches) state.onMessage();
}

/** Missing bytes do no harm inside a body of which nothing more is needed. */
function skip(state: State, count: number): void {
  const type = state.header >> 4;
  const needed =
    type === CONNACK || (type === PUBLISH && (state.headBytes < 2 || !hasTopic(state)));
  if (state.expect !== "body" || needed || count > state.remaining) {
    const whole = state.expect === "body" && !needed;
    if (whole) complete(state);
    lose(state);
    return;
  }
  state.remaining -= count;
  if (state.remaining === 0) complete(state);
}

function hasTopic(state: State): boolean {
  return state.headBytes >= Math.min(topicEnd(state), HEAD_BYTES_MAX);
}
