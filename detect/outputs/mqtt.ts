/** Alerts to an MQTT broker, QoS 1, one JSON document each. */
import { connectAsync, type MqttClient } from "mqtt";
import type { Output } from "./outbox.ts";

export interface MqttOutputConfig {
  readonly type: "mqtt";
  readonly name: string;
  /** For example mqtts://broker:8883. */
  readonly url: string;
  /** `{deviceId}`, `{severity}` and `{type}` are filled in. Default picket/alerts/{deviceId}. */
  readonly topic?: string;
  readonly username?: string;
  readonly password?: string;
  /** PEM. */
  readonly ca?: string;
}

const MS_MAX = 10_000;

export function createMqttOutput(config: MqttOutputConfig): Output {
  let client: MqttClient | null = null;
  const connect = async () => {
    if (client?.connected) return client;
    await client?.endAsync(true);
    const { username, password, ca } = config;
    // The outbox tries again; a client that reconnects by itself would hide failures from it.
    client = await connectAsync(
      config.url,
      {
        username,
        password,
        ca,
        connectTimeout: MS_MAX,
        reconnectPeriod: 0,
        clientId: `picket-${config.name}-${process.pid}`,
      },
      false,
    );
    client.on("error", () => undefined);
    return client;
  };
  return {
    name: config.name,
    async send(alerts) {
      const connected = await connect();
      for (const alert of alerts) {
        const topic = (config.topic ?? "picket/alerts/{deviceId}").replace(
          /\{(deviceId|severity|type)\}/g,
          (_, name: "deviceId" | "severity" | "type") => level(alert[name]),
        );
        await within(connected.publishAsync(topic, JSON.stringify(alert), { qos: 1 }), config.name);
      }
    },
    async close() {
      await client?.endAsync(true);
    },
  };
}

/** One level of a topic: no separators or wildcards (MQTT 3.1.1 4.7). */
const level = (text: string) => text.replace(/[/+#]/g, "_").replaceAll("\0", "_") || "hub";

async function within<T>(promise: Promise<T>, name: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`mqtt ${name}: no acknowledgement`)), MS_MAX);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
