import deviceSdk from "azure-iot-device";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHub, type Hub, type TelemetryMessage } from "../hub/hub.ts";
import { openDevice, openModule, registryOf, rest, serviceOf } from "./hub-support.ts";

let hub: Hub;

beforeAll(async () => {
  hub = await createHub({ httpsPort: 0 });
});

afterAll(() => hub.close());

describe("hub with the official SDKs", () => {
  it("registry: creates, reads, updates, lists and deletes devices", async () => {
    const registry = registryOf(hub);
    const created = await registry.create({ deviceId: "reg-1" });
    expect(created.responseBody.deviceId).toBe("reg-1");
    const { primaryKey } = created.responseBody.authentication?.symmetricKey ?? {};
    expect(Buffer.from(primaryKey ?? "", "base64")).toHaveLength(32);
    await expect(registry.create({ deviceId: "reg-1" })).rejects.toMatchObject({
      name: "DeviceAlreadyExistsError",
    });
    const updated = await registry.update({ deviceId: "reg-1", status: "disabled" });
    expect(updated.responseBody.status).toBe("disabled");
    const read = await registry.get("reg-1");
    expect(read.responseBody).toMatchObject({
      status: "disabled",
      connectionState: "Disconnected",
      cloudToDeviceMessageCount: 0,
      authentication: { type: "sas", symmetricKey: { primaryKey } },
    });
    const all = await registry.list();
    expect(all.responseBody.map((device) => device.deviceId)).toContain("reg-1");
    await registry.delete("reg-1");
    await expect(registry.get("reg-1")).rejects.toMatchObject({ name: "DeviceNotFoundError" });
  });

  it("registry: adds, updates and removes in bulk, with an error for each that failed", async () => {
    const registry = registryOf(hub);
    const devices = ["bulk-1", "bulk-2"].map((deviceId) => ({ deviceId }));
    const added = await registry.addDevices(devices);
    expect(added.responseBody).toMatchObject({ isSuccessful: true, errors: [] });
    const again = await rest(hub, "POST", "/devices", [
      { id: "bulk-1", importMode: "create" },
      { id: "bulk-3", importMode: "create" },
      { id: "bulk-2", importMode: "DeleteIfMatchETag", eTag: "AAAA" },
    ]);
    expect([again.status, again.headers["iothub-errorcode"]]).toEqual([
      400,
      "BulkRegistryOperationFailure",
    ]);
    expect(JSON.parse(again.body)).toMatchObject({
      isSuccessful: false,
      errors: [
        { deviceId: "bulk-1", errorCode: "DeviceAlreadyExists" },
        { deviceId: "bulk-2", errorCode: "PreconditionFailed" },
      ],
    });
    const { responseBody } = await registry.getRegistryStatistics();
    expect(responseBody.totalDeviceCount).toBeGreaterThanOrEqual(2);
    const removed = await registry.removeDevices(devices, true);
    expect(removed.responseBody.isSuccessful).toBe(true);
  });

  it("registry: refuses a changed etag", async () => {
    const registry = registryOf(hub);
    await registry.create({ deviceId: "etag-1" });
    const { responseBody: twin } = await registry.getTwin("etag-1");
    await twin.update({ tags: { a: 1 } });
    const stale = registry.updateTwin("etag-1", { tags: { a: 2 } }, "AAAA");
    await expect(stale).rejects.toMatchObject({ name: "InvalidEtagError" });
  });

  it("modules: are created under a device and listed with it", async () => {
    const registry = registryOf(hub);
    await registry.create({ deviceId: "mod-1" });
    await registry.addModule({ deviceId: "mod-1", moduleId: "azureiotsecurity" });
    const { responseBody } = await registry.getModulesOnDevice("mod-1");
    expect(responseBody.map((module) => module.moduleId)).toEqual(["azureiotsecurity"]);
    const { responseBody: module } = await registry.getModule("mod-1", "azureiotsecurity");
    expect(module.authentication?.symmetricKey?.primaryKey).toBeTruthy();
    await registry.removeModule("mod-1", "azureiotsecurity");
    await expect(registry.getModule("mod-1", "azureiotsecurity")).rejects.toThrow();
  });

  it("telemetry: security messages of a module arrive with their interface id", async () => {
    hub.createDevice("tel-1");
    const { primaryKey } = hub.createModule("tel-1", "azureiotsecurity");
    const seen: TelemetryMessage[] = [];
    const end = hub.onTelemetry((message) => {
      seen.push(message);
    });
    const client = await openModule(hub, "tel-1", "azureiotsecurity", primaryKey);
    const message = new deviceSdk.Message("{}");
    message.messageId = "m 1";
    message.contentType = "application/json";
    message.setAsSecurityMessage();
    message.properties.add("k", "v=1&2");
    await client.sendEvent(message);
    await client.sendOutputEvent("out", new deviceSdk.Message("o"));
    end();
    await client.close();
    expect(seen[0]?.systemProperties).toMatchObject({
      "message-id": "m 1",
      "content-type": "application/json",
      "iothub-interface-id": "urn:azureiot:Security:SecurityAgent:1",
    });
    expect(seen[0]?.applicationProperties).toEqual({ k: "v=1&2" });
    expect(seen[1]?.systemProperties["iothub-output-name"]).toBe("out");
    const today = hub.core.quota.records(null).find(({ deviceId }) => deviceId === "tel-1");
    expect(today).toMatchObject({ securityMessages: 1, securityUnits: 1, messages: 1 });
  });

  it("twin: desired changes reach the module and reported ones the service", async () => {
    const registry = registryOf(hub);
    hub.createDevice("twin-1");
    const { primaryKey } = hub.createModule("twin-1", "m");
    const client = await openModule(hub, "twin-1", "m", primaryKey);
    const twin = await client.getTwin();
    expect(twin.properties.desired.$version).toBe(1);
    const changes: { level?: number; $version: number }[] = [];
    twin.on("properties.desired", (change) => changes.push(change));
    await expect.poll(() => changes.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const desired = { level: 5, gone: null, deep: { a: [1, { b: 2 }] } };
    await registry.updateModuleTwin("twin-1", "m", { properties: { desired } }, "*");
    await expect.poll(() => changes.at(-1)?.level).toBe(5);
    expect(changes.at(-1)?.$version).toBe(2);
    await new Promise<void>((resolve, reject) =>
      twin.properties.reported.update({ firmware: "1.2" }, (error: Error | null) =>
        error ? reject(error) : resolve(),
      ),
    );
    const { responseBody } = await registry.getModuleTwin("twin-1", "m");
    expect(responseBody.properties.reported).toMatchObject({ firmware: "1.2", $version: 2 });
    expect(responseBody.properties.desired).toMatchObject({ level: 5, deep: { a: [1, { b: 2 }] } });
    expect(responseBody.properties.desired.$metadata.level.$lastUpdated).toMatch(/^\d{4}-/);
    await client.close();
  });

  it("twin: a reported patch that breaks a rule is refused with its reason", async () => {
    const { primaryKey } = hub.createDevice("twin-2");
    const client = await openDevice(hub, "twin-2", primaryKey);
    const twin = await client.getTwin();
    const failed = new Promise<Error | null>((resolve) =>
      twin.properties.reported.update({ "a.b": 1 }, resolve),
    );
    expect(String(await failed)).toContain("reported: key");
    await client.close();
  });

  it("method: answers, is refused when offline, times out", async () => {
    const { primaryKey } = hub.createDevice("method-1");
    const service = serviceOf(hub);
    const params = { methodName: "reboot", payload: { in: 1 }, responseTimeoutInSeconds: 5 };
    await expect(service.invokeDeviceMethod("method-1", params)).rejects.toMatchObject({
      response: { statusCode: 404 },
    });
    const client = await openDevice(hub, "method-1", primaryKey);
    client.onDeviceMethod("reboot", (request, response) => {
      response.send(201, { got: request.payload }, () => {});
    });
    client.onDeviceMethod("silent", () => {});
    await expect.poll(() => hub.core.devices.get("method-1")).toBeTruthy();
    const waiting = { ...params, connectTimeoutInSeconds: 5 };
    const answer = await service.invokeDeviceMethod("method-1", waiting);
    expect(answer.result).toEqual({ status: 201, payload: { got: { in: 1 } } });
    const silent = service.invokeDeviceMethod("method-1", { ...params, methodName: "silent" });
    await expect(silent).rejects.toMatchObject({ response: { statusCode: 504 } });
    await client.close();
  }, 15_000);

  it("c2d: waits for the device, and is delivered with its properties", async () => {
    const { primaryKey } = hub.createDevice("c2d-1");
    const sent = await rest(
      hub,
      "POST",
      "/devices/c2d-1/messages/devicebound",
      { a: 1 },
      {
        "iothub-messageid": "id 1",
        "iothub-app-k": "v/ü".normalize().replace("ü", "u"),
        "iothub-ack": "full",
      },
    );
    expect(sent.status).toBe(204);
    const client = await openDevice(hub, "c2d-1", primaryKey);
    const received = new Promise<deviceSdk.Message>((resolve) => client.on("message", resolve));
    const message = await received;
    expect(message.messageId).toBe("id 1");
    expect(message.getData().toString()).toBe('{"a":1}');
    expect(message.properties.getValue("k")).toBe("v/u");
    await client.complete(message);
    await expect.poll(() => hub.core.queues.count("c2d-1")).toBe(0);
    await client.close();
  });

  it("query: selects devices and pages", async () => {
    const registry = registryOf(hub);
    for (const n of [1, 2, 3]) {
      hub.createDevice(`q-${n}`);
      await registry.updateTwin(`q-${n}`, { tags: { floor: n, site: "x" } }, "*");
    }
    const query = registry.createQuery("SELECT * FROM devices WHERE tags.site = 'x'", 2);
    const first = await query.nextAsTwin();
    expect(first.result).toHaveLength(2);
    expect(query.hasMoreResults).toBe(true);
    const second = await query.nextAsTwin();
    expect(second.result.map((twin: { deviceId: string }) => twin.deviceId)).toEqual(["q-3"]);
    expect(query.hasMoreResults).toBe(false);
    const count = registry.createQuery(
      "SELECT COUNT() AS n FROM devices WHERE tags.floor > 1 AND STARTSWITH(deviceId, 'q-')",
    );
    expect((await count.next()).result).toEqual([{ n: 2 }]);
  });
});
