/** From publish to alert: hub and detection in one process, a module that publishes over TLS. */
import { connectAsync } from "mqtt";
import { createDetection } from "../detect/detection.ts";
import { createProcessor } from "../detect/processor.ts";
import { optionsOf } from "../detect/rule-files.ts";
import { createService } from "../detect/service.ts";
import { openWorkspace } from "../detect/workspace.ts";
import { createHub } from "../hub/hub.ts";
import { createSasToken } from "../hub/sas.ts";
import { SECURITY_INTERFACE_ID } from "../wire/events.ts";
import { createRandom, fleetMessage } from "./bench-fleet.ts";

const DEVICE = "device-0";
const MODULE = "azureiotsecurity";
const MESSAGES = 500;
const WARM_UP = 50;
/** Time between publishes: the latency of one message, not of a queue. */
const GAP_MS = 4;

/** Every message raises or repeats an alert: none of its destinations is allowed. */
const RULES = {
  groups: {
    default: {
      properties: {
        allowlistRules: [
          {
            isEnabled: true,
            ruleType: "ConnectionToIpNotAllowed",
            allowlistValues: ["10.0.0.0/8"],
          },
        ],
      },
    },
  },
};

export async function measureLatency(): Promise<{ p50: number; p99: number }> {
  const latencies: number[] = [];
  let sentAt = 0;
  let heard: (() => void) | null = null;
  const workspace = await openWorkspace();
  const service = await createService({
    processor: createProcessor(createDetection(optionsOf(RULES, "bench"))),
    workspace,
    sinks: [
      {
        alert() {
          if (!heard) return;
          latencies.push(performance.now() - sentAt);
          heard();
        },
      },
    ],
    now: Date.now,
  });
  const hub = await createHub();
  hub.onTelemetry((message) => service.ingest(message));
  hub.createDevice(DEVICE);
  const { primaryKey } = hub.createModule(DEVICE, MODULE);
  const resource = `${hub.hostName}/devices/${DEVICE}/modules/${MODULE}`;
  const client = await connectAsync(`mqtts://localhost:${hub.mqttPort}`, {
    ca: hub.caPem,
    clientId: `${DEVICE}/${MODULE}`,
    username: `${hub.hostName}/${DEVICE}/${MODULE}/?api-version=2021-04-12`,
    password: createSasToken(resource, primaryKey, Date.now() / 1000 + 3600),
    protocolVersion: 4,
    reconnectPeriod: 0,
  });
  const marked = `%24.ifid=${encodeURIComponent(SECURITY_INTERFACE_ID)}`;
  const topic = `devices/${DEVICE}/modules/${MODULE}/messages/events/${marked}`;
  const random = createRandom(3);
  const startS = Math.floor(Date.now() / 1000);
  for (let round = 0; round < MESSAGES; round++) {
    const body = fleetMessage({
      device: 0,
      round,
      timeS: startS + round,
      intervalS: 1,
      flows: 6,
      random,
    });
    const alert = new Promise<void>((resolve) => {
      heard = resolve;
    });
    sentAt = performance.now();
    const published = client.publishAsync(topic, Buffer.from(body), { qos: 1 });
    await alert;
    heard = null;
    await published;
    await new Promise((resolve) => setTimeout(resolve, GAP_MS));
  }
  await client.endAsync();
  await hub.close();
  await workspace.close();
  const sorted = latencies.slice(WARM_UP).sort((a, b) => a - b);
  const at = (share: number) =>
    Number((sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(2));
  return { p50: at(0.5), p99: at(0.99) };
}
