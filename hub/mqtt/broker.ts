import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { Aedes, type AedesOptions, type Client } from "aedes";
import mqttPacket from "mqtt-packet";
import type { HubLimits } from "../options.ts";
import type { Store } from "../store.ts";
import { chainOf } from "./client-certificate.ts";
import { guardStream } from "./guard.ts";
import {
  type Admit,
  type Connection,
  type ConnectRequest,
  NOT_AUTHORIZED,
  type Peer,
  type Refusal,
} from "./peer.ts";
import { createSessionPersistence, createSilentBus } from "./sessions.ts";

/** The MQTT side: takes byte streams, asks `admit` who it is, and hands packets to the peer. */
export interface Broker {
  handle(stream: Duplex, origin: Origin, request?: IncomingMessage): void;
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

interface PublishPacket {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1;
  retain: boolean;
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
const SUBACK_FAILURE = 128;

/** What is known of each connection, from its CONNECT on. */
interface Tables {
  /** Registered connections by broker id. */
  readonly peers: Map<string, Peer>;
  readonly peerOf: WeakMap<Client, Peer>;
  readonly origins: WeakMap<Client, Origin>;
  readonly refusals: WeakMap<Client, Refusal>;
  /** Why a connection ends, the first reason found. */
  readonly reasons: WeakMap<Client, string>;
}

export async function createBroker(ports: BrokerPorts): Promise<Broker> {
  const { limits, violated } = ports;
  const tables: Tables = {
    peers: new Map(),
    peerOf: new WeakMap(),
    origins: new WeakMap(),
    refusals: new WeakMap(),
    reasons: new WeakMap(),
  };
  const { peers, peerOf, origins } = tables;
  const aedes = new Aedes(brokerOptions(ports, tables));
  await aedes.listen();
  // What a device publishes is the peer's; there is nobody to route it to.
  (aedes as unknown as { publish: typeof swallow }).publish = swallow;
  followConnections(aedes, ports, tables);
  const bounds = {
    connectBytesMax: CONNECT_BYTES_MAX,
    packetBytesMax: limits.telemetryBytesMax + PACKET_OVERHEAD_BYTES,
  };
  return {
    handle: (stream, origin, request) => {
      let client: BrokerClient | null = null;
      guardStream(stream, bounds, (reason) => {
        if (client === null) return;
        noteReason(tables, client, reason);
        violated(peerOf.get(client) ?? null, reason, origin);
      });
      client = aedes.handle(stream, request) as BrokerClient;
      origins.set(client, origin);
      client._parser.prependListener("packet", limitQos);
    },
    get connectionCount() {
      return peers.size;
    },
    close: () => new Promise((resolve) => aedes.close(() => resolve())),
  };
}

/** The broker's hooks: who may connect, subscribe and publish. */
function brokerOptions({ admit, store, limits }: BrokerPorts, tables: Tables): AedesOptions {
  const { peers, peerOf, origins, refusals } = tables;
  return {
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
      const keepAlive = connect.keepalive || KEEP_ALIVE_SECONDS_MAX;
      connect.keepalive = Math.min(keepAlive, KEEP_ALIVE_SECONDS_MAX);
      if (connect.protocolVersion !== 4) connect.protocolVersion = UNSUPPORTED_VERSION;
      else {
        const decision = admit(requestOf(client, connect, origins.get(client)));
        if ("returnCode" in decision) refusals.set(client, decision);
        else {
          peerOf.set(client, decision);
          connect.clientId = decision.brokerId;
          if (!decision.durable) connect.clean = true;
        }
      }
      done(null, true);
    },
    authenticate: (client, _username, _password, done) => {
      if (peerOf.has(client)) {
        origins.get(client)?.admitted?.();
        done(null, true);
        return;
      }
      const { returnCode = NOT_AUTHORIZED, reason = "not authorized" } = refusals.get(client) ?? {};
      done(Object.assign(new Error(reason), { returnCode }), false);
    },
    authorizeSubscribe: (client, subscription, done) => {
      const peer = peerOf.get(client);
      const held = Object.keys((client as BrokerClient).subscriptions);
      const isKnown = peer?.filters.includes(subscription.topic) ?? false;
      const isHeld = held.includes(subscription.topic);
      const hasRoom = isHeld || held.length < (peer?.subscriptionsMax ?? 0);
      done(null, isKnown && hasRoom ? subscription : null);
    },
    authorizePublish: (client, packet, done) => {
      const peer = client === null ? undefined : peerOf.get(client);
      if (client === null || peer === undefined) return done(new Error("not connected"));
      passOn(peer, client as BrokerClient, packet as unknown as PublishPacket, done);
    },
  };
}

/** PUBACK follows `done`, so the peer decides when a message is acknowledged. */
function passOn(peer: Peer, client: BrokerClient, packet: PublishPacket, done: Done): void {
  const { topic, payload, qos, retain } = packet;
  const isWill = client.will === packet;
  packet.retain = false; // Nothing is retained; the peer was told.
  const fail = (error: unknown) => done(error instanceof Error ? error : new Error(String(error)));
  try {
    const pending = peer.publish({ topic, payload, qos, retain, isWill });
    if (pending === undefined) done(null);
    else pending.then(() => done(null), fail);
  } catch (error) {
    fail(error);
  }
}

/** Tells peers when their connection begins and ends. */
function followConnections(aedes: Aedes, { limits, violated }: BrokerPorts, tables: Tables): void {
  const { peers, peerOf, origins, refusals, reasons } = tables;
  // Violations of the protocol arrive as errors of the one connection; refusals are logged by
  // who refused.
  const failed = (client: Client, error: Error) => {
    noteReason(tables, client, error.message);
    if (refusals.has(client)) return;
    violated(peerOf.get(client) ?? null, error.message, origins.get(client) ?? null);
  };
  aedes.on("clientError", failed);
  aedes.on("connectionError", failed);
  aedes.on("keepaliveTimeout", (client) => noteReason(tables, client, "keep-alive timeout"));
  aedes.on("client", (client) => {
    const peer = peerOf.get(client);
    if (peer !== undefined) peers.set(peer.brokerId, peer);
  });
  // Before any packet that follows the CONNECT is handled; subscriptions are restored by now.
  aedes.on("connackSent", ({ returnCode }, client) => {
    if (returnCode !== 0) return;
    peerOf.get(client)?.connected(connectionOf(client as BrokerClient, limits, tables));
  });
  aedes.on("clientDisconnect", (client) => {
    const peer = peerOf.get(client);
    if (peer === undefined) return;
    if (peers.get(peer.brokerId) === peer) peers.delete(peer.brokerId);
    peer.disconnected(reasons.get(client) ?? null);
  });
  aedes.on("subscribe", (subscriptions, client) => {
    for (const { topic, qos } of subscriptions) {
      if ((qos as number) < SUBACK_FAILURE) peerOf.get(client)?.subscribed(topic);
    }
  });
}

function connectionOf(client: BrokerClient, limits: HubLimits, tables: Tables): Connection {
  const close = (reason: string) => {
    noteReason(tables, client, reason);
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

function requestOf(
  client: Client,
  connect: ConnectPacket,
  origin: Origin | undefined,
): ConnectRequest {
  return {
    clientId: connect.clientId,
    username: connect.username ?? "",
    password: connect.password === undefined ? null : connect.password.toString("utf8"),
    cleanSession: connect.clean ?? true,
    will: connect.will ?? null,
    chain: chainOf(origin?.tlsSocket ?? client.conn),
    remoteAddress: origin?.remoteAddress ?? null,
    transport: origin?.transport ?? "Mqtt",
  };
}

function noteReason({ reasons }: Tables, client: Client, reason: string): void {
  if (!reasons.has(client)) reasons.set(client, reason);
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
