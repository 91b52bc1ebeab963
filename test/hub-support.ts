import { Agent } from "node:https";
import commonSdk from "azure-iot-common";
import deviceSdk from "azure-iot-device";
import mqttSdk from "azure-iot-device-mqtt";
import serviceSdk from "azure-iothub";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import type { Hub } from "../hub/hub.ts";
import { createSasToken } from "../hub/sas.ts";

/** Far enough for every test, seconds since the Unix epoch. */
export const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;

/** Where to dial what listens on another port than the SDK's fixed 443. */
interface RestClient {
  readonly _restApiClient: { setOptions(options: object): void };
}

export function ownerConnectionString(hub: Hub): string {
  return `HostName=localhost;SharedAccessKeyName=iothubowner;SharedAccessKey=${hub.ownerKey}`;
}

/** Points an SDK client at the hub's own HTTPS port; agents are closed with `agents`. */
export function redirect<T>(hub: Hub, client: T): T {
  const agent = new Agent({ port: hub.httpsPort as number, host: "localhost", ca: hub.caPem });
  (client as unknown as RestClient)._restApiClient.setOptions({ http: { agent } });
  return client;
}

export function registryOf(hub: Hub): serviceSdk.Registry {
  return redirect(hub, serviceSdk.Registry.fromConnectionString(ownerConnectionString(hub)));
}

/** A service client; its REST part is redirected, its AMQP part dials `hub.amqpPort`. */
export function serviceOf(hub: Hub): serviceSdk.Client {
  const host = hub.amqpPort === null ? "localhost" : `localhost:${hub.amqpPort}`;
  const text = ownerConnectionString(hub).replace("HostName=localhost", `HostName=${host}`);
  const client = serviceSdk.Client.fromConnectionString(text);
  client.setRetryPolicy(new commonSdk.NoRetry() as never);
  return redirect(hub, client);
}

function gateway(hub: Hub): string {
  return `GatewayHostName=localhost:${hub.mqttPort}`;
}

export async function openDevice(hub: Hub, deviceId: string, key: string) {
  const text = `HostName=localhost;DeviceId=${deviceId};SharedAccessKey=${key};${gateway(hub)}`;
  const client = deviceSdk.Client.fromConnectionString(text, mqttSdk.Mqtt);
  client.setRetryPolicy(new commonSdk.NoRetry());
  await client.setOptions({ ca: hub.caPem });
  await client.open();
  return client;
}

export async function openModule(hub: Hub, deviceId: string, moduleId: string, key: string) {
  const ids = `DeviceId=${deviceId};ModuleId=${moduleId}`;
  const text = `HostName=localhost;${ids};SharedAccessKey=${key};${gateway(hub)}`;
  const client = deviceSdk.ModuleClient.fromConnectionString(text, mqttSdk.Mqtt);
  client.setRetryPolicy(new commonSdk.NoRetry());
  await client.setOptions({ ca: hub.caPem });
  await client.open();
  return client;
}

/** A plain MQTT connection of a device or `device/module`. */
export async function dial(
  hub: Hub,
  clientId: string,
  key: string,
  options: IClientOptions = {},
): Promise<MqttClient> {
  const path = clientId.replace("/", "/modules/");
  return connectAsync(`mqtts://localhost:${hub.mqttPort}`, {
    ca: hub.caPem,
    clientId,
    username: `localhost/${clientId}/?api-version=2021-04-12`,
    password: createSasToken(`localhost/devices/${path}`, key, inAnHour()),
    protocolVersion: 4,
    clean: true,
    reconnectPeriod: 0,
    ...options,
  });
}

/** A REST call with the owner's token, as any HTTP client makes it; a Buffer is sent as it is. */
export async function rest(
  hub: Hub,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Record<string, unknown>; body: string }> {
  const { request } = await import("node:https");
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: "localhost",
        port: hub.httpsPort,
        ca: hub.caPem,
        method,
        path,
        agent: false,
        headers: {
          authorization: createSasToken("localhost", hub.ownerKey, inAnHour(), "iothubowner"),
          "content-type": "application/json; charset=utf-8",
          ...headers,
        },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk) => {
          text += chunk;
        });
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
        );
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body));
  });
}

/**
 * Runs a program with the official SDKs in a process of its own that trusts the hub's CA: some of
 * them take it from the environment only. `print(value)` gives the values that come back.
 */
export async function runSdk(hub: Hub, program: string): Promise<unknown[]> {
  const { spawn } = await import("node:child_process");
  const { mkdtemp, rm, writeFile } = await import("node:fs/promises");
  const { tmpdir } = await import("node:os");
  const { join } = await import("node:path");
  const dir = await mkdtemp(join(tmpdir(), "picket-hub-"));
  const ca = join(dir, "ca.pem");
  await writeFile(ca, hub.caPem);
  const source = `const print = (value) => console.log("\\u0001" + JSON.stringify(value));\n${program}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: ca },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), 12_000);
  const code = await new Promise((resolve) => child.once("close", resolve));
  clearTimeout(timer);
  await rm(dir, { recursive: true });
  if (code !== 0) throw new Error(`SDK program ended with ${code}: ${errors}${output}`);
  return output
    .split("\n")
    .filter((line) => line.startsWith("\u0001"))
    .map((line) => JSON.parse(line.slice(1)) as unknown);
}
