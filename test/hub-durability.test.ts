import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHub } from "../hub/hub.ts";
import { createSasToken } from "../hub/sas.ts";
import type { ServeReport } from "../hub/serve.ts";
import { dial, inAnHour } from "./hub-support.ts";

const root = new URL("..", import.meta.url).pathname;
let dir: string;
let children: ChildProcess[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "picket-hub-"));
  children = [];
});

afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  await rm(dir, { recursive: true, force: true });
});

interface Running {
  readonly child: ChildProcess;
  readonly report: ServeReport;
}

/** Starts `picket hub` and waits for what it prints. */
function startHub(...extra: string[]): Promise<Running> {
  const ports = ["--mqtt-port", "0", "--https-port", "0", "--amqp-port", "0"];
  const child = spawn(
    process.execPath,
    ["--import", "tsx", "cli/main.ts", "hub", ...ports, "--data", dir, "--json", ...extra],
    { cwd: root, stdio: ["ignore", "pipe", "pipe"] },
  );
  children.push(child);
  return new Promise((resolve, reject) => {
    let output = "";
    let errors = "";
    child.stderr?.on("data", (chunk) => {
      errors += chunk;
    });
    child.stdout?.on("data", (chunk) => {
      output += chunk;
      if (output.includes("\n")) resolve({ child, report: JSON.parse(output) as ServeReport });
    });
    child.once("close", () => reject(new Error(`hub ended: ${errors}`)));
  });
}

function closed(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once("close", resolve));
}

async function call(report: ServeReport, method: string, path: string, body?: unknown) {
  const { request } = await import("node:https");
  const key = /SharedAccessKey=(.*)$/.exec(report.serviceConnectionString)?.[1] ?? "";
  return new Promise<{ status: number; json: unknown }>((resolve, reject) => {
    const outgoing = request(
      {
        host: "localhost",
        port: report.httpsPort,
        ca: report.caPem,
        agent: false,
        method,
        path,
        headers: { authorization: createSasToken("localhost", key, inAnHour(), "iothubowner") },
      },
      async (response) => {
        let text = "";
        for await (const chunk of response) text += chunk;
        resolve({ status: response.statusCode ?? 0, json: text === "" ? null : JSON.parse(text) });
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

describe("hub durability", () => {
  it("hub: what was acknowledged is there after kill -9", async () => {
    const first = await startHub();
    const created = await call(first.report, "PUT", "/devices/dev-1", { deviceId: "dev-1" });
    const { primaryKey } = (
      created.json as { authentication: { symmetricKey: { primaryKey: string } } }
    ).authentication.symmetricKey;
    const options = {
      ca: first.report.caPem,
      clientId: "dev-1",
      username: "localhost/dev-1/?api-version=2021-04-12",
      password: createSasToken("localhost/devices/dev-1", primaryKey, inAnHour()),
      protocolVersion: 4,
      clean: false,
      reconnectPeriod: 0,
    } as const;
    const client = await connectAsync(`mqtts://localhost:${first.report.mqttPort}`, options);
    client.on("error", () => {});
    await client.subscribeAsync("devices/dev-1/messages/devicebound/#", { qos: 1 });
    await call(first.report, "PATCH", "/twins/dev-1", {
      tags: { site: "a" },
      properties: { desired: { level: 3 } },
    });
    let acknowledged = 0;
    const publish = async () => {
      for (let n = 0; ; n++) {
        await client.publishAsync(`devices/dev-1/messages/events/n=${n}`, String(n), { qos: 1 });
        acknowledged = n + 1;
      }
    };
    publish().catch(() => {}); // Ends with the connection.
    while (acknowledged < 200) await new Promise((resolve) => setTimeout(resolve, 5));
    client.removeAllListeners("message");
    first.child.kill("SIGKILL");
    await closed(first.child);
    const before = acknowledged;
    client.end(true);

    const second = await startHub();
    expect(second.report.caPem).toBe(first.report.caPem);
    expect(second.report.serviceConnectionString).toBe(first.report.serviceConnectionString);
    const twin = (await call(second.report, "GET", "/twins/dev-1")).json;
    expect(twin).toMatchObject({ tags: { site: "a" }, properties: { desired: { level: 3 } } });
    const kept = (await call(second.report, "GET", "/telemetry?max=1000")).json as {
      messages: { body: string }[];
    };
    const bodies = kept.messages.map(({ body }) => Buffer.from(body, "base64").toString());
    expect(bodies.slice(0, before)).toEqual(Array.from({ length: before }, (_, n) => String(n)));

    // The session is there too: a message sent meanwhile comes without a new SUBSCRIBE.
    const sent = await call(second.report, "POST", "/devices/dev-1/messages/devicebound", "hi");
    expect(sent.status).toBe(204);
    second.child.kill("SIGKILL");
    await closed(second.child);
    const third = await startHub();
    const again = await connectAsync(`mqtts://localhost:${third.report.mqttPort}`, {
      ...options,
      ca: third.report.caPem,
    });
    const message = await new Promise<Buffer>((resolve) =>
      again.once("message", (_topic, payload) => resolve(payload)),
    );
    expect(message.toString()).toBe('"hi"');
    await again.endAsync();
    third.child.kill("SIGINT");
    expect(await closed(third.child)).toBe(0);
  }, 60_000);

  it("hub: files with keys are readable by their owner only, ca.pem stands in the directory", async () => {
    const data = join(dir, "new");
    const hub = await createHub({ dataDir: data });
    hub.createDevice("dev-1");
    await hub.close();
    expect(await readFile(join(data, "ca.pem"), "utf8")).toBe(hub.caPem);
    for (const name of ["state.jsonl", "server.json", "."]) {
      expect((await stat(join(data, name))).mode & 0o077).toBe(0);
    }
  });

  it("hub: a second hub on the same directory is refused with one line", async () => {
    const hub = await createHub({ dataDir: dir });
    const second = startHub();
    await expect(second).rejects.toThrow(`${dir} is in use by the hub of process ${process.pid}`);
    await hub.close();
  });

  it("hub: damaged state is refused with file and line, a cut-off last line is dropped", async () => {
    const { appendFile, writeFile } = await import("node:fs/promises");
    const hub = await createHub({ dataDir: dir });
    const { primaryKey } = hub.createDevice("dev-1");
    await hub.close();
    await appendFile(join(dir, "state.jsonl"), '["devices","dev-2",{"deviceId":"dev');
    const again = await createHub({ dataDir: dir });
    await (await dial(again, "dev-1", primaryKey)).endAsync();
    await again.close();
    await writeFile(join(dir, "state.jsonl"), '["a","b",1]\nrubbish\n');
    await expect(createHub({ dataDir: dir })).rejects.toThrow("state.jsonl: line 2 is damaged");
  });
});
