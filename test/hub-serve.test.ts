import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeServerCertificate } from "../hub/certificates.ts";
import { parseEnrollments } from "../hub/dps/enrollments.ts";
import { parsePolicies } from "../hub/policies.ts";
import { describeHub, type ServeOptions, serveHub } from "../hub/serve.ts";
import { dial } from "./hub-support.ts";

const KEY = Buffer.alloc(32, 1).toString("base64");
const FREE: ServeOptions = {
  host: "127.0.0.1",
  hostName: "localhost",
  mqttPort: 0,
  httpsPort: 0,
  amqpPort: 0,
  plainMqttPort: null,
  log: () => {},
};

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "picket-serve-"));
});

afterEach(() => rm(dir, { recursive: true, force: true }));

async function file(name: string, text: string): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, text);
  return path;
}

describe("hub serve", () => {
  it("serve: tells ports and connection strings with the given key", async () => {
    const startMs = performance.now();
    const { hub, report } = await serveHub({ ...FREE, ownerKey: KEY });
    expect(performance.now() - startMs).toBeLessThan(2000);
    const policy = `SharedAccessKeyName=iothubowner;SharedAccessKey=${KEY}`;
    expect(report.serviceConnectionString).toBe(`HostName=localhost;${policy}`);
    const text = describeHub(report);
    expect(text).toContain(`MQTT over TLS 127.0.0.1:${hub.mqttPort}`);
    expect(text).toContain(`Endpoint=sb://localhost:${hub.amqpPort}/;${policy};EntityPath=`);
    await hub.close();
  });

  it("serve: plain MQTT and a given certificate", async () => {
    const made = await makeServerCertificate(["localhost"], Date.now());
    const cert = await file("cert.pem", made.certPem);
    const key = await file("key.pem", made.keyPem);
    const ca = await file("given-ca.pem", made.caPem);
    const { hub, report } = await serveHub({ ...FREE, cert, key, ca, plainMqttPort: 0 });
    expect(report.caPem).toBe(made.caPem);
    const { primaryKey } = hub.createDevice("d");
    await (await dial(hub, "d", primaryKey)).endAsync();
    const { default: mqtt } = await import("mqtt");
    const client = await mqtt
      .connectAsync(`mqtt://127.0.0.1:${hub.plainMqttPort}`, {
        clientId: "x",
        reconnectPeriod: 0,
      })
      .catch((error: { code: number }) => error.code);
    expect(client).toBe(5);
    await hub.close();
  });

  it("serve: hubs run side by side", async () => {
    const hubs = await Promise.all([serveHub(FREE), serveHub(FREE), serveHub(FREE)]);
    expect(new Set(hubs.map(({ report }) => report.mqttPort)).size).toBe(3);
    await Promise.all(hubs.map(({ hub }) => hub.close()));
  });

  it.each([
    ["an owner key that is none", { ownerKey: "no key" }, "--owner-key must be base64"],
    ["a certificate without key", { cert: "x" }, "--cert and --key are given together"],
    ["a file that is not there", { policies: "/no/such" }, "--policies /no/such cannot be read"],
    ["a directory that is a file", { data: "/dev/null" }, "cannot be used for the hub's data"],
  ])("serve: one line at %s", async (_name, change, message) => {
    const failed = serveHub({ ...FREE, ...change }).catch((error: Error) => error.message);
    const line = await failed;
    expect(line).toContain(message);
    expect(line).not.toContain("\n");
  });

  it("serve: a damaged enrollments file is named with its entry, and nothing stays open", async () => {
    const enrollments = await file("e.json", '{"idScope":"0ne1","enrollments":[{}]}');
    const failed = serveHub({ ...FREE, data: join(dir, "data"), enrollments });
    await expect(failed).rejects.toThrow(`--enrollments ${enrollments}: enrollments: entry 0`);
    const { hub } = await serveHub({ ...FREE, data: join(dir, "data") });
    await hub.close();
  });

  it.each([
    [null, "expected"],
    [{ policies: [{ keyName: "a b", primaryKey: KEY, rights: [] }] }, "entry 0: keyName"],
    [{ policies: [{ keyName: "a", primaryKey: "x", rights: [] }] }, "entry 0 (a): keys"],
    [{ policies: [{ keyName: "a", primaryKey: KEY, rights: "All" }] }, "entry 0 (a): rights"],
  ])("policies: refuses %j", (json, message) => {
    expect(() => parsePolicies(json)).toThrow(message);
  });

  it("policies: takes rights as a list and as Azure's text", () => {
    const entry = { keyName: "p", primaryKey: KEY, secondaryKey: KEY };
    const rights = ["RegistryRead", "ServiceConnect"];
    expect(parsePolicies([{ ...entry, rights }])).toEqual([{ ...entry, rights }]);
    const text = "RegistryRead, ServiceConnect";
    expect(parsePolicies({ policies: [{ ...entry, rights: text }] })).toEqual([
      { ...entry, rights },
    ]);
  });

  it.each([
    [{}, "idScope"],
    [{ idScope: "a", enrollments: {} }, "arrays"],
    [{ idScope: "a", enrollments: [{ registrationId: "r", symmetricKey: "x" }] }, "symmetricKey"],
    [{ idScope: "a", enrollments: [{ registrationId: "r" }] }, "needs symmetricKey or x509"],
    [{ idScope: "a", groups: [{ symmetricKey: KEY }] }, "enrollmentGroupId missing"],
  ])("enrollments: refuses %j", (json, message) => {
    expect(() => parseEnrollments(json)).toThrow(message);
  });
});
