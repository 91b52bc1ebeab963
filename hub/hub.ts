import type { TLSSocket } from "node:tls";
import { type AmqpServer, createAmqpServer } from "./amqp/server.ts";
import type { ServerCertificate } from "./certificates.ts";
import { createCore, type HubCore } from "./core.ts";
import { openCertificate, takeDataDir } from "./data-dir.ts";
import { createProvisioning } from "./dps/service.ts";
import type { Identity } from "./identity.ts";
import { openListener, plainAddress } from "./listener.ts";
import { type Broker, createBroker, type Origin } from "./mqtt/broker.ts";
import type { OperationListener } from "./operations.ts";
import type { HubOptions } from "./options.ts";
import { OWNER_POLICY } from "./policies.ts";
import { openRest } from "./rest/server.ts";
import type { TelemetryListener } from "./telemetry.ts";
import { serveWebSockets, type WebSocketRoute } from "./websocket.ts";

export type { OperationEntry, OperationListener } from "./operations.ts";
export type { HubOptions } from "./options.ts";
export type { TelemetryListener, TelemetryMessage } from "./telemetry.ts";

/** Symmetric keys of an identity, base64; empty texts when it uses certificates. */
export interface IdentityKeys {
  readonly primaryKey: string;
  readonly secondaryKey: string;
}

/** A running hub. */
export interface Hub {
  readonly host: string;
  readonly hostName: string;
  /** MQTT over TLS. */
  readonly mqttPort: number;
  /** REST and WebSocket; null: not asked for. */
  readonly httpsPort: number | null;
  /** AMQP over TLS; null: not asked for. */
  readonly amqpPort: number | null;
  /** MQTT without TLS; null: not asked for. */
  readonly plainMqttPort: number | null;
  /** What clients must trust, PEM. */
  readonly caPem: string;
  /** Primary key of the policy `iothubowner`, base64. */
  readonly ownerKey: string;
  /** The parts behind the protocols, for programs in the same process. */
  readonly core: HubCore;
  /** @throws HubError when the id is not allowed or taken */
  createDevice(deviceId: string): IdentityKeys;
  /** @throws HubError when the id is not allowed or taken, or the device is not registered */
  createModule(deviceId: string, moduleId: string): IdentityKeys;
  /** Calls back for each message from now on, before it is acknowledged. Returns what ends it. */
  onTelemetry(listener: TelemetryListener): () => void;
  onOperation(listener: OperationListener): () => void;
  /** Closes every connection and port; resolves within two seconds. */
  close(): Promise<void>;
}

const TICK_MS = 500;
const MQTT_PORT = 8883;
const WEBSOCKET_PATH = "/$iothub/websocket";
const FRAME_BYTES_MAX = 1024 * 1024;

/** Starts a hub. @throws Error of one line: a port in use, a directory taken, damaged state */
export async function createHub(options: HubOptions = {}): Promise<Hub> {
  const closers: Closer[] = [];
  const close = async () => {
    for (let next = closers.pop(); next !== undefined; next = closers.pop()) await next();
  };
  try {
    return await start(options, closers, close);
  } catch (error) {
    await close();
    throw error;
  }
}

/** What the listeners of one hub share. */
interface Context {
  readonly core: HubCore;
  readonly host: string;
  readonly certificate: ServerCertificate;
  readonly broker: Broker;
  readonly amqp: AmqpServer;
  readonly closers: Closer[];
}

type Closer = () => Promise<void> | void;

async function start(
  options: HubOptions,
  closers: Closer[],
  close: () => Promise<void>,
): Promise<Hub> {
  const host = options.host ?? "127.0.0.1";
  const dir = options.dataDir ?? null;
  if (dir !== null) closers.push(takeDataDir(dir));
  const core = createCore(options);
  closers.push(core.close);
  const names = [core.hostName, "localhost", "127.0.0.1", "::1", host];
  const certificate = await openCertificate(dir, options.certificate, names, core.clock.now());
  let mqttPort = 0;
  const provision =
    options.enrollments === undefined
      ? null
      : createProvisioning(core, options.enrollments, () => withPort(core.hostName, mqttPort));
  const broker = await createBroker({
    admit: (request) => provision?.(request) ?? core.devices.admit(request),
    store: core.store,
    limits: core.limits,
    violated: (peer, reason, origin) => {
      // The end of a peer that is known is logged with its reason.
      if (peer === null && origin !== null) recordViolation(core, reason, origin);
    },
  });
  closers.push(broker.close);
  const amqp = createAmqpServer(core);
  closers.push(amqp.close);
  const context: Context = { core, host, certificate, broker, amqp, closers };
  mqttPort = await listenMqtt(context, "MQTT", options.mqttPort ?? 0, certificate);
  const plainMqttPort = await optional(options.plainMqttPort, (port) =>
    listenMqtt(context, "plain MQTT", port, null),
  );
  const httpsPort = await optional(options.httpsPort, (port) => listenHttps(context, port));
  const amqpPort = await optional(options.amqpPort, (port) => listenAmqp(context, port));
  const timer = setInterval(core.tick, TICK_MS);
  closers.push(() => clearInterval(timer));

  const create = (deviceId: string, moduleId: string | null): IdentityKeys => {
    const identity = core.registry.create({ deviceId, moduleId }, {});
    core.store.flush();
    return keysOf(identity);
  };
  return {
    host,
    hostName: core.hostName,
    mqttPort,
    httpsPort,
    amqpPort,
    plainMqttPort,
    caPem: certificate.caPem,
    ownerKey: core.policies.find(({ keyName }) => keyName === OWNER_POLICY)?.primaryKey ?? "",
    core,
    createDevice: (deviceId) => create(deviceId, null),
    createModule: create,
    onTelemetry: core.telemetry.onMessage,
    onOperation: core.operations.onEntry,
    close,
  };
}

async function optional(
  port: number | null | undefined,
  listen: (port: number) => Promise<number>,
): Promise<number | null> {
  return port === null || port === undefined ? null : listen(port);
}

async function listenMqtt(
  { core, host, broker, closers }: Context,
  what: string,
  port: number,
  certificate: ServerCertificate | null,
): Promise<number> {
  const listener = await openListener({
    host,
    port,
    what,
    certificate,
    limits: core.limits,
    allows: core.admin.allows,
    accept: (stream, admitted) => {
      const remoteAddress = plainAddress(stream.remoteAddress);
      broker.handle(stream, { remoteAddress, transport: "Mqtt", admitted });
    },
  });
  closers.push(listener.close);
  return listener.port;
}

async function listenAmqp(
  { core, host, certificate, amqp, closers }: Context,
  port: number,
): Promise<number> {
  const listener = await openListener({
    host,
    port,
    what: "AMQP",
    certificate,
    limits: core.limits,
    allows: core.admin.allows,
    accept: (stream, admitted) => amqp.accept(stream, plainAddress(stream.remoteAddress), admitted),
  });
  closers.push(listener.close);
  return listener.port;
}

/** REST, and the WebSocket forms of MQTT and AMQP. */
async function listenHttps(
  { core, host, certificate, broker, amqp, closers }: Context,
  port: number,
): Promise<number> {
  const rest = await openRest(core, { host, port, certificate });
  closers.push(rest.close);
  const acceptMqtt: WebSocketRoute["accept"] = (stream, request, remoteAddress) => {
    const tlsSocket = request.socket as TLSSocket;
    broker.handle(stream, { remoteAddress, transport: "MqttWs", tlsSocket }, request);
  };
  const acceptAmqp: WebSocketRoute["accept"] = (stream, _request, address) =>
    amqp.accept(stream, address, () => {});
  const endWebSockets = serveWebSockets(rest.server, {
    allows: core.admin.allows,
    payloadBytesMax: FRAME_BYTES_MAX,
    routes: [
      { path: WEBSOCKET_PATH, protocol: "mqtt", accept: acceptMqtt },
      { path: WEBSOCKET_PATH, protocol: "AMQPWSB10", accept: acceptAmqp },
    ],
  });
  closers.push(endWebSockets);
  return rest.port;
}

function recordViolation(core: HubCore, reason: string, origin: Origin): void {
  core.operations.record({
    category: "Connections",
    operationName: "protocolViolation",
    result: "Failure",
    statusCode: 400027,
    reason,
    protocol: origin.transport,
    callerAddress: origin.remoteAddress,
  });
}

function withPort(hostName: string, port: number): string {
  return port === MQTT_PORT ? hostName : `${hostName}:${port}`;
}

function keysOf({ authentication }: Identity): IdentityKeys {
  return authentication.symmetricKey ?? { primaryKey: "", secondaryKey: "" };
}
