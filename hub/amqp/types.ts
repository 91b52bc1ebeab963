import type { Connection, Delivery, EventContext, Message, Receiver, Sender } from "rhea";

export type { Connection, Delivery, EventContext, Message, Receiver, Sender };

/** What a link's other end asked for, of the parts that rhea's types leave open. */
export interface Terminus {
  readonly address?: string;
  readonly filter?: unknown;
}

/** A client that is told why its link or connection is closed. */
export interface AmqpRefusal {
  readonly condition: string;
  readonly description: string;
}

/** Text of a message's body, whatever section it is in; null: none. */
export function bodyText(message: Message): string | null {
  const bytes = bodyBytes(message);
  return bytes === null ? null : bytes.toString("utf8");
}

/** Bytes of a data section, or of a text value; null: neither. */
export function bodyBytes(message: Message): Buffer | null {
  const body: unknown = message.body;
  if (typeof body === "string") return Buffer.from(body, "utf8");
  if (Buffer.isBuffer(body)) return body;
  const content = (body as { content?: unknown } | null | undefined)?.content;
  if (Buffer.isBuffer(content)) return content;
  if (Array.isArray(content) && content.every(Buffer.isBuffer)) return Buffer.concat(content);
  if (typeof content === "string") return Buffer.from(content, "utf8");
  return null;
}
