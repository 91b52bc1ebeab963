/** A process of `bench-hub.ts`: the hub, a bare aedes, or the load on either. */
import { createServer } from "node:tls";
import { Aedes } from "aedes";
import mqtt, { type MqttClient } from "mqtt";
import { makeServerCertificate } from "../hub/certificates.ts";
import { createHub } from "../hub/hub.ts";
import { createSasToken } from "../hub/sas.ts";

export type ServerTask =
  | { readonly task: "hub" | "aedes"; readonly devices: number; readonly dir: string }
  | { readonly task: "memory" };

export type LoadTask =
  | { readonly task: "connect"; readonly info: ServerInfo; readonly connections: number }
  | { readonly task: "load"; readonly seconds: number };

export interface ServerInfo {
  readonly port: number;
  readonly caPem: string;
  /** Key of the policy that signs for every device. */
  readonly policyKey: string;
}

export interface Reply {
  readonly info?: ServerInfo;
  readonly rssBytes?: number;
  readonly messages?: number;
  readonly ms?: number;
}

const PAYLOAD = Buffer.alloc(200, "x");
/** Messages not yet acknowledged, over all connections, as an SDK pipelines them. */
const IN_FLIGHT = 400;
const CONNECT_AT_ONCE = 50;
const WARM_UP_MS = 500;
const POLL_MS = 5;
const MANY_SUBSCRIBERS = 1_000_000;

process.on("SIGTERM", () => process.exit(0));
process.on("message", async (task: ServerTask | LoadTask) => {
  process.send?.(await run(task));
});

async function run(task: ServerTask | LoadTask): Promise<Reply> {
  if (task.task === "memory") {
    globalThis.gc?.();
    return { rssBytes: process.memoryUsage().rss };
  }
  if (task.task === "connect") return connect(task.info, task.connections);
  if (task.task === "load") return load(task.seconds);
  return {
    info: task.task === "hub" ? await startHub(task.devices, task.dir) : await startAedes(),
  };
}

async function startHub(devices: number, dataDir: string): Promise<ServerInfo> {
  const hub = await createHub({ dataDir });
  for (let n = 0; n < devices; n++) hub.core.registry.create(refOf(n), {});
  hub.core.store.flush();
  return { port: hub.mqttPort, caPem: hub.caPem, policyKey: hub.ownerKey };
}

async function startAedes(): Promise<ServerInfo> {
  const certificate = await makeServerCertificate(["localhost"], Date.now());
  const broker = await Aedes.createBroker();
  const server = createServer({ cert: certificate.certPem, key: certificate.keyPem }, (socket) => {
    socket.setNoDelay(true);
    broker.handle(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { port, caPem: certificate.caPem, policyKey: Buffer.alloc(32, 1).toString("base64") };
}

const clients: MqttClient[] = [];

async function connect(info: ServerInfo, connections: number): Promise<Reply> {
  for (let at = 0; at < connections; at += CONNECT_AT_ONCE) {
    const size = Math.min(CONNECT_AT_ONCE, connections - at);
    const opened = Array.from({ length: size }, (_, index) => dial(info, at + index));
    clients.push(...(await Promise.all(opened)));
  }
  return {};
}

async function load(seconds: number): Promise<Reply> {
  let messages = 0;
  let inFlight = 0;
  let isOver = false;
  const each = Math.max(1, Math.floor(IN_FLIGHT / clients.length));
  for (const [n, client] of clients.entries()) {
    const topic = `devices/${refOf(n).deviceId}/messages/events/%24.ct=application%2Fjson&k=v`;
    const next = () => {
      if (isOver) return;
      inFlight += 1;
      client.publish(topic, PAYLOAD, { qos: 1 }, (error) => {
        if (error) throw error;
        messages += 1;
        inFlight -= 1;
        next();
      });
    };
    for (let i = 0; i < each; i++) next();
  }
  await pause(WARM_UP_MS);
  const from = messages;
  const startMs = performance.now();
  await pause(seconds * 1000);
  const reply = { messages: messages - from, ms: performance.now() - startMs };
  isOver = true;
  while (inFlight > 0) await pause(POLL_MS); // The other server's turn begins with a quiet machine.
  return reply;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function refOf(n: number) {
  return { deviceId: `bench-${n}`, moduleId: null };
}

function dial(info: ServerInfo, n: number): Promise<MqttClient> {
  const { deviceId } = refOf(n);
  const expiry = Math.floor(Date.now() / 1000) + 3600;
  const client = mqtt.connect(`mqtts://localhost:${info.port}`, {
    ca: info.caPem,
    clientId: deviceId,
    username: `localhost/${deviceId}/?api-version=2021-04-12`,
    password: createSasToken(
      `localhost/devices/${deviceId}`,
      info.policyKey,
      expiry,
      "iothubowner",
    ),
    protocolVersion: 4,
    reconnectPeriod: 0,
    keepalive: 600,
  });
  client.setMaxListeners(MANY_SUBSCRIBERS);
  return new Promise((resolve, reject) => {
    client.once("connect", () => resolve(client));
    client.once("error", reject);
  });
}
