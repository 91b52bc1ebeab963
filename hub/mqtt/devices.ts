import type { Authenticate, Authenticated } from "../authenticate.ts";
import type { Clock } from "../clock.ts";
import type { Identity } from "../identity.ts";
import type { IdentityRef } from "../ids.ts";
import { identityKey } from "../ids.ts";
import type { OperationsLog } from "../operations.ts";
import type { HubLimits } from "../options.ts";
import type { Telemetry } from "../telemetry.ts";
import { type Bag, parseBag } from "./bag.ts";
import {
  type Connection,
  type ConnectRequest,
  type InboundPublish,
  NOT_AUTHORIZED,
  type Peer,
  type Refusal,
} from "./peer.ts";
import { allowedFilters, eventsTopic, type PublishTopic, parsePublishTopic } from "./topics.ts";
import { type ConnectName, parseUsername } from "./username.ts";

/** A connected device or module. */
export interface DeviceSession extends IdentityRef {
  readonly key: string;
  readonly auth: Authenticated;
  readonly modelId: string | null;
  readonly connection: Connection;
  readonly connectedMs: number;
  readonly remoteAddress: string | null;
  readonly transport: "Mqtt" | "MqttWs";
}

/** What answers devices beyond telemetry; each part looks at its own topics. */
export interface DeviceService {
  connected?(session: DeviceSession): void;
  disconnected?(session: DeviceSession): void;
  subscribed?(session: DeviceSession, filter: string): void;
  acknowledged?(session: DeviceSession, messageId: number): void;
  /** True: it was this part's topic. */
  publish?(
    session: DeviceSession,
    topic: Exclude<PublishTopic, { kind: "telemetry" }>,
    payload: Buffer,
  ): boolean;
}

export interface LiveDevices {
  get(key: string): DeviceSession | undefined;
  readonly count: number;
  /** The connected devices and modules now. */
  sessions(): Iterable<DeviceSession>;
  admit(request: ConnectRequest): Peer | Refusal;
  /** Closes connections whose token has run out. */
  closeExpired(): void;
  /** When a device was last heard of; null: never since the hub started. */
  lastActivityMs(key: string): number | null;
  connectionChangedMs(key: string): number | null;
}

export interface LiveDevicesPorts {
  readonly authenticate: Authenticate;
  readonly clock: Clock;
  readonly limits: HubLimits;
  readonly operations: OperationsLog;
  readonly telemetry: Telemetry;
  readonly services: readonly DeviceService[];
  /** False: the identity was deleted, replaced or disabled since it was authenticated. */
  readonly isCurrent: (identity: Identity) => boolean;
}

const CODE_CLIENT_ID = 400027;
const CODE_TAKEN_OVER = 400027;
const CODE_EXPIRED = 401003;
const CODE_CLOSED = 404104;

export function createLiveDevices(ports: LiveDevicesPorts): LiveDevices {
  const { authenticate, clock, limits, operations, telemetry, services } = ports;
  const live = new Map<string, DeviceSession>();
  const lastActivity = new Map<string, { ms: number }>();
  const connectionChanged = new Map<string, number>();

  const admit = (request: ConnectRequest): Peer | Refusal => {
    const name = parseUsername(request.username);
    if (name === null) return refuseConnect(request, null, 400027, "user name is malformed");
    if (request.clientId !== identityKey(name)) {
      const reason = "client id differs from the user name's identity";
      return refuseConnect(request, name, CODE_CLIENT_ID, reason);
    }
    const auth = authenticate({
      ref: name,
      host: name.host,
      token: request.password,
      chain: request.chain,
    });
    if ("code" in auth) return refuseConnect(request, name, auth.code, auth.reason);
    const events = eventsTopic(name);
    const topic = request.will?.topic ?? events;
    if (topic !== events && !topic.startsWith(`${events}/`)) {
      return refuseConnect(request, name, 400027, "will topic is not the identity's own");
    }
    return createPeer(request, name, auth, events);
  };

  function refuseConnect(
    request: ConnectRequest,
    name: ConnectName | null,
    statusCode: number,
    reason: string,
  ): Refusal {
    operations.record({
      category: "Connections",
      operationName: "authenticationFailed",
      result: "Failure",
      deviceId: name?.deviceId ?? null,
      moduleId: name?.moduleId ?? null,
      statusCode,
      reason,
      protocol: request.transport,
      callerAddress: request.remoteAddress,
    });
    return { returnCode: NOT_AUTHORIZED, reason };
  }

  function createPeer(
    request: ConnectRequest,
    name: ConnectName,
    auth: Authenticated,
    events: string,
  ): Peer {
    const key = identityKey(name);
    let session: DeviceSession | null = null;
    const activity = { ms: clock.now() };
    const common = {
      deviceId: name.deviceId,
      moduleId: name.moduleId,
      protocol: request.transport,
      callerAddress: request.remoteAddress,
    } as const;
    const source = {
      deviceId: name.deviceId,
      moduleId: name.moduleId,
      authMethod: auth.authMethod,
      generationId: auth.identity.generationId,
      modelId: name.modelId,
    };
    if (live.has(key)) {
      operations.record({
        ...common,
        category: "Connections",
        operationName: "connectionTakenOver",
        level: "Warning",
        statusCode: CODE_TAKEN_OVER,
        reason: "the same identity connected again; the older connection is closed",
      });
    }

    let last = { bagText: "", prepared: telemetry.prepare(source, parseBag("")) };
    const ingest = (packet: InboundPublish, bagText: string) => {
      if (packet.retain || packet.isWill) {
        return telemetry.ingest(
          telemetry.prepare(source, markedBag(packet, bagText)),
          packet.payload,
        );
      }
      if (bagText !== last.bagText) {
        last = { bagText, prepared: telemetry.prepare(source, parseBag(bagText)) };
      }
      return telemetry.ingest(last.prepared, packet.payload);
    };
    return {
      brokerId: key,
      durable: true,
      filters: allowedFilters(name),
      subscriptionsMax: limits.subscriptionsMax,
      connected: (connection) => {
        session = {
          key,
          deviceId: name.deviceId,
          moduleId: name.moduleId,
          auth,
          modelId: name.modelId,
          connection,
          connectedMs: clock.now(),
          remoteAddress: request.remoteAddress,
          transport: request.transport,
        };
        live.set(key, session);
        activity.ms = clock.now();
        lastActivity.set(key, activity);
        connectionChanged.set(key, clock.now());
        operations.record({
          ...common,
          category: "Connections",
          operationName: "deviceConnect",
          properties: { authType: auth.type, policy: auth.policy },
        });
        if (!ports.isCurrent(auth.identity)) {
          connection.close("identity changed while it connected");
          return;
        }
        for (const service of services) service.connected?.(session);
      },
      disconnected: (reason) => {
        if (session === null) return;
        if (live.get(key) === session) live.delete(key);
        connectionChanged.set(key, clock.now());
        operations.record({
          ...common,
          category: "Connections",
          operationName: "deviceDisconnect",
          statusCode: reason === null ? null : CODE_CLOSED,
          level: reason === null ? "Information" : "Warning",
          reason,
        });
        for (const service of services) service.disconnected?.(session);
      },
      subscribed: (filter) => {
        if (session === null) return;
        for (const service of services) service.subscribed?.(session, filter);
      },
      acknowledged: (messageId) => {
        if (session === null) return;
        for (const service of services) service.acknowledged?.(session, messageId);
      },
      publish: (packet) => {
        activity.ms = clock.now();
        const topic = parsePublishTopic(packet.topic, events);
        if (topic === null) throw new Error("published to a topic that is not its own");
        if (topic.kind === "telemetry") return ingest(packet, topic.bag);
        const current = session;
        if (current === null) throw new Error("published before the connection was ready");
        if (!services.some((service) => service.publish?.(current, topic, packet.payload))) {
          throw new Error("published to a topic that is not supported");
        }
        return undefined;
      },
    };
  }

  const closeExpired = () => {
    const nowMs = clock.now();
    for (const session of live.values()) {
      if (session.auth.expiresMs === null || session.auth.expiresMs > nowMs) continue;
      operations.record({
        category: "Connections",
        operationName: "tokenExpired",
        result: "Failure",
        deviceId: session.deviceId,
        moduleId: session.moduleId,
        statusCode: CODE_EXPIRED,
        reason: "SAS token expired on a live connection",
        protocol: session.transport,
        callerAddress: session.remoteAddress,
      });
      session.connection.close("SAS token expired");
    }
  };
  return {
    get: (key) => live.get(key),
    get count() {
      return live.size;
    },
    sessions: () => live.values(),
    admit,
    closeExpired,
    lastActivityMs: (key) => lastActivity.get(key)?.ms ?? null,
    connectionChangedMs: (key) => connectionChanged.get(key) ?? null,
  };
}

/** The bag with what the hub adds for RETAIN and for wills. */
function markedBag(packet: InboundPublish, bagText: string): Bag {
  const bag = parseBag(bagText);
  const marks: Record<string, string> = {};
  if (packet.retain) marks["mqtt-retain"] = "true";
  if (packet.isWill) marks["iothub-MessageType"] = "Will";
  return { ...bag, application: Object.assign(Object.create(null), bag.application, marks) };
}
