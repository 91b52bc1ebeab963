/** `npm run bench`: the core on V8. Times are of this machine; sizes are of the modules. */

import { buildCore } from "../boards/build.ts";
import { BASE_OPTIONS, FULL_OPTIONS } from "../boards/feature-sets.ts";
import { type Agent, createAgent } from "../host/agent.ts";
import { OBSERVATIONS, type ObservedName } from "../wire/observations.ts";
import { PRIORITY_HIGH, PRIORITY_LOW } from "../wire/picket-keys.ts";
import { wantsJson } from "./wants-json.ts";

const PACKETS = 2_000_000;
const EVENTS = 200_000;
const FLOWS = [0, 1, 8, 64] as const;
const WALL_S = 1_795_000_000;
const INTERVAL_S = 420;

/** Every event is sent, and none is put together with others. */
const TWIN = new TextEncoder().encode(
  JSON.stringify({
    desired: {
      "ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration": Object.fromEntries([
        ["eventPriorityDiagnostic", { value: "High" }],
        ...["ConnectionCreate", "ProcessCreate", "ProcessTerminate"].map((name) => [
          `aggregationEnabled${name}`,
          { value: false },
        ]),
      ]),
    },
  }),
);

interface Bench {
  readonly agent: Agent;
  readonly messages: Uint8Array[];
}

function open(wasm: Uint8Array): Bench {
  const messages: Uint8Array[] = [];
  const agent = createAgent({
    wasm,
    agentId: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    seed: 0,
    highIntervalS: INTERVAL_S,
    lowIntervalS: INTERVAL_S,
    nowMs: 0,
    wallS: WALL_S,
    publish(id, bytes) {
      messages.push(bytes);
      agent.published(id, true);
    },
  });
  agent.twin(TWIN);
  agent.poll(0, WALL_S);
  return { agent, messages };
}

/** TCP segments with ACK that 10.0.0.10 sends to each of `flows` peers. */
function segments(flows: number): Uint8Array[] {
  return Array.from({ length: flows }, (_, i) => {
    const packet = new Uint8Array(60);
    packet.set([0x45, 0, 0, 60, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 10, 10, 0, 1, 1 + i]);
    packet.set([0xc0, i, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10], 20);
    return packet;
  });
}

function packetsPerSecond(wasm: Uint8Array): number {
  const { agent } = open(wasm);
  const packets = segments(32);
  const { ring } = agent;
  const batch = Math.min(16, ring.free());
  const run = (count: number) => {
    for (let i = 0; i < count; i += batch) {
      for (let k = 0; k < batch; k++) ring.offer(0, packets[(i + k) & 31] as Uint8Array, 0, 60, 60);
      agent.poll(0, WALL_S);
    }
  };
  return rate(PACKETS, run);
}

/** Logins observed, stored, sent in messages and acknowledged. */
function eventsPerSecond(wasm: Uint8Array): number {
  const { agent } = open(wasm);
  const run = (count: number) => {
    for (let i = 0; i < count; i++) {
      agent.observe("Login", { userName: "root", operation: "Login", result: "Fail" });
      if (i % 8 !== 7) continue;
      agent.flush(PRIORITY_HIGH);
      agent.poll(0, WALL_S);
    }
  };
  return rate(EVENTS, run);
}

function rate(count: number, run: (count: number) => void): number {
  run(count / 10); // Let V8 compile first.
  const begin = performance.now();
  run(count);
  return Math.round((count / (performance.now() - begin)) * 1000);
}

/** Messages of one collection after what `act` does, less what is sent without it. */
function bytesOf(wasm: Uint8Array, priority: number, act: (agent: Agent) => void): number {
  const { agent, messages } = open(wasm);
  for (const settle of [PRIORITY_HIGH, PRIORITY_LOW]) agent.flush(settle);
  agent.poll(1000, WALL_S + 1);
  messages.length = 0;
  act(agent);
  agent.poll(2000, WALL_S + 2);
  agent.flush(priority);
  do agent.poll(2000, WALL_S + 2);
  while (agent.nextMs() === 0);
  return messages.reduce((sum, message) => sum + message.length, 0);
}

const EXAMPLES: { readonly [N in ObservedName]: Parameters<typeof Object.keys>[0] } = {
  ConnectionCreate: {},
  ProcessCreate: { processId: 7, executable: "telemetry", commandLine: "telemetry_entry" },
  ProcessTerminate: { processId: 7, executable: "telemetry", exitStatus: 0 },
  Login: { userName: "admin", operation: "Login", result: "Fail", remoteAddress: "10.0.0.9" },
  Diagnostic: { severity: "Warning", message: "stack of thread telemetry is nearly full" },
  ListeningPorts: { protocol: 6, localAddress: "10.0.0.10", localPort: 80 },
  LocalUsers: { userId: "0", userName: "admin", groupIds: "0", groupNames: "operators" },
  FirewallConfiguration: { enabled: true, action: "Allow", chainName: "input" },
  ConnectedHardware: { hardwareCategory: "net", hardwareSubCategory: "wifi", hardwareName: "sta" },
  OSBaseline: { cceId: "P-1", description: "stack checks on", result: "Pass" },
  SystemInformation: { osName: "ThreadX", osVersion: "6.4.1", hardwareModel: "B-L475E-IOT01A" },
};

function observedBytes(wasm: Uint8Array): Record<string, number> {
  const sizes: Record<string, number> = {};
  for (const name of Object.keys(OBSERVATIONS) as ObservedName[]) {
    if (name === "ConnectionCreate") continue; // The core makes it of packets.
    const both = [PRIORITY_HIGH, PRIORITY_LOW].map((priority) =>
      bytesOf(wasm, priority, (agent) => void agent.observe(name, EXAMPLES[name])),
    );
    const none = [PRIORITY_HIGH, PRIORITY_LOW].map((priority) => bytesOf(wasm, priority, () => {}));
    sizes[name] = Math.max(...both.map((bytes, i) => bytes - (none[i] ?? 0)));
  }
  return sizes;
}

const base = await buildCore(BASE_OPTIONS);
const full = await buildCore(FULL_OPTIONS);
const packets = (count: number) => (agent: Agent) => {
  for (const packet of segments(count)) {
    agent.ring.offer(0, packet, 0, 60, 60);
    if (agent.ring.free() === 0) agent.poll(1500, WALL_S + 1);
  }
};
const result = {
  packetsPerSecond: packetsPerSecond(full.wasm),
  eventsPerSecond: eventsPerSecond(full.wasm),
  messageBytes: {
    flows: Object.fromEntries(
      FLOWS.map((count) => [count, bytesOf(base.wasm, PRIORITY_HIGH, packets(count))]),
    ),
    Heartbeat: bytesOf(base.wasm, PRIORITY_LOW, () => {}),
    ...observedBytes(full.wasm),
  },
  wasmBytes: { base: base.wasm.length, full: full.wasm.length },
  memoryBytes: { base: memoryBytes(base.wasm), full: memoryBytes(full.wasm) },
};

function memoryBytes(wasm: Uint8Array): number {
  return open(wasm).agent.snapshot().length;
}

if (wantsJson()) console.log(JSON.stringify(result));
else console.dir(result, { depth: null });
