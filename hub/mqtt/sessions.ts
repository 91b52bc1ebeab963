import { Readable } from "node:stream";
import type { Collection, Store } from "../store.ts";

interface Subscription {
  readonly topic: string;
  readonly qos: 0 | 1;
}

/** The subscriptions of a persistent session (clean session 0), by client id. */
export type SessionRecord = readonly Subscription[];

interface ClientLike {
  readonly id: string;
}

/** What `aedes` asks of its persistence; only sessions matter here, a hub has no bus. */
export interface SessionPersistence {
  readonly collection: Collection<SessionRecord>;
  /** Filters each connected client may hold; those refused by SUBACK are not kept. */
  readonly allow: (clientId: string, filter: string) => boolean;
}

/**
 * The broker's persistence, reduced to durable subscriptions. Nothing is routed between clients,
 * nothing is retained, and messages to devices wait in `c2d.ts`, so the rest is empty.
 */
export function createSessionPersistence(
  store: Store,
  allow: (clientId: string, filter: string) => boolean,
  acknowledged: (clientId: string, messageId: number) => void,
) {
  const sessions = store.collection<SessionRecord>("sessions");
  const resolved = Promise.resolve();
  const none = Promise.resolve([]);
  const put = (clientId: string, record: SessionRecord) => {
    if (record.length === 0) sessions.delete(clientId);
    else sessions.put(clientId, record);
    return store.committed();
  };
  const empty = () => Readable.from([]);
  return {
    setup: async () => {},
    addSubscriptions: (client: ClientLike, added: readonly Subscription[]) => {
      const kept = new Map((sessions.get(client.id) ?? []).map((s) => [s.topic, s]));
      for (const { topic, qos } of added) {
        if (allow(client.id, topic)) kept.set(topic, { topic, qos: qos > 0 ? 1 : 0 });
      }
      return put(client.id, [...kept.values()]);
    },
    removeSubscriptions: (client: ClientLike, topics: readonly string[]) => {
      const before = sessions.get(client.id);
      if (before === undefined) return resolved;
      return put(
        client.id,
        before.filter(({ topic }) => !topics.includes(topic)),
      );
    },
    subscriptionsByClient: async (client: ClientLike) =>
      (sessions.get(client.id) ?? []).map((subscription) => ({ ...subscription })),
    cleanSubscriptions: (client: ClientLike) => put(client.id, []),
    subscriptionsByTopic: () => none,
    outgoingEnqueue: () => resolved,
    outgoingEnqueueCombi: () => resolved,
    outgoingUpdate: () => resolved,
    outgoingClearMessageId: async (client: ClientLike, packet: { messageId?: number }) => {
      if (packet.messageId !== undefined) acknowledged(client.id, packet.messageId);
    },
    outgoingStream: empty,
    streamWill: empty,
    createRetainedStreamCombi: empty,
    storeRetained: () => resolved,
    putWill: () => resolved,
    delWill: () => resolved,
    cleanIncoming: () => resolved,
    incomingStorePacket: () => Promise.reject(new Error("QoS 2 is not supported")),
    incomingGetPacket: () => Promise.reject(new Error("QoS 2 is not supported")),
    incomingDelPacket: () => resolved,
  };
}

/** `aedes` routes over this bus; the hub has nothing to route, so it only completes calls. */
export function createSilentBus() {
  type Done = ((error?: Error | null) => void) | undefined;
  return {
    current: 0,
    on: (_topic: string, _listener: unknown, done: Done) => done?.(),
    removeListener: (_topic: string, _listener: unknown, done: Done) => done?.(),
    emit: (_packet: unknown, done: Done) => done?.(null),
    close: (done: Done) => done?.(),
  };
}
