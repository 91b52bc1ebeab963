import { get } from "node:https";
import serviceSdk from "azure-iothub";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHub, type Hub } from "../hub/hub.ts";
import { createSasToken } from "../hub/sas.ts";
import { dial, inAnHour, ownerConnectionString, redirect, rest } from "./hub-support.ts";

const HUB = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/hub";

let hub: Hub;

beforeAll(async () => {
  hub = await createHub({ httpsPort: 0 });
});

afterAll(() => hub.close());

/** Reads server-sent events until there are `count`. */
function events(path: string, count: number): Promise<{ id: string; data: unknown }[]> {
  const authorization = createSasToken("localhost", hub.ownerKey, inAnHour(), "iothubowner");
  return new Promise((resolve, reject) => {
    const request = get(
      {
        host: "localhost",
        port: hub.httpsPort,
        ca: hub.caPem,
        path,
        headers: { authorization },
        agent: false,
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk) => {
          text += chunk;
          const blocks = text.split("\n\n").filter((block) => block.startsWith("id: "));
          if (blocks.length < count) return;
          request.destroy();
          resolve(
            blocks.slice(0, count).map((block) => ({
              id: /^id: (.*)$/m.exec(block)?.[1] ?? "",
              data: JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? "null"),
            })),
          );
        });
        response.on("error", () => {}); // Cut by ourselves.
      },
    );
    request.on("error", (error) => {
      if (!request.destroyed) reject(error);
    });
  });
}

describe("hub rest", () => {
  it("rest: error bodies and headers are the documented ones", async () => {
    const missing = await rest(hub, "GET", "/devices/nobody?api-version=2021-04-12");
    expect(missing.status).toBe(404);
    expect(missing.headers["iothub-errorcode"]).toBe("DeviceNotFound");
    const body = JSON.parse(missing.body) as Record<string, string>;
    expect(body.Message).toMatch(/^ErrorCode:DeviceNotFound;/);
    expect(body.ExceptionMessage).toMatch(/^Tracking ID:[0-9A-F]+-TimeStamp:\d\d\/\d\d\/\d{4} /);
    hub.createDevice("offline");
    const call = { methodName: "x", responseTimeoutInSeconds: 5 };
    const offline = await rest(hub, "POST", "/twins/offline/methods", call);
    expect(offline.status).toBe(404);
    const inner = JSON.parse((JSON.parse(offline.body) as { Message: string }).Message);
    expect(inner).toMatchObject({ errorCode: 404103 });
  });

  it.each([
    ["without a token", {}],
    ["with rubbish", { authorization: "Bearer x" }],
    ["with an unknown policy", { policy: "nobody" }],
    ["with a wrong key", { key: Buffer.alloc(32).toString("base64") }],
    ["with a token for another host", { resource: "elsewhere" }],
    ["with an expired token", { expiry: 1000 }],
  ])("rest: 401 %s", async (_name, change) => {
    const {
      authorization,
      policy = "iothubowner",
      key = hub.ownerKey,
      resource = "localhost",
      expiry = inAnHour(),
    } = change as Record<string, never>;
    const isPlain = Object.keys(change).length === 0;
    const token = authorization ?? (isPlain ? "" : createSasToken(resource, key, expiry, policy));
    const answer = await rest(hub, "GET", "/devices", undefined, { authorization: token });
    expect(answer.status).toBe(401);
    expect(answer.headers["iothub-errorcode"]).toBe("IotHubUnauthorizedAccess");
    expect(answer.body).not.toContain(hub.ownerKey);
  });

  it("rest: a policy is held to its rights", async () => {
    const policy = hub.core.policies.find(({ keyName }) => keyName === "registryRead");
    const authorization = createSasToken(
      "localhost",
      policy?.primaryKey ?? "",
      inAnHour(),
      "registryRead",
    );
    const headers = { authorization };
    expect((await rest(hub, "GET", "/devices", undefined, headers)).status).toBe(200);
    const put = await rest(hub, "PUT", "/devices/x", { deviceId: "x" }, headers);
    expect(put.status).toBe(401);
    expect((await rest(hub, "GET", `${HUB}/certificates`, undefined, headers)).status).toBe(401);
  });

  it("rest: a device reads its own module's key with its own token, not another's", async () => {
    const own = hub.createDevice("agent-1");
    hub.createModule("agent-1", "azureiotsecurity");
    hub.createDevice("agent-2");
    hub.createModule("agent-2", "azureiotsecurity");
    const authorization = createSasToken("localhost/devices/agent-1", own.primaryKey, inAnHour());
    const read = (id: string) =>
      rest(hub, "GET", `/devices/${id}/modules/azureiotsecurity`, undefined, { authorization });
    expect((await read("agent-1")).status).toBe(200);
    expect((await read("agent-2")).status).toBe(401);
  });

  it("telemetry: read by offset and as a live stream that can be resumed", async () => {
    const { primaryKey } = hub.createDevice("stream-1");
    const client = await dial(hub, "stream-1", primaryKey);
    const start = hub.core.telemetryLog.end;
    const publish = (n: number) =>
      client.publishAsync(`devices/stream-1/messages/events/n=${n}`, `${n}`, { qos: 1 });
    await publish(1);
    await publish(2);
    const answer = await rest(hub, "GET", `/telemetry?offset=${start}&max=1`);
    const page = JSON.parse(answer.body) as { messages: object[]; next: number };
    expect(page.messages).toMatchObject([
      { deviceId: "stream-1", body: Buffer.from("1").toString("base64") },
    ]);
    const live = events(`/telemetry/stream?offset=${page.next}`, 2);
    setTimeout(() => publish(3), 100);
    const seen = await live;
    expect(
      seen.map(({ data }) => (data as { applicationProperties: object }).applicationProperties),
    ).toEqual([{ n: "2" }, { n: "3" }]);
    await publish(4);
    const [resumed] = await events(`/telemetry/stream?offset=${seen.at(-1)?.id}`, 1);
    expect(resumed?.data).toMatchObject({ applicationProperties: { n: "4" } });
    await client.endAsync();
  });

  it("operations: a stream tells connections, refusals, methods, twins and telemetry", async () => {
    const since = hub.core.operations.last;
    const { primaryKey } = hub.createDevice("ops-1");
    const client = await dial(hub, "ops-1", primaryKey);
    await client.publishAsync("devices/ops-1/messages/events/", "x", { qos: 1 });
    await client.endAsync();
    await dial(hub, "ops-1", Buffer.alloc(32).toString("base64")).catch(() => {});
    await rest(hub, "PATCH", "/twins/ops-1", { tags: { a: 1 } });
    await rest(hub, "POST", "/devices/ops-1/messages/devicebound", "hi");
    await rest(hub, "DELETE", "/devices/ops-1/commands");
    const authorization = createSasToken("localhost/devices/ops-1", primaryKey, inAnHour());
    await rest(hub, "POST", "/devices/ops-1/files", {}, { authorization });
    const own = () =>
      hub.core.operations.since(since, 1000).filter(({ deviceId }) => deviceId === "ops-1");
    const names = () => own().map(({ operationName }) => operationName);
    await expect.poll(() => names()).toContain("d2cMessages");
    const seen = await events(`/operations/stream?since=${since}`, own().length);
    expect(seen.map(({ data }) => data)).toEqual(hub.core.operations.since(since, own().length));
    expect(names().sort()).toEqual([
      "authenticationFailed",
      "c2dDrop",
      "c2dPurge",
      "c2dSend",
      "d2cMessages",
      "deviceConnect",
      "deviceDisconnect",
      "fileUploadRequest",
      "updateTwin",
    ]);
  });

  it("ip filter: is enforced for devices and services, the management API stays reachable", async () => {
    const { primaryKey } = hub.createDevice("ip-1");
    const rules = [{ filterName: "no loopback", action: "Reject", ipMask: "127.0.0.0/8" }];
    const patch = (ipFilterRules: object[]) =>
      rest(hub, "PATCH", HUB, { properties: { ipFilterRules } });
    expect((await patch([{ ...rules[0], ipMask: "127.0.0.0/33" }])).status).toBe(400);
    expect((await patch(rules)).status).toBe(200);
    await expect(dial(hub, "ip-1", primaryKey)).rejects.toThrow();
    expect((await rest(hub, "GET", "/devices")).status).toBe(403);
    const first = { filterName: "this one", action: "Accept", ipMask: "127.0.0.1" };
    expect((await patch([first, ...rules])).status).toBe(200);
    await (await dial(hub, "ip-1", primaryKey)).endAsync();
    expect((await patch([])).status).toBe(200);
    const names = hub.core.operations
      .since(0, 10_000)
      .filter(({ category }) => category === "IpFilter");
    expect(names.map(({ operationName }) => operationName)).toContain("connectionRejected");
  });

  it("diagnostic settings: are kept, listed and removed", async () => {
    const path = `${HUB}/providers/Microsoft.Insights/diagnosticSettings`;
    const properties = { logs: [{ category: "Connections", enabled: true }] };
    expect((await rest(hub, "PUT", `${path}/main`, { properties })).status).toBe(200);
    expect(JSON.parse((await rest(hub, "GET", path)).body)).toEqual({
      value: [{ name: "main", properties }],
    });
    expect((await rest(hub, "DELETE", `${path}/main`)).status).toBe(200);
    expect((await rest(hub, "DELETE", `${path}/main`)).status).toBe(204);
  });

  it("jobs: a twin update runs over the devices of its condition", async () => {
    for (const id of ["job-1", "job-2", "else-1"]) hub.createDevice(id);
    const client = redirect(
      hub,
      serviceSdk.JobClient.fromConnectionString(ownerConnectionString(hub)),
    );
    const patch = { etag: "*", tags: { done: true } };
    await client.scheduleTwinUpdate("j-1", "STARTSWITH(deviceId, 'job-')", patch as never);
    await expect
      .poll(async () => (await client.getJob("j-1")).jobStatus.status, { timeout: 5000 })
      .toBe("completed");
    const tags = (id: string) => hub.core.twins.get({ deviceId: id, moduleId: null }).tags;
    expect([tags("job-1"), tags("job-2"), tags("else-1")]).toEqual([
      { done: true },
      { done: true },
      {},
    ]);
    const later = new Date(Date.now() + 60_000);
    await client.scheduleDeviceMethod(
      "j-2",
      "deviceId IN ['job-1']",
      { methodName: "x" },
      later,
      60,
    );
    expect((await client.getJob("j-2")).jobStatus.status).toBe("scheduled");
    await client.cancelJob("j-2");
    expect((await client.getJob("j-2")).jobStatus.status).toBe("cancelled");
  });
});
