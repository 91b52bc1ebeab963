import { X509Certificate } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { Aedes, type Client } from "aedes";
import mqttPacket from "mqtt-packet";
import type { HubLimits } from "../options.ts";
import type { Store } from "../store.ts";
import { guardStream } from "./guard.ts";
import { type Admit, type Connection, NOT_AUTHORIZED, type Peer } from "./peer.ts";
import { createSessionPersistence, createSilentBus } from "./sessions.ts";

/** The MQTT side: takes byte streams, asks `admit` who it is, and hands packets to the peer. */
export interface Broker {
  handle(stream: Duplex, origin: Origin, request?: IncomingMessage): void;
  /** Ends the connection of this broker id, if there is one. */
  disconnect(brokerId: string, reason: string): void;
  readonly connectionCount: number;
  close(): Promise<void>;
}

export interface Origin {
  readonly remoteAddress: string | null;
  readonly transport: "Mqtt" | "MqttWs";
  /** The TLS connection under a WebSocket, for its client certificate. */
  readonly tlsSocket?: TLSSocket;
  /** Told once the peer is known, so that it counts as half open no longer. */
  readonly admitted?: () => void;
}

export interface BrokerPorts {
  readonly admit: Admit;
  readonly store: Store;
  readonly limits: HubLimits;
  /** A connection that breaks the protocol, one line. */
  readonly violated: (peer: Peer | null, reason: string, origin: Origin | null) => void;
}

/** Parts of aedes' client that its types leave out. */
interface BrokerClient extends Client {
  readonly subscriptions: Readonly<Record<string, { readonly qos: 0 | 1 } | undefined>>;
  readonly will: unknown;
  readonly _parser: NodeJS.EventEmitter;
  readonly errored: boolean;
}

interface Subscribe {
  readonly cmd: string;
  readonly subscriptions?: { qos: number }[];
}

interface ConnectPacket {
  clientId: string;
  protocolVersion: number;
  keepalive?: number;
  clean?: boolean;
  username?: string;
  password?: Buffer;
  will?: { topic: string; qos: number; retain: boolean };
}

/** Azure's longest server timeout is 1767 s; the broker waits 1.5 times the keep-alive. */
const KEEP_ALIVE_SECONDS_MAX = 1178;
const PACKET_OVERHEAD_BYTES = 64 * 1024 + 16;
const CONNECT_BYTES_MAX = 64 * 1024;
const HEARTBEAT_MS = 3_600_000;
const UNSUPPORTED_VERSION = 99;

export async function createBroker(ports: BrokerPorts): Promise<Broker> {
  const { admit, limits, store, violated } = ports;
  const peers = new Map<string, Peer>();
  const peerOf = new WeakMap<Client, Peer>();
  const origins = new WeakMap<Client, Origin>();
  const requests = new WeakMap<Client, ConnectPacket>();
  const reasons = new WeakMap<Client, string>();
  const refusals = new WeakMap<Client, number>();

  const aedes = new Aedes({
    mq: createSilentBus(),
    persistence: createSessionPersistence(
      store,
      (brokerId, filter) => peers.get(brokerId)?.filters.includes(filter) ?? false,
      (brokerId, messageId) => peers.get(brokerId)?.acknowledged(messageId),
    ),
    heartbeatInterval: HEARTBEAT_MS,
    connectTimeout: limits.connectTimeoutMs,
    drainTimeout: limits.handshakeTimeoutMs,
    preConnect: (client, packet, done) => {
      const connect = packet as unknown as ConnectPacket;
      if (connect.protocolVersion !== 4) connect.protocolVersion = UNSUPPORTED_VERSION;
      const keepAlive = connect.keepalive || KEEP_ALIVE_SECONDS_MAX;
      connect.keepalive = Math.min(keepAlive, KEEP_ALIVE_SECONDS_MAX);
      requests.set(client, { ...connect });
      const peer = connect.protocolVersion === 4 ? decide(client, connect) : null;
      if (peer !== null && "brokerId" in peer) {
        connect.clientId = peer.brokerId;
        if (!peer.durable) connect.clean = true;
        peerOf.set(client, peer);
      }
      done(null, true);
    },
    authenticate: (client, _username, _password, done) => {
      const peer = peerOf.get(client);
      if (peer === undefined) {
        const error = Object.assign(new Error("not authorized"), {
          returnCode: refusals.get(client) ?? NOT_AUTHORIZED,
        });
        done(error, false);
        return;
      }
      origins.get(client)?.admitted?.();
      done(null, true);
    },
    authorizeSubscribe: (client, subscription, done) => {
      const peer = peerOf.get(client);
      const held = Object.keys((client as BrokerClient).subscriptions);
      const known = peer?.filters.includes(subscription.topic) ?? false;
      const room = held.includes(subscription.topic) || held.length < (peer?.subscriptionsMax ?? 0);
      done(null, known && room ? subscription : null);
    },
    authorizePublish: (client, packet, done) => {
      const peer = client === null ? undefined : peerOf.get(client);
      if (client === null || peer === undefined) return done(new Error("not connected"));
      const inbound = {
        topic: packet.topic,
        payload: packet.payload as Buffer,
        qos: packet.qos as 0 | 1,
        retain: packet.retain,
        isWill: (client as BrokerClient).will === (packet as unknown),
      };
      packet.retain = false; // Nothing is retained; the peer was told.
      try {
        const pending = peer.publish(inbound);
        if (pending === undefined) return done(null);
        pending.then(() => done(null), fail);
      } catch (error) {
        fail(error);
      }
      function fail(error: unknown) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
  });
  await aedes.listen();
  // What a device publishes is the peer's; there is nobody to route it to.
  (aedes as unknown as { publish: typeof swallow }).publish = swallow;
  // Violations of the protocol arrive as errors of the one connection.
  aedes.on("clientError", (client, error) => {
    reasons.set(client, error.message);
    if (refusals.has(client)) return; // Logged by who refused it.
    violated(peerOf.get(client) ?? null, error.message, origins.get(client) ?? null);
  });
  aedes.on("connectionError", (client, error) => {
    if (!refusals.has(client)) violated(null, error.message, origins.get(client) ?? null);
  });
  aedes.on("client", (client) => {
    const peer = peerOf.get(client);
    if (peer !== undefined) peers.set(peer.brokerId, peer);
  });
  aedes.on("keepaliveTimeout", (client) => reasons.set(client, "keep-alive timeout"));
  // Before any packet that follows the CONNECT is handled; subscriptions are restored by now.
  aedes.on("connackSent", ({ returnCode }, client) => {
    if (returnCode !== 0) return;
    peerOf.get(client)?.connected(connectionOf(client as BrokerClient));
  });
  aedes.on("clientDisconnect", (client) => {
    const peer = peerOf.get(client);
    if (peer === undefined) return;
    if (peers.get(peer.brokerId) === peer) peers.delete(peer.brokerId);
    peer.disconnected(reasons.get(client) ?? null);
  });
  aedes.on("subscribe", (subscriptions, client) => {
    for (const { topic, qos } of subscriptions) {
      if ((qos as number) < 128) peerOf.get(client)?.subscribed(topic);
    }
  });

  function decide(client: Client, connect: ConnectPacket) {
    const origin = origins.get(client);
    const decision = admit({
      clientId: connect.clientId,
      username: connect.username ?? "",
      password: connect.password === undefined ? null : connect.password.toString("utf8"),
      cleanSession: connect.clean ?? true,
      will: connect.will ?? null,
      chain: chainOf(origin?.tlsSocket ?? client.conn),
      remoteAddress: origin?.remoteAddress ?? null,
      transport: origin?.transport ?? "Mqtt",
    });
    if ("returnCode" in decision) refusals.set(client, decision.returnCode);
    return decision;
  }

  function connectionOf(client: BrokerClient): Connection {
    const close = (reason: string) => {
      if (!reasons.has(client)) reasons.set(client, reason);
      client.conn.destroy();
    };
    return {
      grantedQos: (filter) => client.subscriptions[filter]?.qos ?? null,
      send: (topic, payload, qos = 0, messageId) => {
        if (client.closed || client.conn.destroyed) return false;
        if (client.conn.writableLength > limits.sendBufferBytesMax) {
          close("client reads too slowly");
          return false;
        }
        const body = typeof payload === "string" ? payload : Buffer.from(payload);
        mqttPacket.writeToStream(
          { cmd: "publish", topic, payload: body, qos, messageId, retain: false, dup: false },
          client.conn,
        );
        return true;
      },
      close,
    };
  }

  const disconnect = (brokerId: string, reason: string) => {
    const client = clientsOf(aedes)[brokerId];
    if (client === undefined) return;
    if (!reasons.has(client)) reasons.set(client, reason);
    client.conn.destroy();
  };
  return {
    handle: (stream, origin, request) => {
      const bounds = {
        connectBytesMax: CONNECT_BYTES_MAX,
        packetBytesMax: limits.telemetryBytesMax + PACKET_OVERHEAD_BYTES,
      };
      let client: BrokerClient | null = null;
      guardStream(stream, bounds, (reason) => {
        if (client === null) return;
        reasons.set(client, reason);
        violated(peerOf.get(client) ?? null, reason, origin);
      });
      client = aedes.handle(stream, request) as BrokerClient;
      origins.set(client, origin);
      client._parser.prependListener("packet", limitQos);
    },
    disconnect,
    get connectionCount() {
      return peers.size;
    },
    close: () => new Promise((resolve) => aedes.close(() => resolve())),
  };
}

/** SUBSCRIBE with QoS 2 is granted QoS 1; the broker grants what the packet says. */
function limitQos(packet: Subscribe): void {
  if (packet.cmd !== "subscribe") return;
  for (const subscription of packet.subscriptions ?? []) {
    if (subscription.qos > 1) subscription.qos = 1;
  }
}

type Done = (error?: Error | null) => void;

/** Stands for the broker's `publish(packet, client?, done?)`. */
function swallow(_packet: unknown, client?: Client | Done | null, done?: Done): void {
  if (typeof client === "function") client();
  else done?.();
}

function clientsOf(aedes: Aedes): Readonly<Record<string, Client | undefined>> {
  return (aedes as unknown as { clients: Record<string, Client | undefined> }).clients;
}

/** The client's certificates, leaf first; empty over plain TCP and without one. */
export function chainOf(stream: Duplex): X509Certificate[] {
  if (!(stream instanceof TLSSocket)) return [];
  const chain: X509Certificate[] = [];
  const seen = new Set<string>();
  let current: ReturnType<TLSSocket["getPeerCertificate"]> | undefined =
    stream.getPeerCertificate(true);
  while (current?.raw !== undefined && !seen.has(current.fingerprint256)) {
    seen.add(current.fingerprint256);
    chain.push(new X509Certificate(current.raw));
    current = (current as { issuerCertificate?: typeof current }).issuerCertificate;
  }
  return chain;
}
