import { randomUUID } from "node:crypto";
import type { Clock } from "../clock.ts";
import { HubError, refuse } from "../errors.ts";
import type { Registry } from "../identity.ts";
import { isId } from "../ids.ts";
import type { OperationsLog } from "../operations.ts";
import type { Store } from "../store.ts";

export type AckMode = "none" | "positive" | "negative" | "full";
export type Outcome = "Success" | "Expired" | "DeliveryCountExceeded" | "Rejected" | "Purged";

/** What a service sends to a device. */
export interface C2dInput {
  readonly body: Uint8Array;
  readonly messageId?: string;
  readonly correlationId?: string;
  readonly userId?: string;
  readonly contentType?: string;
  readonly contentEncoding?: string;
  /** ms since the Unix epoch; none: the default time to live. */
  readonly expiresMs?: number;
  readonly ack: AckMode;
  readonly properties: Readonly<Record<string, string>>;
}

/** A message that waits for its device; JSON, so the body is base64. */
export interface C2dMessage {
  readonly deviceId: string;
  readonly generationId: string;
  /** Counts up over all devices; keeps the order. */
  readonly sequenceNumber: number;
  readonly messageId: string;
  readonly correlationId: string | null;
  readonly userId: string | null;
  readonly contentType: string | null;
  readonly contentEncoding: string | null;
  readonly enqueuedMs: number;
  readonly expiresMs: number;
  /** The sender gave the expiry, so the device is told. */
  readonly hasExpiry: boolean;
  readonly ack: AckMode;
  readonly properties: Readonly<Record<string, string>>;
  readonly bodyBase64: string;
  readonly deliveryCount: number;
}

export interface C2dQueues {
  /** @throws HubError 400, 403 (full), 404, 413 */
  send(deviceId: string, input: C2dInput): C2dMessage;
  waiting(deviceId: string): Iterable<C2dMessage>;
  count(deviceId: string): number;
  get(deviceId: string, sequenceNumber: number): C2dMessage | undefined;
  /** Takes the message off the queue. False: it was no longer there. */
  settle(deviceId: string, sequenceNumber: number, outcome: Outcome): boolean;
  /** Gives the message back; after the tenth time it is dead. */
  abandon(deviceId: string, sequenceNumber: number): boolean;
  /** @returns how many were dropped */
  purge(deviceId: string): number;
  expire(): void;
  onSent(listener: (message: C2dMessage) => void): void;
  onSettled(listener: (message: C2dMessage, outcome: Outcome) => void): void;
}

export interface C2dPorts {
  readonly store: Store;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly operations: OperationsLog;
  readonly queueMax: number;
  readonly bytesMax: number;
}

/** Azure's defaults: time to live 1 h, at most 2 d, ten deliveries. */
const TTL_MS = 3_600_000;
const TTL_MS_MAX = 48 * 3_600_000;
const DELIVERIES_MAX = 10;
const MESSAGE_ID_CHARS_MAX = 128;

const OPERATIONS: Readonly<Record<Outcome, string>> = {
  Success: "c2dComplete",
  Expired: "c2dExpire",
  DeliveryCountExceeded: "c2dDeadLetter",
  Rejected: "c2dReject",
  Purged: "c2dDrop",
};

export function createC2dQueues(ports: C2dPorts): C2dQueues {
  const { store, registry, clock, operations } = ports;
  const table = store.collection<C2dMessage>("c2d");
  const queues = new Map<string, Map<number, C2dMessage>>();
  const sentListeners: ((message: C2dMessage) => void)[] = [];
  const settledListeners: ((message: C2dMessage, outcome: Outcome) => void)[] = [];
  let last = 0;
  for (const message of [...table.values()].sort((a, b) => a.sequenceNumber - b.sequenceNumber)) {
    queueOf(message.deviceId).set(message.sequenceNumber, message);
    last = Math.max(last, message.sequenceNumber);
  }
  registry.onChange((event, identity) => {
    if (event !== "deleted" || identity.moduleId !== null) return;
    for (const { sequenceNumber } of queues.get(identity.deviceId)?.values() ?? []) {
      table.delete(keyOf(identity.deviceId, sequenceNumber));
    }
    queues.delete(identity.deviceId);
  });

  function queueOf(deviceId: string): Map<number, C2dMessage> {
    const queue = queues.get(deviceId) ?? new Map<number, C2dMessage>();
    queues.set(deviceId, queue);
    return queue;
  }
  const record = (deviceId: string, operationName: string, extra: object) => {
    operations.record({ category: "C2DCommands", operationName, deviceId, ...extra });
  };

  const send = (deviceId: string, input: C2dInput): C2dMessage => {
    try {
      const message = accept(deviceId, input);
      queueOf(deviceId).set(message.sequenceNumber, message);
      table.put(keyOf(deviceId, message.sequenceNumber), message);
      record(deviceId, "c2dSend", { properties: { messageId: message.messageId } });
      for (const listener of sentListeners) listener(message);
      return message;
    } catch (error) {
      if (error instanceof HubError) {
        const { code: statusCode, message: reason } = error;
        record(deviceId, "c2dSend", { result: "Failure", statusCode, reason });
      }
      throw error;
    }
  };

  function accept(deviceId: string, input: C2dInput): C2dMessage {
    if (!isId(deviceId)) throw refuse.argument("invalid device id");
    const identity = registry.require({ deviceId, moduleId: null });
    const bytes = inputBytes(input);
    if (bytes > ports.bytesMax) {
      throw refuse.tooLarge(`message of ${bytes} bytes is over the limit of ${ports.bytesMax}`);
    }
    const messageId = input.messageId ?? randomUUID();
    if (messageId.length > MESSAGE_ID_CHARS_MAX) {
      throw refuse.argument(`message id is over ${MESSAGE_ID_CHARS_MAX} characters`);
    }
    if ((queues.get(deviceId)?.size ?? 0) >= ports.queueMax) {
      const most = `the queue of ${deviceId} holds its ${ports.queueMax} messages`;
      throw new HubError(403, 403004, "DeviceMaximumQueueDepthExceeded", most);
    }
    const nowMs = clock.now();
    last += 1;
    return {
      deviceId,
      generationId: identity.generationId,
      sequenceNumber: last,
      messageId,
      correlationId: input.correlationId ?? null,
      userId: input.userId ?? null,
      contentType: input.contentType ?? null,
      contentEncoding: input.contentEncoding ?? null,
      enqueuedMs: nowMs,
      expiresMs: Math.min(input.expiresMs ?? nowMs + TTL_MS, nowMs + TTL_MS_MAX),
      hasExpiry: input.expiresMs !== undefined,
      ack: input.ack,
      properties: input.properties,
      bodyBase64: Buffer.from(input.body).toString("base64"),
      deliveryCount: 0,
    };
  }

  const settle = (deviceId: string, sequenceNumber: number, outcome: Outcome) => {
    const message = queues.get(deviceId)?.get(sequenceNumber);
    if (message === undefined) return false;
    queues.get(deviceId)?.delete(sequenceNumber);
    table.delete(keyOf(deviceId, sequenceNumber));
    record(deviceId, OPERATIONS[outcome], { properties: { messageId: message.messageId } });
    for (const listener of settledListeners) listener(message, outcome);
    return true;
  };
  const abandon = (deviceId: string, sequenceNumber: number) => {
    const message = queues.get(deviceId)?.get(sequenceNumber);
    if (message === undefined) return false;
    const deliveryCount = message.deliveryCount + 1;
    if (deliveryCount >= DELIVERIES_MAX) {
      return settle(deviceId, sequenceNumber, "DeliveryCountExceeded");
    }
    queues.get(deviceId)?.set(sequenceNumber, { ...message, deliveryCount });
    table.put(keyOf(deviceId, sequenceNumber), { ...message, deliveryCount });
    record(deviceId, "c2dAbandon", { properties: { messageId: message.messageId } });
    return true;
  };
  const purge = (deviceId: string) => {
    registry.require({ deviceId, moduleId: null });
    const messages = [...(queues.get(deviceId)?.keys() ?? [])];
    for (const sequenceNumber of messages) settle(deviceId, sequenceNumber, "Purged");
    record(deviceId, "c2dPurge", { protocol: "Http", properties: { messages: messages.length } });
    return messages.length;
  };
  const expire = () => {
    const nowMs = clock.now();
    for (const [deviceId, queue] of queues) {
      for (const message of queue.values()) {
        if (message.expiresMs <= nowMs) settle(deviceId, message.sequenceNumber, "Expired");
      }
    }
  };
  return {
    send,
    waiting: (deviceId) => queues.get(deviceId)?.values() ?? [],
    count: (deviceId) => queues.get(deviceId)?.size ?? 0,
    get: (deviceId, sequenceNumber) => queues.get(deviceId)?.get(sequenceNumber),
    settle,
    abandon,
    purge,
    expire,
    onSent: (listener) => {
      sentListeners.push(listener);
    },
    onSettled: (listener) => {
      settledListeners.push(listener);
    },
  };
}

function keyOf(deviceId: string, sequenceNumber: number): string {
  return `${deviceId}/${sequenceNumber}`;
}

function inputBytes(input: C2dInput): number {
  let bytes = input.body.length;
  for (const [name, value] of Object.entries(input.properties)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  for (const text of [input.messageId, input.correlationId, input.userId, input.contentType]) {
    bytes += Buffer.byteLength(text ?? "");
  }
  return bytes;
}
