import type { MqttClient } from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AckMode } from "../hub/c2d/queue.ts";
import { createHub, type Hub } from "../hub/hub.ts";
import { dial } from "./hub-support.ts";

let hub: Hub;
let nowMs: number;
let key: string;

const START_MS = Date.now();
const FILTER = "devices/d/messages/devicebound/#";

beforeEach(async () => {
  nowMs = START_MS;
  hub = await createHub({ clock: { now: () => nowMs }, limits: { feedbackBatchMs: 0 } });
  key = hub.createDevice("d").primaryKey;
});

afterEach(() => hub.close());

function send(text: string, ack: AckMode = "none", expiresMs?: number) {
  return hub.core.queues.send("d", {
    body: Buffer.from(text),
    messageId: text,
    ack,
    properties: {},
    ...(expiresMs === undefined ? {} : { expiresMs }),
  });
}

/** Bodies that the client receives from now on. */
function bodiesOf(client: MqttClient): string[] {
  const seen: string[] = [];
  client.on("message", (_topic, payload) => seen.push(payload.toString()));
  return seen;
}

function sessionPresentOf(client: MqttClient): Promise<boolean> {
  return new Promise((resolve) =>
    client.once("connect", (packet) => resolve(packet.sessionPresent)),
  );
}

describe("hub sessions and cloud-to-device", () => {
  it("session: a persistent one keeps its subscriptions, a clean one does not", async () => {
    const first = await dial(hub, "d", key, { clean: false });
    await first.subscribeAsync(FILTER, { qos: 1 });
    await first.endAsync();
    send("waited");
    const { default: mqtt } = await import("mqtt");
    const second = mqtt.connect({ ...first.options, reconnectPeriod: 0 });
    const seen = bodiesOf(second);
    expect(await sessionPresentOf(second)).toBe(true);
    await expect.poll(() => seen).toEqual(["waited"]);
    await second.endAsync();
    const clean = await dial(hub, "d", key, { clean: true });
    const nothing = bodiesOf(clean);
    send("later");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(nothing).toEqual([]);
    await clean.subscribeAsync(FILTER, { qos: 1 });
    await expect.poll(() => nothing).toEqual(["later"]);
    await clean.endAsync();
    const third = mqtt.connect({ ...first.options, reconnectPeriod: 0 });
    expect(await sessionPresentOf(third)).toBe(false);
    await third.endAsync();
  });

  it("session: five subscriptions are granted, the sixth is refused", async () => {
    hub.createModule("d", "m");
    const limited = await createHub({ limits: { subscriptionsMax: 2 } });
    const own = limited.createDevice("d").primaryKey;
    const client = await dial(limited, "d", own);
    await client.subscribeAsync(["$iothub/twin/res/#", "$iothub/methods/POST/#"]);
    await expect(client.subscribeAsync(FILTER)).rejects.toThrow();
    await client.unsubscribeAsync("$iothub/twin/res/#");
    await client.subscribeAsync(FILTER);
    await client.endAsync();
    await limited.close();
  });

  it("session: is closed when the device is disabled or deleted, and not let in again", async () => {
    const client = await dial(hub, "d", key);
    const closed = new Promise<void>((resolve) => client.once("close", () => resolve()));
    const ref = { deviceId: "d", moduleId: null };
    hub.core.registry.update(ref, { status: "disabled" }, "*");
    await closed;
    await expect(dial(hub, "d", key)).rejects.toMatchObject({ code: 5 });
    hub.core.registry.update(ref, { status: "enabled" }, "*");
    const again = await dial(hub, "d", key);
    const ended = new Promise<void>((resolve) => again.once("close", () => resolve()));
    hub.core.registry.remove(ref, "*");
    await ended;
  });

  it("c2d: a message that was not acknowledged is delivered again", async () => {
    const first = await dial(hub, "d", key, { clean: false });
    first.handleMessage = () => {}; // Never calls back, so PUBACK is never sent.
    const seen = bodiesOf(first);
    await first.subscribeAsync(FILTER, { qos: 1 });
    send("once more");
    await expect.poll(() => seen).toEqual(["once more"]);
    expect(hub.core.queues.count("d")).toBe(1);
    first.end(true);
    const second = await dial(hub, "d", key, { clean: false });
    const again = bodiesOf(second);
    await second.subscribeAsync(FILTER, { qos: 1 });
    await expect.poll(() => again).toEqual(["once more"]);
    await expect.poll(() => hub.core.queues.count("d")).toBe(0);
    await second.endAsync();
  });

  it("c2d: message 50 is queued, message 51 refused, and they keep their order", async () => {
    for (let n = 1; n <= 50; n++) send(String(n));
    expect(() => send("51")).toThrow("holds its 50 messages");
    const client = await dial(hub, "d", key);
    const seen = bodiesOf(client);
    await client.subscribeAsync(FILTER, { qos: 1 });
    await expect.poll(() => seen.length).toBe(50);
    expect(seen).toEqual(Array.from({ length: 50 }, (_, n) => String(n + 1)));
    await client.endAsync();
  });

  it("c2d: a body of 64 KB is queued, one byte more refused", () => {
    const input = { messageId: "", ack: "none", properties: {} } as const;
    const body = Buffer.alloc(64 * 1024);
    expect(hub.core.queues.send("d", { ...input, body }).deviceId).toBe("d");
    const more = Buffer.alloc(64 * 1024 + 1);
    expect(() => hub.core.queues.send("d", { ...input, body: more })).toThrow("over the limit");
  });

  it("c2d: expires, and tells the sender who asked for it", async () => {
    send("silent", "positive", nowMs + 1000);
    send("told", "negative", nowMs + 1000);
    send("stays", "full");
    nowMs += 1000;
    hub.core.queues.expire();
    expect([...hub.core.queues.waiting("d")].map(({ messageId }) => messageId)).toEqual(["stays"]);
    expect(hub.core.feedback.receive()?.records).toMatchObject([
      { originalMessageId: "told", statusCode: "Expired", deviceId: "d" },
    ]);
    hub.core.queues.purge("d");
    expect(hub.core.feedback.receive()?.records).toMatchObject([
      { originalMessageId: "stays", statusCode: "Purged" },
    ]);
    expect(hub.core.feedback.receive()).toBeNull();
  });

  it("c2d: expires after one hour when the sender gave no time", () => {
    send("hour");
    nowMs += 3_600_000 - 1;
    hub.core.queues.expire();
    expect(hub.core.queues.count("d")).toBe(1);
    nowMs += 1;
    hub.core.queues.expire();
    expect(hub.core.queues.count("d")).toBe(0);
  });

  it("c2d: every value of the bag is percent-encoded", async () => {
    const client = await dial(hub, "d", key);
    const topics: string[] = [];
    client.on("message", (topic) => topics.push(topic));
    await client.subscribeAsync(FILTER, { qos: 1 });
    hub.core.queues.send("d", {
      body: Buffer.from("x"),
      messageId: "a/b+c#",
      ack: "full",
      properties: { "k y": "v&=ü" },
    });
    await expect
      .poll(() => topics)
      .toEqual([
        "devices/d/messages/devicebound/%24.mid=a%2Fb%2Bc%23&" +
          "%24.to=%2Fdevices%2Fd%2Fmessages%2Fdevicebound&iothub-ack=full&k%20y=v%26%3D%C3%BC",
      ]);
    await client.endAsync();
  });
});
