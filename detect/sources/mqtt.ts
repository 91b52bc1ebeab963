/** Security messages from any MQTT 3.1.1 or 5 broker, by topic filter. */
import { connect, type MqttClient } from "mqtt";
import { SECURITY_INTERFACE_ID } from "../../wire/events.ts";
import type { SourceMessage } from "../processor.ts";
import type { Source } from "./source.ts";

export interface MqttSourceConfig {
  readonly type: "mqtt";
  readonly url: string;
  readonly topics: readonly string[];
  /** 4: MQTT 3.1.1, 5: MQTT 5. When absent 5, and 3.1.1 with a broker that does not speak it. */
  readonly version?: 4 | 5;
  /** Level of the topic that names the device, from 0. Default 1, as in devices/ID/messages/. */
  readonly deviceLevel?: number;
  /** Same for the module; none when absent. */
  readonly moduleLevel?: number;
  readonly clientId?: string;
  readonly username?: string;
  readonly password?: string;
  readonly ca?: string;
}

/** How long a broker keeps messages for us while we are away, s. */
const SESSION_S = 86_400;
const RECONNECT_MS = 1000;

/**
 * Everything on the topics is taken for a security message. A message is acknowledged when
 * `ingest` has stored it.
 */
export async function startMqttSource(
  config: MqttSourceConfig,
  ingest: (message: SourceMessage) => Promise<void>,
  now: () => number,
): Promise<Source & { readonly protocolVersion: number | undefined }> {
  const { deviceLevel = 1, moduleLevel, topics } = config;
  let error: string | null = null;
  const client = await connectBest(config, (opened) => {
    opened.handleMessage = (packet, done) => {
      const levels = packet.topic.split("/");
      const { payload } = packet;
      ingest({
        deviceId: levels[deviceLevel] ?? "",
        moduleId: moduleLevel === undefined ? null : (levels[moduleLevel] ?? null),
        body: typeof payload === "string" ? Buffer.from(payload) : payload,
        systemProperties: { "iothub-interface-id": SECURITY_INTERFACE_ID },
        enqueuedTimeMs: now(),
      }).then(
        () => {
          error = null;
          done();
        },
        (failure: Error) => {
          // Not acknowledged: the broker sends it again after we connect anew.
          error = failure.message;
          opened.reconnect();
        },
      );
    };
  });
  client.on("error", (failure) => {
    error = failure.message;
  });
  await client.subscribeAsync([...topics], { qos: 1 });
  return {
    name: `mqtt ${config.url.replace(/\/\/[^@/]*@/, "//")}`,
    protocolVersion: client.options.protocolVersion,
    status: () => (client.connected ? error : (error ?? "not connected")),
    close: () => client.endAsync(),
  };
}

/** CONNACK of a broker that does not speak the version: 3.1.1 table 3.1, MQTT 5 table 3-1. */
const REFUSED_VERSION: readonly unknown[] = [1, 0x84];
const HUNG_UP = "the broker closed the connection";

async function connectBest(
  config: MqttSourceConfig,
  prepare: (client: MqttClient) => void,
): Promise<MqttClient> {
  if (config.version !== undefined) return open(config, config.version, prepare);
  try {
    return await open(config, 5, prepare);
  } catch (failure) {
    const { code, message } = failure as Error & { code?: unknown };
    // Old brokers hang up without a word.
    if (!REFUSED_VERSION.includes(code) && message !== HUNG_UP) throw failure;
    return open(config, 4, prepare);
  }
}

/** @param prepare what must stand before the first message, which may come with the CONNACK */
function open(
  config: MqttSourceConfig,
  version: 4 | 5,
  prepare: (client: MqttClient) => void,
): Promise<MqttClient> {
  const client = connect(config.url, {
    clientId: config.clientId ?? "picket-detect",
    clean: false,
    protocolVersion: version,
    username: config.username,
    password: config.password,
    ca: config.ca,
    reconnectPeriod: RECONNECT_MS,
    // MQTT 5 forgets a session at its end unless told otherwise (3.1.2.11.2).
    ...(version === 5 && { properties: { sessionExpiryInterval: SESSION_S } }),
  });
  prepare(client);
  return new Promise((resolve, reject) => {
    const settle = (error: Error | null) => {
      client.removeListener("connect", connected);
      client.removeListener("error", settle);
      client.removeListener("close", closed);
      if (error === null) return resolve(client);
      client.on("error", () => undefined); // What comes while it ends is of no use.
      client.end(true);
      reject(error);
    };
    const connected = () => settle(null);
    const closed = () => settle(new Error(HUNG_UP));
    client.on("connect", connected);
    client.on("error", settle);
    client.on("close", closed);
  });
}
