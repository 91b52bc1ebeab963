import rhea from "rhea";
import { FEEDBACK_CONTENT_TYPE } from "../c2d/feedback.ts";
import type { AckMode, C2dInput } from "../c2d/queue.ts";
import type { HubCore } from "../core.ts";
import { HubError, refuse } from "../errors.ts";
import { type AmqpRefusal, bodyBytes, type Delivery, type Message, type Sender } from "./types.ts";

const TO = /^\/devices\/([^/]+)\/messages\/devicebound$/i;
const ACKS = new Set(["none", "positive", "negative", "full"]);

/** Queues one message of a service for its device and settles the delivery. */
export async function acceptC2d(
  core: HubCore,
  message: Message,
  delivery: Delivery,
): Promise<void> {
  try {
    core.queues.send(deviceIdOf(message.to), inputOf(message));
    await core.store.committed();
    delivery.accept();
  } catch (error) {
    delivery.reject(refusalOf(error));
  }
}

/** Sends feedback to a receiver of `/messages/serviceBound/feedback` while it is open. */
export function serveFeedback(core: HubCore, sender: Sender): void {
  const sent = new Map<Delivery, string>();
  const pump = () => {
    while (sender.is_open() && sender.sendable()) {
      const batch = core.feedback.receive();
      if (batch === null) return;
      const delivery = sender.send({
        message_id: batch.id,
        content_type: FEEDBACK_CONTENT_TYPE,
        content_encoding: "utf-8",
        user_id: Buffer.from("$feedback"),
        creation_time: new Date(core.clock.now()),
        body: rhea.message.data_section(Buffer.from(JSON.stringify(batch.records), "utf8")),
      } as never);
      sent.set(delivery, batch.id);
    }
  };
  const settle = (delivery: Delivery | undefined, done: (id: string) => boolean) => {
    const id = delivery === undefined ? undefined : sent.get(delivery);
    if (delivery === undefined || id === undefined) return;
    sent.delete(delivery);
    done(id);
  };
  sender.on("accepted", ({ delivery }) => settle(delivery, core.feedback.complete));
  sender.on("rejected", ({ delivery }) => settle(delivery, core.feedback.abandon));
  sender.on("released", ({ delivery }) => settle(delivery, core.feedback.abandon));
  sender.on("modified", ({ delivery }) => settle(delivery, core.feedback.abandon));
  sender.on("sendable", pump);
  const end = core.feedback.onReady(pump);
  onceGone(sender, () => {
    end();
    for (const id of sent.values()) core.feedback.abandon(id);
    sent.clear();
  });
}

/** Calls back once when the link, its session or its connection has ended. */
export function onceGone(sender: Sender, gone: () => void): void {
  let isGone = false;
  const end = () => {
    if (!isGone) gone();
    isGone = true;
  };
  sender.once("sender_close", end);
  sender.once("sender_detached", end);
  sender.session.once("session_close", end);
  sender.connection.once("disconnected", end);
  sender.connection.once("connection_close", end);
}

function deviceIdOf(to: unknown): string {
  const match = TO.exec(typeof to === "string" ? to : "");
  try {
    if (match?.[1] !== undefined) return decodeURIComponent(match[1]);
  } catch {
    // Falls through: not a percent-encoding.
  }
  throw refuse.argument("to must be /devices/{deviceId}/messages/devicebound");
}

function inputOf(message: Message): C2dInput {
  const properties: Record<string, string> = Object.create(null);
  let ack: AckMode = "none";
  for (const [name, value] of Object.entries(message.application_properties ?? {})) {
    const text = String((value as { value?: unknown } | null)?.value ?? value);
    if (name.toLowerCase() !== "iothub-ack") properties[name] = text;
    else if (ACKS.has(text)) ack = text as AckMode;
    else throw refuse.argument("iothub-ack must be none, positive, negative or full");
  }
  const expiry = message.absolute_expiry_time;
  const expiresMs = expiry === undefined || expiry === null ? undefined : Number(expiry);
  const optional = (key: keyof C2dInput, value: unknown) =>
    value === undefined || value === null ? {} : { [key]: String(value) };
  return {
    body: bodyBytes(message) ?? Buffer.alloc(0),
    ack,
    properties,
    ...(expiresMs && Number.isFinite(expiresMs) ? { expiresMs } : {}),
    ...optional("messageId", message.message_id),
    ...optional("correlationId", message.correlation_id),
    ...optional("userId", message.user_id),
    ...optional("contentType", message.content_type),
    ...optional("contentEncoding", message.content_encoding),
  };
}

function refusalOf(error: unknown): AmqpRefusal {
  if (!(error instanceof HubError)) {
    return { condition: "amqp:internal-error", description: "the hub could not store it" };
  }
  const description = `ErrorCode:${error.symbol};${error.message}`;
  if (error.status === 404) return { condition: "amqp:not-found", description };
  if (error.code === 403004) return { condition: "amqp:resource-limit-exceeded", description };
  if (error.status === 413) return { condition: "amqp:link:message-size-exceeded", description };
  return { condition: "amqp:not-allowed", description };
}
