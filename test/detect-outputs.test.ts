import { createSocket } from "node:dgram";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer as createHttp } from "node:http";
import { type AddressInfo, createServer as createTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Aedes } from "aedes";
import { connectAsync } from "mqtt";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Alert } from "../detect/alerts.ts";
import { createOcsf, ocsfFinding } from "../detect/outputs/ocsf.ts";
import { createOutbox, type Output } from "../detect/outputs/outbox.ts";
import { cefLine, createSyslog, syslogLine } from "../detect/outputs/syslog.ts";
import { createOutput, startRunner } from "../detect/runner.ts";
import { parseRunnerConfig } from "../detect/runner-config.ts";
import { openWorkspace } from "../detect/workspace.ts";
import { event, flow, message, T0 } from "./support/detect-events.ts";

const ALERT: Alert = {
  id: "00000000-0000-8000-8000-000000000001",
  type: "Picket_CustomRule",
  displayName: 'A "name"|with]=\\',
  severity: "High",
  deviceId: "dev/1",
  group: "default",
  rule: "r",
  cause: "203.0.113.9",
  value: 7,
  range: { min: 0, max: 5 },
  time: "2026-01-05T00:00:01.000Z",
  events: ["e1"],
  description: "d",
  remediation: "fix",
  explanation: "7 is above\n5",
  firstTime: "2026-01-05T00:00:00.000Z",
  lastTime: "2026-01-05T00:00:01.000Z",
  count: 2,
  state: "active",
  isNew: false,
};

let folder = "";
let closers: (() => unknown)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "picket-outputs-"));
});
afterEach(async () => {
  for (const close of closers.reverse()) await close();
  closers = [];
  await rm(folder, { recursive: true });
});

const listening = (server: {
  listen(port: number, host: string, done: () => void): unknown;
  address(): unknown;
}) =>
  new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
const until = async (done: () => boolean, ms = 5000) => {
  for (const end = performance.now() + ms; !done() && performance.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

it("syslog: a message is RFC 5424 with escaped structured data, on one line", () => {
  const line = syslogLine(ALERT, "rfc5424");
  expect(line).toMatch(
    /^<106>1 2026-01-05T00:00:01.000Z dev\/1 picket - Picket_CustomRule \[alert@32473 id="0{8}-/,
  );
  expect(line).toContain('name="A \\"name\\"|with\\]=\\\\"');
  expect(line).not.toMatch(/[\r\n]/);
});

it("syslog: CEF escapes its header and its fields", () => {
  const line = cefLine(ALERT);
  expect(line).toMatch(
    /^CEF:0\|Picket\|Picket\|1\|Picket_CustomRule\|A "name"\\\|with\]=\\\\\|9\|externalId=/,
  );
  expect(line).toContain("msg=7 is above\\n5");
});

it("ocsf: a finding has the ids of its class, activity and severity", () => {
  expect(ocsfFinding(ALERT)).toMatchObject({
    class_uid: 2004,
    type_uid: 200402,
    severity_id: 4,
    status_id: 1,
    count: 2,
    time: T0 + 1000,
  });
  expect(ocsfFinding({ ...ALERT, isNew: true })).toMatchObject({ activity_id: 1 });
  expect(ocsfFinding({ ...ALERT, state: "resolved" })).toMatchObject({
    type_uid: 200403,
    status_id: 4,
  });
});

it("outbox: what a receiver refuses waits, survives a restart, and comes in order", async () => {
  const path = join(folder, "w.duckdb");
  const taken: string[] = [];
  let isDown = true;
  const output: Output = {
    name: "o'1",
    async send(alerts) {
      if (isDown) throw new Error("down\nfor now");
      taken.push(...alerts.map(({ id }) => id));
    },
    close: async () => undefined,
  };
  const open = async () => {
    const workspace = await openWorkspace(path);
    return { workspace, outbox: await createOutbox(workspace, [output], [10, 20]) };
  };
  const first = await open();
  const ids = Array.from({ length: 250 }, (_, n) => `a${n}`);
  first.outbox.queue(ids.slice(0, 249).map((id) => ({ ...ALERT, id })));
  await first.workspace.commit();
  first.outbox.kick();
  let status = await first.outbox.status();
  for (let n = 0; n < 200 && status[0]?.error === null; n++) {
    await first.outbox.drain(20);
    status = await first.outbox.status();
  }
  expect(status).toEqual([{ name: "o'1", sent: 0, waiting: 249, error: "down" }]);
  await first.outbox.close();
  await first.workspace.close();
  isDown = false;
  const second = await open();
  second.outbox.queue([{ ...ALERT, id: "a249" }]);
  await second.workspace.commit();
  second.outbox.kick();
  await second.outbox.drain(5000);
  expect(taken).toEqual(ids);
  expect((await second.outbox.status())[0]).toMatchObject({ sent: 250, waiting: 0, error: null });
  await second.outbox.close();
  await second.workspace.close();
});

it("webhook: posts signed alerts, and fails on an answer that is no success", async () => {
  const bodies: [string, string | undefined][] = [];
  let status = 204;
  const server = createHttp((request, response) => {
    let body = "";
    request.on("data", (part) => {
      body += part;
    });
    request.on("end", () => {
      bodies.push([body, request.headers["x-picket-signature"] as string]);
      response.writeHead(status).end();
    });
  });
  closers.push(() => server.close());
  const url = `http://127.0.0.1:${await listening(server)}/`;
  const output = createOutput({ type: "webhook", name: "w", url, secret: "s" });
  await output.send([ALERT]);
  expect(JSON.parse(bodies[0]?.[0] ?? "")).toEqual({ alerts: [ALERT] });
  expect(bodies[0]?.[1]).toMatch(/^sha256=[0-9a-f]{64}$/);
  status = 500;
  await expect(output.send([ALERT])).rejects.toThrow("webhook w: HTTP 500");
});

it("syslog: reaches a receiver over TCP with octet counting and over UDP", async () => {
  let stream = "";
  const server = createTcp((socket) => {
    socket.on("data", (part) => {
      stream += part;
    });
  });
  closers.push(() => server.close());
  const port = await listening(server);
  await createSyslog({ type: "syslog", name: "t", host: "127.0.0.1", port, transport: "tcp" }).send(
    [ALERT, ALERT],
  );
  const line = syslogLine(ALERT, "rfc5424");
  const frame = `${Buffer.byteLength(line)} ${line}`;
  await until(() => stream.length >= 2 * frame.length);
  expect(stream).toBe(frame + frame);
  const socket = createSocket("udp4");
  closers.push(() => socket.close());
  const datagram = new Promise<string>((resolve) =>
    socket.once("message", (data) => resolve(data.toString())),
  );
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  await createSyslog({
    type: "syslog",
    name: "u",
    host: "127.0.0.1",
    port: socket.address().port,
    transport: "udp",
    format: "cef",
  }).send([ALERT]);
  expect(await datagram).toContain("CEF:0|Picket|");
  server.close();
  await expect(
    createSyslog({
      type: "syslog",
      name: "gone",
      host: "127.0.0.1",
      port: 1,
      transport: "tcp",
    }).send([ALERT]),
  ).rejects.toThrow(/ECONNREFUSED/);
});

it("ocsf: adds lines to a file", async () => {
  const path = join(folder, "findings.jsonl");
  const output = createOcsf({ type: "ocsf", name: "o", path });
  await output.send([ALERT]);
  await output.send([ALERT, ALERT]);
  const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).finding_info.uid)).toEqual([
    ALERT.id,
    ALERT.id,
    ALERT.id,
  ]);
});

const RULES = { rules: [{ name: "telnet", event: "NetworkActivity", where: { remotePort: 23 } }] };
const telnet = (at: number) =>
  message("dev1", [event("NetworkActivity", at, [flow({ remotePort: 23 })])], at).body;

it("runner: takes messages from a broker and a folder, sends alerts to a broker", async () => {
  const broker = await Aedes.createBroker();
  const server = createTcp((socket) => {
    broker.handle(socket);
  });
  closers.push(
    () => server.close(),
    () => new Promise<void>((resolve) => broker.close(() => resolve())),
  );
  const url = `mqtt://127.0.0.1:${await listening(server)}`;
  const device = await connectAsync(url, { clientId: "device" });
  closers.push(() => device.endAsync(true));
  const heard: { topic: string; alert: Alert }[] = [];
  device.on("message", (topic, payload) =>
    heard.push({ topic, alert: JSON.parse(payload.toString()) }),
  );
  await device.subscribeAsync("alerts/#", { qos: 1 });
  const inbox = join(folder, "inbox");
  await mkdir(join(inbox, "dev2"), { recursive: true });
  await writeFile(join(inbox, "dev2", "1.json"), telnet(1000));
  await writeFile(join(inbox, "dev2", "2.bin"), "nonsense");
  const config = parseRunnerConfig(
    JSON.stringify({
      workspace: join(folder, "w.duckdb"),
      rules: RULES,
      api: { port: 0 },
      sources: [
        { type: "mqtt", url, topics: ["devices/+/messages/events/#"] },
        { type: "folder", path: inbox, everyMs: 50 },
      ],
      outputs: [{ type: "mqtt", name: "m", url, topic: "alerts/{deviceId}" }],
    }),
    "config.json",
  );
  const faults: string[] = [];
  const runner = await startRunner(config, Date.now, [], (line) => faults.push(line));
  closers.push(() => runner.close());
  await device.publishAsync("devices/dev1/messages/events/", Buffer.from(telnet(0)), { qos: 1 });
  await until(() => heard.length >= 2);
  expect(heard.map(({ topic, alert }) => [topic, alert.rule, alert.deviceId]).sort()).toEqual([
    ["alerts/dev1", "telnet", "dev1"],
    ["alerts/dev2", "telnet", "dev2"],
  ]);
  expect(runner.service.counts()).toMatchObject({ messages: 3, deadLetters: 1 });
  expect((await readdir(join(inbox, "dev2", "taken"))).sort()).toEqual(["1.json", "2.bin"]);
  expect((await fetch(`${runner.url}/health`)).status).toBe(200);
  expect(faults).toEqual([]);
});

it.each([
  ["[", /^c.json: no JSON/],
  ['{"outputs":[{"type":"fax","name":"f"}]}', /^c.json: \/outputs\/0/],
  [
    '{"feeds":[{"name":"f","source":"s","format":"list","refresh":"daily"}]}',
    /feed f: refresh: "daily" is no ISO 8601/,
  ],
  [
    '{"outputs":[{"type":"ocsf","name":"a","path":"x"},{"type":"ocsf","name":"a","path":"y"}]}',
    /two outputs are called "a"/,
  ],
  ['{"workspce":"x"}', /must NOT have additional properties \(workspce\)/],
  [
    '{"outputs":[{"type":"webhok","name":"w"}]}',
    /^c\.json: \/outputs\/0: type "webhok" is not known$/,
  ],
  [
    '{"outputs":[{"type":"webhook","name":"w","url":"nonsense"}]}',
    /^c\.json: output w: "nonsense" is no URL that begins with http:\/\/, https:\/\/$/,
  ],
  [
    '{"sources":[{"type":"mqtt","url":"http://a","topics":["x"]}]}',
    /^c\.json: source mqtt: "http:\/\/a" is no URL that begins with mqtt:\/\//,
  ],
])("runner: the configuration %s is refused in one line", (json, text) => {
  expect(() => parseRunnerConfig(json, "c.json")).toThrow(text);
});
