/** The device's connection to its hub: MQTT 3.1.1 over TLS as a module identity (IoT Hub). */
import { connect, type IClientOptions, type MqttClient } from "mqtt";
import { SECURITY_INTERFACE_ID } from "../wire/events.ts";

export interface UplinkOptions {
  readonly host: string;
  readonly port: number;
  /** Name of the hub, as in its connection strings. */
  readonly hostName: string;
  readonly deviceId: string;
  readonly moduleId: string;
  /** Trusted certificates, PEM. */
  readonly caPem: string;
  /** Makes the SAS token of a connection; called for each one, since tokens end. */
  readonly createToken: () => string;
}

export interface Uplink {
  /**
   * Sends one security message with QoS 1.
   *
   * @returns true when the hub has acknowledged it; false when it could not be sent
   */
  send(bytes: Uint8Array): Promise<boolean>;
  close(): Promise<void>;
}

const API_VERSION = "2021-04-12";
const RECONNECT_MS = 1000;

/**
 * Connects; later it reconnects by itself.
 *
 * @throws Error with one line when the first connection is refused
 */
export async function connectUplink(options: UplinkOptions): Promise<Uplink> {
  const { deviceId, moduleId, hostName } = options;
  const settings: IClientOptions = {
    host: options.host,
    port: options.port,
    protocol: "mqtts",
    servername: hostName,
    ca: options.caPem,
    protocolVersion: 4,
    clean: false,
    clientId: `${deviceId}/${moduleId}`,
    username: `${hostName}/${deviceId}/${moduleId}/?api-version=${API_VERSION}`,
    password: options.createToken(),
    reconnectPeriod: RECONNECT_MS,
  };
  const client = connect(settings);
  await firstConnection(client, options);
  client.on("error", () => {}); // A lost connection: it comes back, `send` tells its caller.
  client.on("close", () => {
    client.options.password = options.createToken();
  });
  const property = `%24.ifid=${encodeURIComponent(SECURITY_INTERFACE_ID)}`;
  const topic = `devices/${deviceId}/modules/${moduleId}/messages/events/${property}`;
  return {
    async send(bytes) {
      if (!client.connected) return false;
      try {
        await client.publishAsync(topic, Buffer.from(bytes), { qos: 1 });
        return true;
      } catch {
        return false;
      }
    },
    close: () => client.endAsync(true),
  };
}

function firstConnection(client: MqttClient, options: UplinkOptions): Promise<void> {
  const { host, port, deviceId, moduleId } = options;
  return new Promise((resolve, reject) => {
    const refuse = (cause: Error): void => {
      client.end(true);
      const identity = `${deviceId}/${moduleId}`;
      reject(new Error(`hub ${host}:${port} refuses ${identity}: ${cause.message}`, { cause }));
    };
    client.once("error", refuse);
    client.once("connect", () => {
      client.off("error", refuse);
      resolve();
    });
  });
}
