import type { TLSSocket } from "node:tls";
import { createAmqpServer } from "./amqp/server.ts";
import { createCore, type HubCore } from "./core.ts";
import { openCertificate, takeDataDir } from "./data-dir.ts";
import { createProvisioning } from "./dps/service.ts";
import type { Identity } from "./identity.ts";
import { openListener, plainAddress } from "./listener.ts";
import { createBroker } from "./mqtt/broker.ts";
import type { OperationListener } from "./operations.ts";
import type { HubOptions } from "./options.ts";
import { OWNER_POLICY } from "./policies.ts";
import { openRest } from "./rest/server.ts";
import type { TelemetryListener } from "./telemetry.ts";
import { serveWebSockets } from "./websocket.ts";

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
  const closers: (() => Promise<void> | void)[] = [];
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

async function start(
  options: HubOptions,
  closers: (() => Promise<void> | void)[],
  close: () => Promise<void>,
): Promise<Hub> {
  const host = options.host ?? "127.0.0.1";
  const dir = options.dataDir ?? null;
  if (dir !== null) closers.push(takeDataDir(dir));
  const core = createCore(options);
  closers.push(core.close);
  const { admin, limits } = core;
  const names = [core.hostName, "localhost", "127.0.0.1", "::1", host];
  const certificate = await openCertificate(dir, options.certificate, names, core.clock.now());
  const mqttPort = { value: 0 };
  const assignedHub = () =>
    mqttPort.value === MQTT_PORT ? core.hostName : `${core.hostName}:${mqttPort.value}`;
  const provision =
    options.enrollments === undefined
      ? null
      : createProvisioning(core, options.enrollments, assignedHub);
  const broker = await createBroker({
    admit: (request) => provision?.(request) ?? core.devices.admit(request),
    store: core.store,
    limits,
    violated: (peer, reason, origin) => {
      if (peer !== null || origin === null) return; // A known peer's end is logged with its reason.
      core.operations.record({
        category: "Connections",
        operationName: "protocolViolation",
        result: "Failure",
        statusCode: 400027,
        reason,
        protocol: origin.transport,
        callerAddress: origin.remoteAddress,
      });
    },
  });
  closers.push(broker.close);

  const listenMqtt = async (what: string, port: number, secured: boolean) => {
    const listener = await openListener({
      host,
      port,
      what,
      certificate: secured ? certificate : null,
      limits,
      allows: admin.allows,
      accept: (stream, admitted) => {
        const remoteAddress = plainAddress(stream.remoteAddress);
        broker.handle(stream, { remoteAddress, transport: "Mqtt", admitted });
      },
    });
    closers.push(listener.close);
    return listener.port;
  };
  mqttPort.value = await listenMqtt("MQTT", options.mqttPort ?? 0, true);
  const plainMqttPort =
    options.plainMqttPort == null
      ? null
      : await listenMqtt("plain MQTT", options.plainMqttPort, false);
  const amqp = createAmqpServer(core);
  closers.push(amqp.close);
  let httpsPort: number | null = null;
  if (options.httpsPort != null) {
    const rest = await openRest(core, { host, port: options.httpsPort, certificate });
    closers.push(rest.close);
    closers.push(
      serveWebSockets(rest.server, {
        allows: admin.allows,
        payloadBytesMax: FRAME_BYTES_MAX,
        routes: [
          {
            path: WEBSOCKET_PATH,
            protocol: "mqtt",
            accept: (stream, request, remoteAddress) =>
              broker.handle(
                stream,
                {
                  remoteAddress,
                  transport: "MqttWs",
                  tlsSocket: request.socket as TLSSocket,
                },
                request,
              ),
          },
          {
            path: WEBSOCKET_PATH,
            protocol: "AMQPWSB10",
            accept: (stream, _request, address) => amqp.accept(stream, address, () => {}),
          },
        ],
      }),
    );
    httpsPort = rest.port;
  }
  let amqpPort: number | null = null;
  if (options.amqpPort != null) {
    const listener = await openListener({
      host,
      port: options.amqpPort,
      what: "AMQP",
      certificate,
      limits,
      allows: admin.allows,
      accept: (stream, admitted) =>
        amqp.accept(stream, plainAddress(stream.remoteAddress), admitted),
    });
    closers.push(listener.close);
    amqpPort = listener.port;
  }
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
    mqttPort: mqttPort.value,
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

function keysOf({ authentication }: Identity): IdentityKeys {
  return authentication.symmetricKey ?? { primaryKey: "", secondaryKey: "" };
}
