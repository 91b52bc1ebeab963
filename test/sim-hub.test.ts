/** The simulator against a running hub: what arrives there, and what is told when it does not. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { driveHub, openSimHub, parseHub } from "../cli/sim-hub.ts";
import { runFiles } from "../cli/sim-run.ts";
import { serveHub } from "../hub/serve.ts";
import { TELEMETRY_FLEET } from "../sim/fleet/description.ts";
import { TWIN_OBJECT } from "../wire/twin-properties.ts";

const SCENARIO = `name: hub
purpose: Two boards against a hub
duration: 1m
boards:
  - { name: board, count: 2, intervals: { high: 10s, low: 30s } }
peers: { broker: 10.20.0.1 }
traffic:
  - { kind: telemetry, peer: broker, every: 10s }
`;

let served: Awaited<ReturnType<typeof serveHub>>;
let connection: string;
const scratch = mkdtempSync(join(tmpdir(), "picket-sim-hub-"));
const arrived: { deviceId: string; moduleId: string | null; bytes: number }[] = [];

beforeAll(async () => {
  const ports = { mqttPort: 0, httpsPort: 0, amqpPort: null, plainMqttPort: null };
  served = await serveHub({
    host: "127.0.0.1",
    hostName: "localhost",
    log: () => {},
    data: scratch,
    ...ports,
  });
  served.hub.onTelemetry(({ deviceId, moduleId, body }) => {
    arrived.push({ deviceId, moduleId, bytes: body.length });
  });
  const { report } = served;
  connection =
    `${report.serviceConnectionString};MqttPort=${report.mqttPort};` +
    `HttpsPort=${report.httpsPort};CaFile=${report.caFile}`;
});

afterAll(async () => {
  await served.hub.close();
  rmSync(scratch, { recursive: true });
});

describe("sim against a hub", () => {
  it("hub: every message of a run arrives, from the module of its board", async () => {
    const file = join(scratch, "hub.yaml");
    const out = join(scratch, "hub.json");
    writeFileSync(file, SCENARIO);
    expect(await runFiles([file], { hub: connection, speed: 100, json: out })).toBe(0);
    const [run] = JSON.parse(readFileSync(out, "utf8")).runs;
    expect(arrived).toHaveLength(run.totals.messages);
    expect(arrived.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(run.totals.bytes);
    const senders = new Set(arrived.map(({ deviceId, moduleId }) => `${deviceId} ${moduleId}`));
    expect([...senders].sort()).toEqual(["board-1 azureiotsecurity", "board-2 azureiotsecurity"]);
  });

  it("hub: a fleet drives it, and counts what it acknowledged", async () => {
    arrived.length = 0;
    const twin = { [TWIN_OBJECT]: { highPriorityMessageFrequency: { value: "PT1S" } } };
    const fleet = { ...TELEMETRY_FLEET, boards: 40, hours: 0.001, startSpread: "1s", twin };
    expect(await driveHub(connection, fleet, { json: true })).toBe(0);
    expect(new Set(arrived.map(({ deviceId }) => deviceId)).size).toBe(40);
  });

  it("hub: one that cannot be used is told in one line", async () => {
    const scenario = { name: "a", purpose: "a", duration: "1m", boards: [{ name: "board" }] };
    const other = connection.replace(/SharedAccessKey=[^;]*/, "SharedAccessKey=AAAA");
    await expect(openSimHub(other, scenario)).rejects.toThrow(/refuses to register .*401/);
    await expect(
      openSimHub(connection.replace(/HttpsPort=\d+/, "HttpsPort=1"), scenario),
    ).rejects.toThrow("the hub localhost:1 cannot be reached: ECONNREFUSED");
    expect(() => parseHub("HostName=a")).toThrow("has no SharedAccessKeyName");
    expect(() => parseHub(`${connection};MqttPort=70000`)).toThrow("70000 is no port");
  });
});
