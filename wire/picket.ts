/** Reads Picket's own messages (`message.cddl`). */
import { type CborReader, createCborReader, INDEFINITE } from "./cbor.ts";
import type { SecurityEvent, SecurityMessage } from "./events.ts";
import { readEvent } from "./picket-events.ts";
import * as keys from "./picket-keys.ts";

/** Self-described CBOR (RFC 8949 3.4.6): what our messages begin with. */
export const PICKET_MAGIC = [0xd9, 0xd9, 0xf7] as const;
const SELF_DESCRIBED_TAG = 55_799;
const AGENT_ID_BYTES = 8;
/** In the place of log, epoch and sequence number in the GUID of the agent itself. */
const AGENT_TAIL = "f0000000000000";

/**
 * Decodes one message.
 *
 * @throws WireError naming the offset
 */
export function decodePicket(input: Uint8Array): SecurityMessage {
  const reader = createCborReader(input);
  if (reader.tag() !== SELF_DESCRIBED_TAG) reader.fail("not a Picket message");
  if (reader.array() !== INDEFINITE) reader.fail("an open array expected");
  const version = reader.unsigned();
  if (version !== keys.MESSAGE_VERSION) reader.fail(`message version ${version} is not known`);
  const agent = reader.bytes();
  if (agent.length !== AGENT_ID_BYTES) reader.fail(`an agent id of ${agent.length} bytes`);
  const sender = hexOf(agent);
  const epoch = atMost(reader, 0xffff, "epoch");
  const log = atMost(reader, keys.PRIORITY_LOW, "log");
  const shared = guid(sender, `${log}0${hex(epoch, 4)}`);
  const first = atMost(reader, 0xffffffff, "sequence number");
  const events: SecurityEvent[] = [];
  while (!reader.tryBreak()) {
    const sequence = (first + events.length) >>> 0;
    events.push(readEvent(reader, shared + hex(sequence, 8)));
  }
  if (events.length === 0) reader.fail("a message without events");
  if (!reader.isAtEnd) reader.fail("bytes after the end of the message");
  return {
    format: "picket",
    agentId: guid(sender, AGENT_TAIL),
    agentVersion: String(version),
    messageId: `${sender}-${epoch}-${log}-${first}-${events.length}`,
    events,
  };
}

/**
 * A GUID (RFC 9562 version 8), or what all of a message begin with: the same for the same agent,
 * epoch, log and sequence number.
 *
 * @param tail 14 hexadecimal digits; without the last 8, those of the sequence number, the start
 */
function guid(agent: string, tail: string): string {
  const variant = `8${agent.slice(15)}${tail.slice(0, 2)}`;
  const version = `8${agent.slice(12, 15)}`;
  return `${agent.slice(0, 8)}-${agent.slice(8, 12)}-${version}-${variant}-${tail.slice(2)}`;
}

const BYTE_TEXTS = Array.from({ length: 256 }, (_, value) => hex(value, 2));

function hexOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += BYTE_TEXTS[byte];
  return text;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

function atMost(reader: CborReader, limit: number, what: string): number {
  const value = reader.unsigned();
  if (value > limit) reader.fail(`${what} ${value} is above ${limit}`);
  return value;
}
