import type { Authenticated } from "../authenticate.ts";
import { identityKey } from "../ids.ts";
import type { OperationInput } from "../operations.ts";
import type { Telemetry, TelemetrySource } from "../telemetry.ts";
import { type Bag, parseBag } from "./bag.ts";
import type { DeviceSession } from "./device-session.ts";
import type { LiveDevicesPorts, LiveTable } from "./devices.ts";
import type { Connection, ConnectRequest, InboundPublish, Peer } from "./peer.ts";
import { allowedFilters, eventsTopic, parsePublishTopic } from "./topics.ts";
import type { ConnectName } from "./username.ts";

const CODE_TAKEN_OVER = 400027;
const CODE_CLOSED = 404104;

/** An authenticated device or module as the broker sees it. */
export function createDevicePeer(
  ports: LiveDevicesPorts,
  table: LiveTable,
  request: ConnectRequest,
  name: ConnectName,
  auth: Authenticated,
): Peer {
  const { clock, limits, telemetry, services } = ports;
  const key = identityKey(name);
  const events = eventsTopic(name);
  const activity = { ms: clock.now() };
  const ingest = createIngest(telemetry, {
    deviceId: name.deviceId,
    moduleId: name.moduleId,
    authMethod: auth.authMethod,
    generationId: auth.identity.generationId,
    modelId: name.modelId,
  });
  let session: DeviceSession | null = null;

  const record = (input: Pick<OperationInput, "operationName"> & Partial<OperationInput>) => {
    ports.operations.record({
      category: "Connections",
      deviceId: name.deviceId,
      moduleId: name.moduleId,
      protocol: request.transport,
      callerAddress: request.remoteAddress,
      ...input,
    });
  };
  if (table.live.has(key)) {
    record({
      operationName: "connectionTakenOver",
      level: "Warning",
      statusCode: CODE_TAKEN_OVER,
      reason: "the same identity connected again; the older connection is closed",
    });
  }
  const connected = (connection: Connection) => {
    const { deviceId, moduleId, modelId } = name;
    const { remoteAddress, transport } = request;
    const connectedMs = clock.now();
    const common = { key, deviceId, moduleId, modelId, auth, remoteAddress, transport };
    session = { ...common, connection, connectedMs };
    activity.ms = connectedMs;
    table.live.set(key, session);
    table.lastActivity.set(key, activity);
    table.connectionChangedMs.set(key, connectedMs);
    const properties = { authType: auth.type, policy: auth.policy };
    record({ operationName: "deviceConnect", properties });
    if (!ports.isCurrent(auth.identity)) {
      connection.close("identity changed while it connected");
      return;
    }
    for (const service of services) service.connected?.(session);
  };
  const disconnected = (reason: string | null) => {
    if (session === null) return;
    if (table.live.get(key) === session) table.live.delete(key);
    table.connectionChangedMs.set(key, clock.now());
    record({
      operationName: "deviceDisconnect",
      statusCode: reason === null ? null : CODE_CLOSED,
      level: reason === null ? "Information" : "Warning",
      reason,
    });
    for (const service of services) service.disconnected?.(session);
  };
  const publish = (packet: InboundPublish) => {
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
  };
  return {
    brokerId: key,
    durable: true,
    filters: allowedFilters(name),
    subscriptionsMax: limits.subscriptionsMax,
    connected,
    disconnected,
    publish,
    subscribed: (filter) => {
      if (session === null) return;
      for (const service of services) service.subscribed?.(session, filter);
    },
    acknowledged: (messageId) => {
      if (session === null) return;
      for (const service of services) service.acknowledged?.(session, messageId);
    },
  };
}

/** Devices mostly repeat their bag, so the last one is kept prepared. */
function createIngest(telemetry: Telemetry, source: TelemetrySource) {
  let last = { bagText: "", prepared: telemetry.prepare(source, parseBag("")) };
  return (packet: InboundPublish, bagText: string) => {
    if (packet.retain || packet.isWill) {
      const prepared = telemetry.prepare(source, markedBag(packet, bagText));
      return telemetry.ingest(prepared, packet.payload);
    }
    if (bagText !== last.bagText) {
      last = { bagText, prepared: telemetry.prepare(source, parseBag(bagText)) };
    }
    return telemetry.ingest(last.prepared, packet.payload);
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
