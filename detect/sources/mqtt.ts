/** Security messages from any MQTT 3.1.1 or 5 broker, by topic filter. */
import { connectAsync, type MqttClient } from "mqtt";
import { SECURITY_INTERFACE_ID } from "../../wire/events.ts";
import type { SourceMessage } from "../processor.ts";
import type { Source } from "./source.ts";

export interface MqttSourceConfig {
  readonly type: "mqtt";
  readonly url: string;
  readonly topics: readonly string[];
  /** 4: MQTT 3.1.1, 5: MQTT 5. Default 4. */
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

/**
 * Everything on the topics is taken for a security message. A message is acknowledged when
 * `ingest` has stored it.
 */
export async function startMqttSource(
  config: MqttSourceConfig,
  ingest: (message: SourceMessage) => Promise<void>,
  now: () => number,
): Promise<Source> {
  const { deviceLevel = 1, moduleLevel, version = 4, topics } = config;
  let error: string | null = null;
  const client: MqttClient = await connectAsync(config.url, {
    clientId: config.clientId ?? "picket-detect",
    clean: false,
    protocolVersion: version,
    username: config.username,
    password: config.password,
    ca: config.ca,
    reconnectPeriod: 1000,
    // MQTT 5 forgets a session at its end unless told otherwise (3.1.2.11.2).
    ...(version === 5 && { properties: { sessionExpiryInterval: SESSION_S } }),
  });
  client.on("error", (failure) => {
    error = failure.message;
  });
  client.handleMessage = (packet, done) => {
    const levels = packet.topic.split("/");
    const deviceId = levels[deviceLevel] ?? "";
    const moduleId = moduleLevel === undefined ? null : (levels[moduleLevel] ?? null);
    const { payload } = packet;
    const body = typeof payload === "string" ? Buffer.from(payload) : payload;
    ingest({
      deviceId,
      moduleId,
      body,
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
        client.reconnect();
      },
    );
  };
  await client.subscribeAsync([...topics], { qos: 1 });
  return {
    name: `mqtt ${config.url.replace(/\/\/[^@/]*@/, "//")}`,
    status: () => (client.connected ? error : (error ?? "not connected")),
    close: () => client.endAsync(),
  };
}
