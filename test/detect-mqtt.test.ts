import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Aedes } from "aedes";
import { connectAsync, type MqttClient } from "mqtt";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { SourceMessage } from "../detect/processor.ts";
import { startMqttSource } from "../detect/sources/mqtt.ts";
import { T0 } from "./support/detect-events.ts";

/** Debian puts it where users' paths do not lead. */
const MOSQUITTO = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto", "/usr/local/sbin/mosquitto"].find(
  existsSync,
);
const TOPICS = ["devices/+/messages/events/#"];

let closers: (() => unknown)[];
let folder: string;
beforeEach(async () => {
  closers = [];
  folder = await mkdtemp(join(tmpdir(), "picket-mqtt-"));
});
afterEach(async () => {
  for (const close of closers.reverse()) await close();
  await rm(folder, { recursive: true });
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function startMosquitto(): Promise<string> {
  const port = await freePort();
  const path = join(folder, "mosquitto.conf");
  await writeFile(path, `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\n`);
  const child: ChildProcess = spawn(MOSQUITTO as string, ["-c", path], { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("close", resolve));
  closers.push(() => {
    child.kill();
    return ended;
  });
  const url = `mqtt://127.0.0.1:${port}`;
  await until(() =>
    connectAsync(url, { reconnectPeriod: 0 }, false).then(
      (client) => client.endAsync(true).then(() => true),
      () => false,
    ),
  );
  return url;
}

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error("it did not come to pass");
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

async function publisher(url: string, protocolVersion: 4 | 5): Promise<MqttClient> {
  const client = await connectAsync(url, {
    protocolVersion,
    clientId: "device",
    reconnectPeriod: 0,
  });
  closers.push(() => client.endAsync(true));
  return client;
}

it.skipIf(MOSQUITTO === undefined)(
  "mqtt source: speaks MQTT 5 with a broker that does, and gets what came while it was away",
  async () => {
    const url = await startMosquitto();
    const taken: SourceMessage[] = [];
    const take = async (message: SourceMessage) => {
      taken.push(message);
    };
    const config = { type: "mqtt", url, topics: TOPICS, moduleLevel: 2 } as const;
    const first = await startMqttSource(config, take, () => T0);
    expect(first.protocolVersion).toBe(5);
    const device = await publisher(url, 5);
    const properties = { contentType: "application/cbor", userProperties: { a: "b" } };
    await device.publishAsync("devices/d1/messages/events/", "one", { qos: 1, properties });
    await until(() => taken.length === 1);
    await first.close();
    await device.publishAsync("devices/d2/messages/events/x", "two", { qos: 1 });
    const second = await startMqttSource(config, take, () => T0);
    closers.push(() => second.close());
    await until(() => taken.length === 2);
    const seen = taken.map(({ deviceId, body }) => [deviceId, Buffer.from(body).toString()]);
    expect(seen).toEqual([
      ["d1", "one"],
      ["d2", "two"],
    ]);
    expect(second.status()).toBeNull();
  },
  30_000,
);

it.skipIf(MOSQUITTO === undefined)(
  "mqtt source: over MQTT 5 what could not be stored comes again",
  async () => {
    const url = await startMosquitto();
    let fails = 1;
    const taken: string[] = [];
    const source = await startMqttSource(
      { type: "mqtt", url, topics: TOPICS, version: 5 },
      async ({ body }) => {
        if (fails-- > 0) throw new Error("disk full");
        taken.push(Buffer.from(body).toString());
      },
      () => T0,
    );
    closers.push(() => source.close());
    const device = await publisher(url, 5);
    await device.publishAsync("devices/d1/messages/events/", "one", { qos: 1 });
    await until(() => taken.length > 0);
    expect(taken).toEqual(["one"]);
  },
  30_000,
);

it("mqtt source: falls back to 3.1.1 with a broker that refuses MQTT 5", async () => {
  const broker = await Aedes.createBroker();
  const server = createServer((socket) => {
    broker.handle(socket);
  });
  const url = `mqtt://127.0.0.1:${await listen(server)}`;
  closers.push(
    () => server.close(),
    () => new Promise<void>((resolve) => broker.close(() => resolve())),
  );
  const taken: string[] = [];
  const config = { type: "mqtt", url, topics: TOPICS } as const;
  const source = await startMqttSource(
    config,
    async ({ deviceId }) => void taken.push(deviceId),
    () => T0,
  );
  closers.push(() => source.close());
  expect(source.protocolVersion).toBe(4);
  const device = await publisher(url, 4);
  await device.publishAsync("devices/d1/messages/events/", "one", { qos: 1 });
  await until(() => taken.length === 1);
  expect(taken).toEqual(["d1"]);
  await expect(
    startMqttSource(
      { ...config, version: 5 },
      async () => {},
      () => T0,
    ),
  ).rejects.toThrow(/protocol version/);
});

it("mqtt source: falls back with a broker that hangs up on MQTT 5, and tells when none is there", async () => {
  const broker = await Aedes.createBroker();
  const server = createServer((socket) => {
    socket.once("data", (data) => {
      // Byte 8 of a CONNECT is the protocol level (3.1.1 3.1.2.2).
      if (data[8] === 5) socket.destroy();
      else {
        socket.pause();
        socket.unshift(data);
        broker.handle(socket);
      }
    });
  });
  const port = await listen(server);
  closers.push(
    () => server.close(),
    () => new Promise<void>((resolve) => broker.close(() => resolve())),
  );
  const config = { type: "mqtt", url: `mqtt://127.0.0.1:${port}`, topics: TOPICS } as const;
  const source = await startMqttSource(
    config,
    async () => {},
    () => T0,
  );
  closers.push(() => source.close());
  expect(source.protocolVersion).toBe(4);
  const nowhere = { ...config, url: `mqtt://127.0.0.1:${await freePort()}` };
  await expect(
    startMqttSource(
      nowhere,
      async () => {},
      () => T0,
    ),
  ).rejects.toThrow(/ECONNREFUSED/);
});
