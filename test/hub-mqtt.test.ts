import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHub, type Hub, type OperationEntry, type TelemetryMessage } from "../hub/hub.ts";
import { createSasToken } from "../hub/sas.ts";

const IN_AN_HOUR = Math.floor(Date.now() / 1000) + 3600;

let hub: Hub;
let operations: OperationEntry[];
let clients: MqttClient[];

beforeEach(async () => {
  hub = await createHub();
  operations = [];
  clients = [];
  hub.onOperation((entry) => operations.push(entry));
});

afterEach(async () => {
  for (const client of clients) client.end(true);
  await hub.close();
});

interface Dial {
  readonly clientId: string;
  readonly key: string;
  readonly resource?: string;
  readonly expiry?: number;
  readonly options?: IClientOptions;
}

async function dial({ clientId, key, resource, expiry, options }: Dial): Promise<MqttClient> {
  const path = clientId.replace("/", "/modules/");
  const client = await connectAsync(`mqtts://localhost:${hub.mqttPort}`, {
    ca: hub.caPem,
    clientId,
    username: `localhost/${clientId}/?api-version=2021-04-12&DeviceClientType=test`,
    password: createSasToken(resource ?? `localhost/devices/${path}`, key, expiry ?? IN_AN_HOUR),
    protocolVersion: 4,
    clean: true,
    reconnectPeriod: 0,
    ...options,
  });
  clients.push(client);
  return client;
}

function closeOf(client: MqttClient): Promise<void> {
  return new Promise((resolve) => {
    client.once("close", () => resolve());
  });
}

describe("hub mqtt", () => {
  it("mqtt: delivers a module's telemetry with its bag and the hub's stamps", async () => {
    hub.createDevice("dev-1");
    const { primaryKey } = hub.createModule("dev-1", "azureiotsecurity");
    const seen: TelemetryMessage[] = [];
    hub.onTelemetry((message) => {
      seen.push(message);
    });
    const client = await dial({ clientId: "dev-1/azureiotsecurity", key: primaryKey });
    const bag = "%24.ifid=urn%3Aazureiot%3ASecurity%3ASecurityAgent%3A1&k%20y=v%2F%C3%BC%26%3D&n";
    const topic = `devices/dev-1/modules/azureiotsecurity/messages/events/${bag}`;
    await client.publishAsync(topic, Buffer.from([1, 2, 3]), { qos: 1 });
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ deviceId: "dev-1", moduleId: "azureiotsecurity" });
    expect([...(seen[0]?.body ?? [])]).toEqual([1, 2, 3]);
    expect(seen[0]?.applicationProperties).toEqual({ "k y": "v/ü&=", n: null });
    expect(seen[0]?.systemProperties).toMatchObject({
      "iothub-interface-id": "urn:azureiot:Security:SecurityAgent:1",
      "iothub-connection-device-id": "dev-1",
      "iothub-connection-module-id": "azureiotsecurity",
      "iothub-message-source": "Telemetry",
    });
  });

  it("mqtt: acknowledges telemetry only when the listener is done", async () => {
    const { primaryKey } = hub.createDevice("dev-1");
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    hub.onTelemetry(() => gate);
    const client = await dial({ clientId: "dev-1", key: primaryKey });
    let acknowledged = false;
    const published = client
      .publishAsync("devices/dev-1/messages/events/", "x", { qos: 1 })
      .then(() => {
        acknowledged = true;
      });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(acknowledged).toBe(false);
    release();
    await published;
    expect(acknowledged).toBe(true);
  });

  it("mqtt: acknowledges in the order of the messages when listeners take different times", async () => {
    const { primaryKey } = hub.createDevice("dev-1");
    hub.onTelemetry(async ({ body }) => {
      const ms = Number(Buffer.from(body).toString());
      if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    });
    const client = await dial({ clientId: "dev-1", key: primaryKey });
    const acknowledged: string[] = [];
    const publish = async (text: string) => {
      await client.publishAsync("devices/dev-1/messages/events/", text, { qos: 1 });
      acknowledged.push(text);
    };
    await Promise.all(["100", "0", "50", "1"].map(publish));
    expect(acknowledged).toEqual(["100", "0", "50", "1"]);
  });

  it("mqtt: closes the connection without acknowledgement when a listener fails", async () => {
    const { primaryKey } = hub.createDevice("dev-1");
    hub.onTelemetry(() => Promise.reject(new Error("store is full")));
    const client = await dial({ clientId: "dev-1", key: primaryKey });
    const closed = closeOf(client);
    let isAcknowledged = false;
    client.publish("devices/dev-1/messages/events/", "x", { qos: 1 }, (error) => {
      isAcknowledged = !error;
    });
    await closed;
    expect(isAcknowledged).toBe(false);
    await expect.poll(() => operations.at(-1)?.reason).toBe("store is full");
  });

  it.each([
    ["a wrong key", { key: Buffer.alloc(32, 7).toString("base64") }, "signature"],
    ["an expired token", { expiry: 1_000_000 }, "expired"],
    ["another device's resource", { resource: "localhost/devices/dev" }, "another resource"],
    ["another hub's host", { resource: "other/devices/dev-1" }, "another resource"],
    ["an unknown device", { clientId: "dev-2" }, "not registered"],
    ["a client id that differs", { options: { clientId: "dev-9" } }, "client id"],
    ["another hub in the user name", { options: { username: "x/dev-1/?a=b" } }, "host name"],
  ])("mqtt: refuses CONNECT with code 5 at %s", async (_name, change, reason) => {
    const { primaryKey } = hub.createDevice("dev-1");
    const attempt = dial({ clientId: "dev-1", key: primaryKey, ...change });
    await expect(attempt).rejects.toMatchObject({ code: 5 });
    expect(operations.at(-1)).toMatchObject({
      operationName: "authenticationFailed",
      result: "Failure",
    });
    expect(operations.at(-1)?.reason).toContain(reason);
  });

  it.each([
    ["another device's events", "devices/dev-2/messages/events/"],
    ["its own module's events", "devices/dev-1/modules/m/messages/events/"],
    ["an id that it is a prefix of", "devices/dev-1/messages/events2/"],
    ["an unknown topic", "anything"],
    ["the broker's own topics", "$SYS/x/heartbeat"],
  ])("mqtt: closes the connection at a publish to %s", async (_name, topic) => {
    hub.createDevice("dev-2");
    const { primaryKey } = hub.createDevice("dev-1");
    const seen: TelemetryMessage[] = [];
    hub.onTelemetry((message) => {
      seen.push(message);
    });
    const client = await dial({ clientId: "dev-1", key: primaryKey });
    const closed = closeOf(client);
    client.publish(topic, "x", { qos: 1 });
    await closed;
    expect(seen).toEqual([]);
  });

  it.each(["#", "+/+/messages/events/#", "devices/dev-2/messages/devicebound/#", "$SYS/#", "x"])(
    "mqtt: refuses a subscription at filter %s",
    async (filter) => {
      const { primaryKey } = hub.createDevice("dev-1");
      const client = await dial({ clientId: "dev-1", key: primaryKey });
      await expect(client.subscribeAsync(filter, { qos: 1 })).rejects.toThrow(/Unspecified error/i);
    },
  );

  it("mqtt: grants QoS 1 at a subscription with QoS 2", async () => {
    const { primaryKey } = hub.createDevice("dev-1");
    const client = await dial({ clientId: "dev-1", key: primaryKey });
    const granted = await client.subscribeAsync("devices/dev-1/messages/devicebound/#", { qos: 2 });
    expect(granted[0]?.qos).toBe(1);
  });

  it("mqtt: closes the connection at a publish with QoS 2", async () => {
    const { primaryKey } = hub.createDevice("dev-1");
    const client = await dial({ clientId: "dev-1", key: primaryKey });
    const closed = closeOf(client);
    client.publish("devices/dev-1/messages/events/", "x", { qos: 2 });
    await closed;
    await expect.poll(() => operations.at(-1)?.reason).toBe("QoS 2");
  });

  it("mqtt: the second connection of an identity ends the first", async () => {
    const { primaryKey } = hub.createDevice("dev-1");
    const first = await dial({ clientId: "dev-1", key: primaryKey });
    const closed = closeOf(first);
    const second = await dial({ clientId: "dev-1", key: primaryKey });
    await closed;
    expect(second.connected).toBe(true);
    expect(operations.map((entry) => entry.operationName)).toContain("connectionTakenOver");
  });

  it("mqtt: closes a live connection when its token runs out", async () => {
    const { primaryKey } = hub.createDevice("dev-1");
    const expiry = Math.floor(Date.now() / 1000) + 2;
    const client = await dial({ clientId: "dev-1", key: primaryKey, expiry });
    await closeOf(client);
    expect(Date.now() / 1000).toBeGreaterThanOrEqual(expiry);
    expect(operations.map((entry) => entry.operationName)).toContain("tokenExpired");
  });

  it("mqtt: ingests the will of a connection that breaks", async () => {
    const { primaryKey } = hub.createDevice("dev-1");
    const seen: TelemetryMessage[] = [];
    hub.onTelemetry((message) => {
      seen.push(message);
    });
    const will = { topic: "devices/dev-1/messages/events/a=b", payload: Buffer.from("gone") };
    const client = await dial({ clientId: "dev-1", key: primaryKey, options: { will } });
    client.stream.destroy();
    await expect.poll(() => seen.length).toBe(1);
    expect(seen[0]?.applicationProperties).toEqual({ a: "b", "iothub-MessageType": "Will" });
  });

  it("mqtt: RETAIN is told as a property and nothing is retained", async () => {
    const { primaryKey } = hub.createDevice("dev-1");
    const seen: TelemetryMessage[] = [];
    hub.onTelemetry((message) => {
      seen.push(message);
    });
    const client = await dial({ clientId: "dev-1", key: primaryKey });
    await client.publishAsync("devices/dev-1/messages/events/", "x", { qos: 1, retain: true });
    await client.publishAsync("devices/dev-1/messages/events/", "y", { qos: 1 });
    expect(seen.map(({ applicationProperties }) => applicationProperties)).toEqual([
      { "mqtt-retain": "true" },
      {},
    ]);
  });

  it.each([
    ["3.1", { protocolId: "MQIsdp", protocolVersion: 3 }],
    ["5", { protocolVersion: 5 }],
  ] as const)("mqtt: refuses MQTT %s", async (_name, version) => {
    const { primaryKey } = hub.createDevice("dev-1");
    const options = version as IClientOptions;
    await expect(dial({ clientId: "dev-1", key: primaryKey, options })).rejects.toThrow();
  });

  it("mqtt: a policy with DeviceConnect signs for any device, one without for none", async () => {
    hub.createDevice("dev-1");
    const policyKey = (name: string) =>
      hub.core.policies.find(({ keyName }) => keyName === name)?.primaryKey ?? "";
    const password = (name: string) =>
      createSasToken("localhost/devices", policyKey(name), IN_AN_HOUR, name);
    const tryPolicy = (name: string) =>
      dial({ clientId: "dev-1", key: "", options: { password: password(name) } });
    await (await tryPolicy("device")).endAsync();
    await expect(tryPolicy("service")).rejects.toMatchObject({ code: 5 });
  });

  it("hub: one line with the port at a port in use", async () => {
    const second = createHub({ mqttPort: hub.mqttPort });
    await expect(second).rejects.toThrow(`MQTT port ${hub.mqttPort} on 127.0.0.1 is in use`);
  });

  it("hub: close ends connections within two seconds", async () => {
    const { primaryKey } = hub.createDevice("dev-1");
    const client = await dial({ clientId: "dev-1", key: primaryKey });
    const closed = closeOf(client);
    const startMs = performance.now();
    await hub.close();
    await closed;
    expect(performance.now() - startMs).toBeLessThan(2000);
  });
});
