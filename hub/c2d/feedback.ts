import { randomUUID } from "node:crypto";
import type { Clock } from "../clock.ts";
import type { Store } from "../store.ts";
import type { C2dMessage, C2dQueues, Outcome } from "./queue.ts";

/** One line of a feedback message, as Azure sends it. */
export interface FeedbackRecord {
  readonly originalMessageId: string;
  readonly enqueuedTimeUtc: string;
  readonly statusCode: Outcome;
  readonly description: Outcome;
  readonly deviceId: string;
  readonly deviceGenerationId: string;
}

/** Records that are delivered together. */
export interface FeedbackBatch {
  readonly id: string;
  readonly records: readonly FeedbackRecord[];
}

export interface Feedback {
  /** Locks the next full or old enough batch; null: none yet. */
  receive(): FeedbackBatch | null;
  complete(batchId: string): boolean;
  /** Gives a locked batch back. */
  abandon(batchId: string): boolean;
  onReady(listener: () => void): () => void;
  /** Looks whether a batch has become old enough. */
  tick(): void;
}

export const FEEDBACK_CONTENT_TYPE = "application/vnd.microsoft.iothub.feedback.json";
/** A batch is sent when it is full or this old. Source: Azure IoT Hub, message feedback. */
const BATCH_RECORDS = 64;
const LOCK_MS = 60_000;
const RECORDS_MAX = 10_000;

interface Stored extends FeedbackRecord {
  readonly storedMs: number;
}

/**
 * Collects what became of messages whose sender asked (`iothub-ack`).
 *
 * @param batchMs age at which an incomplete batch is sent; Azure: 15 s
 */
export function createFeedback(
  store: Store,
  queues: C2dQueues,
  clock: Clock,
  batchMs: number,
): Feedback {
  const table = store.collection<Stored>("feedback");
  const locked = new Map<string, { keys: readonly string[]; untilMs: number }>();
  const lockedKeys = new Set<string>();
  const listeners = new Set<() => void>();
  let next = Math.max(0, ...[...table.keys()].map(Number)) + 1;

  queues.onSettled((message, outcome) => {
    if (!wants(message, outcome)) return;
    if (table.size >= RECORDS_MAX) {
      const [oldest] = table.keys();
      if (oldest !== undefined) table.delete(oldest);
    }
    table.put(String(next++), {
      originalMessageId: message.messageId,
      enqueuedTimeUtc: new Date(clock.now()).toISOString(),
      statusCode: outcome,
      description: outcome,
      deviceId: message.deviceId,
      deviceGenerationId: message.generationId,
      storedMs: clock.now(),
    });
  });

  const free = () => [...table.keys()].filter((key) => !lockedKeys.has(key));
  const isReady = (keys: readonly string[]) => {
    const oldest = keys[0] === undefined ? undefined : table.get(keys[0]);
    if (oldest === undefined) return false;
    return keys.length >= BATCH_RECORDS || clock.now() - oldest.storedMs >= batchMs;
  };
  const unlock = (id: string) => {
    const batch = locked.get(id);
    for (const key of batch?.keys ?? []) lockedKeys.delete(key);
    return locked.delete(id) ? batch : undefined;
  };
  const receive = () => {
    const keys = free();
    if (!isReady(keys)) return null;
    const taken = keys.slice(0, BATCH_RECORDS);
    const id = randomUUID();
    locked.set(id, { keys: taken, untilMs: clock.now() + LOCK_MS });
    for (const key of taken) lockedKeys.add(key);
    const records = taken.flatMap((key) => {
      const { storedMs: _storedMs, ...record } = table.get(key) as Stored;
      return record;
    });
    return { id, records };
  };
  return {
    receive,
    complete: (id) => {
      const batch = unlock(id);
      for (const key of batch?.keys ?? []) table.delete(key);
      return batch !== undefined;
    },
    abandon: (id) => unlock(id) !== undefined,
    onReady: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tick: () => {
      for (const [id, { untilMs }] of locked) if (untilMs <= clock.now()) unlock(id);
      if (listeners.size > 0 && isReady(free())) for (const listener of listeners) listener();
    },
  };
}

function wants({ ack }: C2dMessage, outcome: Outcome): boolean {
  if (ack === "full") return true;
  return outcome === "Success" ? ack === "positive" : ack === "negative";
}
