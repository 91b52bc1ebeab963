import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import fc from "fast-check";
import mqttPacket from "mqtt-packet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHub, type Hub } from "../hub/hub.ts";
import { JSON_DEPTH_MAX, parseJson } from "../hub/json.ts";
import { parseBag } from "../hub/mqtt/bag.ts";
import { createScanner } from "../hub/mqtt/guard.ts";
import { parsePublishTopic } from "../hub/mqtt/topics.ts";
import { parseRegistrationName, parseUsername } from "../hub/mqtt/username.ts";
import { createSasToken } from "../hub/sas.ts";
import { dial, inAnHour, rest } from "./hub-support.ts";

const TELEMETRY_BYTES_MAX = 256 * 1024;

let hub: Hub;
let key: string;

beforeAll(async () => {
  hub = await createHub({
    httpsPort: 0,
    amqpPort: 0,
    limits: { halfOpenMax: 200, handshakeTimeoutMs: 3000, connectTimeoutMs: 1000 },
  });
  key = hub.createDevice("good").primaryKey;
  hub.createDevice("bad");
});

afterAll(() => hub.close());

/** The hub still serves: another device connects, publishes and is acknowledged. */
async function expectServing(): Promise<void> {
  const startMs = performance.now();
  const client = await dial(hub, "good", key);
  await client.publishAsync("devices/good/messages/events/", "x", { qos: 1 });
  await client.endAsync();
  expect(performance.now() - startMs).toBeLessThan(2000);
}

function restText(method: string, path: string, text: string) {
  return rest(hub, method, path, Buffer.from(text));
}

function open(port = hub.mqttPort): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls(
      { host: "localhost", port, ca: hub.caPem, servername: "localhost" },
      () => resolve(socket),
    );
    socket.once("error", reject);
  });
}

function ended(socket: Socket): Promise<void> {
  socket.on("error", () => {}); // A reset is as good an end as any.
  socket.resume();
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

function connectPacket(clientId = "good", deviceKey = key, keepalive = 60): Buffer {
  return mqttPacket.generate({
    cmd: "connect",
    protocolId: "MQTT",
    protocolVersion: 4,
    clean: true,
    clientId,
    keepalive,
    username: `localhost/${clientId}/?api-version=2021-04-12`,
    password: Buffer.from(createSasToken(`localhost/devices/${clientId}`, deviceKey, inAnHour())),
  });
}

describe("hub hostile input", () => {
  it("guard: a packet of the limit passes, one byte more does not", () => {
    const limits = { connectBytesMax: 10, packetBytesMax: 200 };
    const scan = (...bytes: number[]) => createScanner(limits)(Uint8Array.from(bytes));
    const connect = [0x10, 0];
    expect(scan(0x10, 10)).toBeNull();
    expect(scan(0x10, 11)).toBe("packet too large");
    expect(scan(...connect, 0x30, 0xc8, 0x01)).toBeNull();
    expect(scan(...connect, 0x30, 0xc9, 0x01)).toBe("packet too large");
    expect(scan(...connect, 0x30, 0xff, 0xff, 0xff, 0xff)).toBe("bad length");
    expect(scan(...connect, 0x34)).toBe("QoS 2");
    expect(scan(0x30, 0)).toBe("no CONNECT");
  });

  it("guard: finds the same however the bytes are cut", () => {
    const chunks = fc.array(fc.uint8Array({ maxLength: 6 }), { maxLength: 12 });
    fc.assert(
      fc.property(chunks, (parts) => {
        const limits = { connectBytesMax: 20, packetBytesMax: 40 };
        const cut = createScanner(limits);
        const byPart = parts.map((part) => cut(part)).find((reason) => reason !== null) ?? null;
        const whole = createScanner(limits)(Buffer.concat(parts));
        expect(byPart).toBe(whole);
      }),
      { numRuns: 2000 },
    );
  });

  it("parsers: never throw at random text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        parseUsername(text);
        parseRegistrationName(text);
        parseBag(text);
        parsePublishTopic(text, "devices/d/messages/events");
        parsePublishTopic(`$iothub/twin/PATCH/properties/reported/?${text}`, "x");
      }),
      { numRuns: 3000 },
    );
  });

  it("telemetry: a message of 256 KB is taken, one byte more closes the connection", async () => {
    const client = await dial(hub, "good", key);
    const topic = "devices/good/messages/events/";
    await client.publishAsync(topic, Buffer.alloc(TELEMETRY_BYTES_MAX), { qos: 1 });
    const closed = new Promise<void>((resolve) => client.once("close", () => resolve()));
    client.on("error", () => {});
    client.publish(topic, Buffer.alloc(TELEMETRY_BYTES_MAX + 1), { qos: 1 });
    await closed;
    expect(hub.core.operations.since(0, 10_000).at(-1)?.reason).toContain("over the limit");
  });

  it.each([
    ["nothing but a publish", [0x30, 0x02, 0x00, 0x00]],
    ["a length of 256 MB", [0x10, 0xff, 0xff, 0xff, 0x7f]],
    ["an HTTP request", [...Buffer.from("GET / HTTP/1.1\r\n\r\n")]],
  ])("mqtt: closes a connection that sends %s", async (_name, bytes) => {
    const socket = await open();
    const end = ended(socket);
    socket.write(Uint8Array.from(bytes));
    await end;
    await expectServing();
  });

  it("mqtt: closes a connection at a second CONNECT", async () => {
    const socket = await open();
    const end = ended(socket);
    socket.write(connectPacket());
    await new Promise((resolve) => socket.once("data", resolve));
    socket.write(connectPacket());
    await end;
  });

  it("mqtt: a connection that falls silent is closed after one and a half keep-alives", async () => {
    const socket = await open();
    const end = ended(socket);
    socket.write(connectPacket("good", key, 1));
    await new Promise((resolve) => socket.once("data", resolve));
    const startMs = performance.now();
    await end;
    const silentMs = performance.now() - startMs;
    expect(silentMs).toBeGreaterThan(1300);
    expect(silentMs).toBeLessThan(3000);
    const reasons = hub.core.operations.since(0, 10_000).map(({ reason }) => reason);
    expect(reasons).toContain("keep-alive timeout");
  });

  it("mqtt: a silent connection is closed after the connect timeout", async () => {
    const socket = await open();
    const startMs = performance.now();
    await ended(socket);
    expect(performance.now() - startMs).toBeLessThan(2500);
  });

  it("mqtt: thousands of half-open connections do not shut others out", async () => {
    const sockets: Socket[] = [];
    for (let n = 0; n < 3000; n++) {
      const socket = connectTcp({ host: "127.0.0.1", port: hub.mqttPort });
      socket.on("error", () => {}); // The hub drops the oldest.
      sockets.push(socket);
      if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await expectServing();
    for (const socket of sockets) socket.destroy();
  });

  it("mqtt: a flood from one device leaves the others served", async () => {
    const { primaryKey } = hub.createDevice("flood");
    const flood = await dial(hub, "flood", primaryKey);
    flood.on("error", () => {});
    let isOver = false;
    const pump = () => {
      for (let i = 0; i < 200 && !isOver; i++) {
        flood.publish("devices/flood/messages/events/", Buffer.alloc(1000), { qos: 0 });
      }
      if (!isOver) setImmediate(pump);
    };
    pump();
    for (let i = 0; i < 3; i++) await expectServing();
    isOver = true;
    flood.end(true);
  });

  it("mqtt: a client that does not read is closed", async () => {
    const slow = await createHub({ limits: { sendBufferBytesMax: 100_000 } });
    const { primaryKey } = slow.createDevice("slow");
    const client = await dial(slow, "slow", primaryKey);
    client.on("error", () => {});
    await client.subscribeAsync("$iothub/twin/PATCH/properties/desired/#");
    const closed = new Promise<void>((resolve) => client.once("close", () => resolve()));
    client.stream.pause();
    const text = "x".repeat(4000);
    const desired = { a: text, b: text, c: text, d: text };
    const session = slow.core.devices.get("slow");
    for (let n = 0; n < 4000 && slow.core.devices.get("slow") === session; n++) {
      slow.core.twins.patch({ deviceId: "slow", moduleId: null }, { properties: { desired } }, "*");
      await new Promise((resolve) => setImmediate(resolve));
    }
    client.stream.resume();
    await closed;
    const reasons = slow.core.operations.since(0, 10_000).map(({ reason }) => reason);
    expect(reasons).toContain("client reads too slowly");
    await slow.close();
  });

  it("mqtt: random packets after a good CONNECT never stop the hub", async () => {
    const valid = [
      mqttPacket.generate({
        cmd: "subscribe",
        messageId: 1,
        subscriptions: [{ topic: "$iothub/twin/res/#", qos: 0 }],
      } as never),
      mqttPacket.generate({
        cmd: "publish",
        topic: "$iothub/twin/PATCH/properties/reported/?$rid=1",
        payload: '{"a":{"b":1}}',
        qos: 0,
        dup: false,
        retain: false,
      }),
      mqttPacket.generate({ cmd: "puback", messageId: 7 }),
      mqttPacket.generate({ cmd: "pingreq" }),
    ];
    const seed = 20_261_120;
    const noise = fc.sample(
      fc.array(
        fc.oneof(
          fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
          fc.tuple(fc.constantFrom(...valid), fc.nat(40), fc.nat(255)).map(([packet, at, byte]) => {
            const copy = Buffer.from(packet);
            copy[at % copy.length] = byte;
            return copy;
          }),
        ),
        { minLength: 1, maxLength: 5 },
      ),
      { numRuns: 60, seed },
    );
    for (const packets of noise) {
      const socket = await open();
      const end = ended(socket);
      socket.write(connectPacket());
      for (const packet of packets) socket.write(packet);
      socket.end();
      await end;
    }
    await expectServing();
  }, 30_000);

  it("rest: random requests are answered, never with a failure of the hub", async () => {
    const requests = fc.sample(
      fc.record({
        method: fc.constantFrom("GET", "PUT", "POST", "PATCH", "DELETE"),
        path: fc.oneof(
          fc.constantFrom(
            "/devices/good",
            "/devices",
            "/twins/good",
            "/twins/good/methods",
            "/devices/query",
            "/jobs/v2/x",
            "/telemetry?offset=x",
            "/operations?max=-1",
            "/devices/good/modules/%00",
          ),
          fc.webPath().map((path) => path || "/"),
        ),
        body: fc.oneof(
          fc.json().map((text) => JSON.parse(text) as unknown),
          fc.constantFrom(
            { query: "SELECT * FROM devices WHERE ((((" },
            { deviceId: 5, authentication: [] },
            { properties: { desired: { __proto__: 1, constructor: { prototype: 2 } } } },
            { methodName: "a/b", responseTimeoutInSeconds: 1e9 },
          ),
        ),
      }),
      { numRuns: 150, seed: 7 },
    );
    for (const { method, path, body } of requests) {
      const sent = method === "GET" || method === "DELETE" ? undefined : body;
      if (method === "DELETE" && path === "/devices/good") continue;
      const answer = await rest(hub, method, path, sent);
      expect(answer.status, `${method} ${path}`).toBeLessThan(500);
    }
    hub.core.registry.update({ deviceId: "good", moduleId: null }, { status: "enabled" }, "*");
    key =
      hub.core.registry.require({ deviceId: "good", moduleId: null }).authentication.symmetricKey
        ?.primaryKey ?? key;
    await expectServing();
  }, 30_000);

  it("amqp: random frames never stop the hub", async () => {
    const header = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 1, 0, 0]);
    const saslHeader = Buffer.from([0x41, 0x4d, 0x51, 0x50, 3, 1, 0, 0]);
    const frame = (body: Uint8Array, type: number) => {
      const bytes = Buffer.alloc(8 + body.length);
      bytes.writeUInt32BE(bytes.length, 0);
      bytes[4] = 2;
      bytes[5] = type;
      bytes.set(body, 8);
      return bytes;
    };
    // An open, a begin and an attach as a client sends them, to be changed at one place.
    const opened = Buffer.from("005310c00801a105636c69656e", "hex");
    const begun = Buffer.from("005311c00a0440700000000070000007ff70000007ff", "hex");
    const noise = fc.sample(
      fc.array(
        fc.oneof(
          fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
          fc
            .tuple(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(0, 1))
            .map(([body, type]) => frame(body, type)),
          fc
            .tuple(fc.constantFrom(opened, begun), fc.nat(30), fc.nat(255))
            .map(([body, at, byte]) => {
              const copy = Buffer.from(body);
              copy[at % copy.length] = byte;
              return frame(copy, 0);
            }),
        ),
        { minLength: 1, maxLength: 4 },
      ),
      { numRuns: 120, seed: 11 },
    );
    for (const [index, frames] of noise.entries()) {
      const socket = await open(hub.amqpPort as number);
      const end = ended(socket);
      socket.write(index % 2 === 0 ? header : saslHeader);
      for (const bytes of frames) socket.write(bytes);
      socket.end();
      await end;
    }
    const huge = await open(hub.amqpPort as number);
    const end = ended(huge);
    huge.write(header);
    huge.write(Buffer.from([0x7f, 0xff, 0xff, 0xff, 2, 0, 0, 0]));
    const flood = setInterval(() => huge.writable && huge.write(Buffer.alloc(64 * 1024)), 1);
    await end;
    clearInterval(flood);
    await expectServing();
  }, 30_000);

  it("websocket: random frames and wrong paths never stop the hub", async () => {
    const upgrade = (path: string, protocol: string) =>
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" +
      `Sec-WebSocket-Protocol: ${protocol}\r\n\r\n`;
    const refused = await open(hub.httpsPort as number);
    const answer = new Promise<string>((resolve) =>
      refused.once("data", (d) => resolve(String(d))),
    );
    refused.write(upgrade("/elsewhere", "mqtt"));
    expect(await answer).toMatch(/^HTTP\/1.1 404 /);
    const frames = fc.sample(fc.uint8Array({ minLength: 1, maxLength: 80 }), {
      numRuns: 40,
      seed: 5,
    });
    for (const [index, bytes] of frames.entries()) {
      const socket = await open(hub.httpsPort as number);
      const end = ended(socket);
      socket.write(upgrade("/$iothub/websocket", index % 2 === 0 ? "mqtt" : "AMQPWSB10"));
      socket.write(
        index % 3 === 0 ? Buffer.concat([Buffer.from([0x82, 0x80 + 60]), bytes]) : bytes,
      );
      setTimeout(() => socket.end(), 20);
      await end;
    }
    await expectServing();
  }, 30_000);

  it("json: nesting of the limit is taken, one level more is not, brackets in texts do not count", () => {
    const nested = (levels: number) => Buffer.from("[".repeat(levels) + "]".repeat(levels));
    expect(parseJson(nested(JSON_DEPTH_MAX))).toBeTruthy();
    expect(() => parseJson(nested(JSON_DEPTH_MAX + 1))).toThrow("nested deeper");
    const text = JSON.stringify(`${"[".repeat(100)}"\\`);
    expect(parseJson(Buffer.from(text))).toBe(`${"[".repeat(100)}"\\`);
  });

  it("rest: deeply nested bodies are refused and nothing of them is kept", async () => {
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    const hubPath = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/h";
    const paths = [
      ["PUT", "/jobs/v2/deep"],
      ["PATCH", "/twins/good"],
      ["PUT", `${hubPath}/providers/Microsoft.Insights/diagnosticSettings/deep`],
    ] as const;
    for (const [method, path] of paths) {
      const body = JSON.parse(`{"type":"scheduleUpdateTwin","queryCondition":"a=1"}`) as object;
      const text = JSON.stringify({ ...body, x: 1 }).replace(
        '"x":1',
        `"updateTwin":${deep},"properties":${deep},"tags":${deep}`,
      );
      expect((await restText(method, path, text)).status).toBe(400);
    }
  });

  it("hub: no secret stands in its operations log", async () => {
    const text = JSON.stringify(hub.core.operations.since(0, 100_000));
    expect(text).not.toContain(key);
    expect(text).not.toContain(hub.ownerKey);
    expect(text).not.toContain("SharedAccessSignature");
  });
});
