import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHub, type Hub } from "../hub/hub.ts";
import { dial, openDevice, ownerConnectionString, runSdk } from "./hub-support.ts";

let hub: Hub;

beforeAll(async () => {
  hub = await createHub({ httpsPort: 0, amqpPort: 0, limits: { feedbackBatchMs: 200 } });
});

afterAll(() => hub.close());

const serviceText = () =>
  ownerConnectionString(hub).replace("HostName=localhost", `HostName=localhost:${hub.amqpPort}`);

describe("hub amqp", () => {
  it("amqp: the service SDK sends to a device and receives its feedback", async () => {
    const { primaryKey } = hub.createDevice("amqp-1");
    const device = await openDevice(hub, "amqp-1", primaryKey);
    const received: string[] = [];
    device.on("message", (message) => {
      received.push(
        `${message.messageId} ${message.getData()} ${message.properties.getValue("k")}`,
      );
      device.complete(message, () => {});
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    const results = await runSdk(
      hub,
      `
      import sdk from "azure-iothub";
      import common from "azure-iot-common";
      const client = sdk.Client.fromConnectionString(${JSON.stringify(serviceText())});
      await client.open();
      const receiver = await new Promise((resolve, reject) =>
        client.getFeedbackReceiver((error, link) => (error ? reject(error) : resolve(link))));
      const message = new common.Message("hello");
      message.messageId = "m-1";
      message.ack = "full";
      message.properties.add("k", "v");
      const feedback = new Promise((resolve) => receiver.on("message", (m) => {
        receiver.complete(m, () => resolve(JSON.parse(m.data.toString())));
      }));
      await client.send("amqp-1", message);
      print(await feedback);
      await client.send("nobody", message).catch((error) => print(error.name));
      await client.close();
      process.exit(0);
      `,
    );
    await device.close();
    expect(received).toEqual(["m-1 hello v"]);
    expect(results[0]).toMatchObject([
      { originalMessageId: "m-1", statusCode: "Success", deviceId: "amqp-1" },
    ]);
    expect(results[1]).toBe("DeviceNotFoundError");
  }, 30_000);

  it("amqp: a full queue refuses message 51 with the documented error", async () => {
    hub.createDevice("amqp-2");
    const results = await runSdk(
      hub,
      `
      import sdk from "azure-iothub";
      import common from "azure-iot-common";
      const client = sdk.Client.fromConnectionString(${JSON.stringify(serviceText())});
      client.setRetryPolicy(new common.NoRetry());
      await client.open();
      for (let i = 0; i < 50; i++) await client.send("amqp-2", new common.Message("x"));
      await client.send("amqp-2", new common.Message("x")).catch((error) => print(error.name));
      await client.close();
      process.exit(0);
      `,
    );
    expect(results).toEqual(["DeviceMaximumQueueDepthExceededError"]);
    expect(hub.core.queues.count("amqp-2")).toBe(50);
  }, 30_000);

  it("event hubs: the consumer reads earlier and live telemetry with its properties", async () => {
    const { primaryKey } = hub.createDevice("eh-1");
    const client = await dial(hub, "eh-1", primaryKey);
    const publish = (n: number) =>
      client.publishAsync(`devices/eh-1/messages/events/%24.ct=text%2Fplain&n=${n}`, `body ${n}`, {
        qos: 1,
      });
    await publish(1);
    await publish(2);
    const endpoint = `Endpoint=sb://localhost:${hub.amqpPort}/;SharedAccessKeyName=iothubowner`;
    const text = `${endpoint};SharedAccessKey=${hub.ownerKey};EntityPath=messages-events`;
    const run = runSdk(
      hub,
      `
      import { EventHubConsumerClient, earliestEventPosition } from "@azure/event-hubs";
      const client = new EventHubConsumerClient("$Default", ${JSON.stringify(text)});
      print(await client.getEventHubProperties());
      const seen = [];
      let enough;
      const done = new Promise((resolve) => { enough = resolve; });
      const subscription = client.subscribe({
        processEvents: async (events) => {
          for (const event of events) {
            const device = event.systemProperties["iothub-connection-device-id"];
            seen.push([device, event.body.toString(), event.properties.n, event.contentType,
              event.sequenceNumber, typeof event.offset, event.enqueuedTimeUtc instanceof Date]);
          }
          if (seen.length >= 3) enough();
        },
        processError: async (error) => { console.error(error); process.exit(3); },
      }, { startPosition: earliestEventPosition });
      await done;
      print(seen);
      const ids = await client.getPartitionIds();
      const all = await Promise.all(ids.map((id) => client.getPartitionProperties(id)));
      print(all.filter((partition) => !partition.isEmpty).map((p) => p.lastEnqueuedSequenceNumber));
      await subscription.close();
      await client.close();
      process.exit(0);
      `,
    );
    setTimeout(() => publish(3), 2500);
    const [properties, seen, last] = await run;
    await client.endAsync();
    expect(properties).toMatchObject({
      name: "messages-events",
      partitionIds: ["0", "1", "2", "3"],
    });
    expect(seen).toEqual([
      ["eh-1", "body 1", "1", "text/plain", 0, "string", true],
      ["eh-1", "body 2", "2", "text/plain", 1, "string", true],
      ["eh-1", "body 3", "3", "text/plain", 2, "string", true],
    ]);
    expect(last).toEqual([2]);
  }, 40_000);

  it("event hubs: a receiver with the same owner level takes the partition over", async () => {
    const endpoint = `Endpoint=sb://localhost:${hub.amqpPort}/;SharedAccessKeyName=iothubowner`;
    const text = `${endpoint};SharedAccessKey=${hub.ownerKey};EntityPath=messages-events`;
    const results = await runSdk(
      hub,
      `
      import { EventHubConsumerClient } from "@azure/event-hubs";
      const open = () => new EventHubConsumerClient("$Default", ${JSON.stringify(text)});
      const first = open();
      const second = open();
      const stolen = new Promise((resolve) => {
        first.subscribe("0", { processEvents: async () => {},
          processError: async (error) => resolve(error.code) }, { ownerLevel: 1 });
      });
      await new Promise((resolve) => setTimeout(resolve, 1500));
      second.subscribe("0", { processEvents: async () => {}, processError: async () => {} },
        { ownerLevel: 1 });
      print(await stolen);
      process.exit(0);
      `,
    );
    expect(results).toEqual(["ReceiverDisconnectedError"]);
  }, 40_000);

  it("amqp: a wrong key is refused", async () => {
    const wrong = serviceText().replace(hub.ownerKey, Buffer.alloc(32, 5).toString("base64"));
    const results = await runSdk(
      hub,
      `
      import sdk from "azure-iothub";
      import common from "azure-iot-common";
      const client = sdk.Client.fromConnectionString(${JSON.stringify(wrong)});
      client.setRetryPolicy(new common.NoRetry());
      await client.open().catch((error) => print(error.message));
      process.exit(0);
      `,
    );
    expect(results).toEqual(["AMQP Transport: Could not connect"]);
    const [entry] = hub.core.operations.since(0, 10_000).slice(-1);
    expect(entry).toMatchObject({ operationName: "authenticationFailed", protocol: "Amqp" });
  }, 30_000);
});
