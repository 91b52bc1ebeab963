/** What a board observes, through the real core, to what a message says. */
import { describe, expect, it } from "vitest";
import * as abi from "../assembly/abi.ts";
import { buildCore } from "../boards/build.ts";
import { createAgent } from "../host/agent.ts";
import { v8 } from "../host/engines/v8.ts";
import { writeObservation } from "../host/observations.ts";
import type { Payloads } from "../wire/events.ts";
import { OBSERVATIONS, type ObservedName, recordLayout } from "../wire/observations.ts";
import { merge, only, startAgent, type TestAgent } from "./support/core.ts";

/** One full item of each event that a board tells. */
const ITEMS: { readonly [N in Exclude<ObservedName, "ConnectionCreate">]: Payloads[N] } = {
  ProcessCreate: {
    processId: 7,
    parentProcessId: 1,
    userId: "0",
    userName: "kernel",
    executable: "telemetry",
    commandLine: "telemetry_entry 5",
  },
  ProcessTerminate: { processId: 7, executable: "telemetry", exitStatus: -3 },
  Login: {
    processId: 9,
    operation: "LoginFailed",
    executable: "telnetd",
    result: "Fail",
    userId: "12",
    userName: "ädmin",
    remoteAddress: "2001:db8::7",
    remotePort: 50_000,
    localPort: 23,
  },
  Diagnostic: {
    severity: "Warning",
    message: "stack of thread telemetry is nearly full",
    processId: 1,
    threadId: 2,
    correlationId: "c-1",
  },
  ListeningPorts: { protocol: 17, localAddress: "192.168.1.7", localPort: 5683 },
  LocalUsers: { userId: "3", userName: "op", groupIds: "1;2", groupNames: "users;operators" },
  FirewallConfiguration: {
    enabled: true,
    action: "Deny",
    priority: 10,
    direction: "In",
    chainName: "input",
    application: "netx",
    sourceAddress: "10.0.0.0/8",
    sourcePort: "*",
    destinationAddress: "0.0.0.0/0",
    destinationPort: "22,53",
    protocol: "TCP",
  },
  ConnectedHardware: {
    hardwareCategory: "net",
    hardwareSubCategory: "wifi",
    hardwareName: "ISM43362",
  },
  OSBaseline: {
    cceId: "P-17",
    description: "stack checks are on",
    result: "Err",
    error: "not built in",
    severity: "Important",
  },
  SystemInformation: {
    osName: "ThreadX",
    osVersion: "6.4.1",
    osVendor: "Eclipse",
    osArchitecture: "Cortex-M4",
    hostName: "pump-3",
    biosVersion: "1.0",
    bootDevice: "flash0",
    totalPhysicalMemoryInKB: 128,
    freePhysicalMemoryInKB: 31,
    hardwareVendor: "ST",
    hardwareModel: "B-L475E-IOT01A",
    firmwareVersion: "2.3.1",
  },
};
const NAMES = Object.keys(ITEMS) as (keyof typeof ITEMS)[];

const SETTINGS = "ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration";

function configure(test: TestAgent, settings: Readonly<Record<string, unknown>>): number {
  const wrapped = Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [name, { value }]),
  );
  const json = JSON.stringify({ desired: { [SETTINGS]: wrapped } });
  return test.agent.twin(new TextEncoder().encode(json));
}

/** Every event is sent, and each by itself. */
const EACH = {
  eventPriorityDiagnostic: "High",
  aggregationEnabledConnectionCreate: false,
  aggregationEnabledProcessCreate: false,
  aggregationEnabledProcessTerminate: false,
};

describe("observations", () => {
  it.each(NAMES)("observations: %s arrives with every field", async (name) => {
    const test = await startAgent();
    expect(configure(test, EACH)).toBe(0);
    expect(test.agent.observe(name, ITEMS[name])).toBe(true);
    const [event] = only(test.collect(), name);
    expect(event?.payload).toEqual([ITEMS[name]]);
    expect(event?.timeMs).toBe(test.clock.wallS * 1000);
  });

  it("observations: a record is refused and counted at every wrong length, kind and choice", async () => {
    const { wasm } = await buildCore();
    const core = v8(wasm, {
      publish: () => abi.OK,
      report: () => abi.OK,
      flash_read: () => abi.E_FLASH,
      flash_program: () => abi.E_FLASH,
      flash_erase: () => abi.E_FLASH,
    });
    const input = new DataView(core.memory, core.exports.input_address(), abi.INPUT_BYTES);
    expect(core.exports.observe(8)).toBe(abi.E_NOT_STARTED);
    expect(core.exports.start(abi.START_BYTES, 0, 0)).toBe(abi.OK);
    const bytes = writeObservation(input, "Login", ITEMS.Login);
    expect(core.exports.observe(bytes)).toBe(abi.OK);
    for (const wrong of [0, 3, 4, bytes - 1, bytes + 1, abi.INPUT_BYTES + 1, 0xffff_ffff]) {
      expect(core.exports.observe(wrong), String(wrong)).toBe(abi.E_BAD_RECORD);
    }
    const { places } = recordLayout("Login");
    for (const { field, at } of places) {
      if (field.type !== "choice" && field.type !== "address") continue;
      const before = input.getUint8(at);
      const limit = field.type === "choice" ? field.values.length : 17;
      input.setUint8(at, limit);
      expect(core.exports.observe(bytes)).toBe(abi.E_BAD_RECORD);
      input.setUint8(at, before);
    }
    for (const kind of [0, 10, 22, 255, 258, 65_535]) {
      input.setUint16(abi.OBSERVE_KIND, kind, true);
      expect(core.exports.observe(bytes), String(kind)).toBe(abi.E_BAD_RECORD);
    }
  });

  it("observations: texts are cut at their field's length, between two characters", async () => {
    const test = await startAgent();
    configure(test, EACH);
    test.agent.observe("Login", { userName: `${"x".repeat(31)}ü` });
    test.agent.observe("Login", { userName: "y".repeat(33) });
    const names = only(test.collect(), "Login").map((event) => event.payload[0]?.userName);
    expect(names).toEqual(["x".repeat(31), "y".repeat(32)]);
  });

  it("observations: an event that is off is not sent, and one that is low goes with the low ones", async () => {
    const test = await startAgent();
    configure(test, { ...EACH, eventPriorityLogin: "Off", eventPriorityDiagnostic: "Low" });
    test.agent.observe("Login", ITEMS.Login);
    test.agent.observe("Diagnostic", ITEMS.Diagnostic);
    const events = test.collect();
    expect(only(events, "Login")).toEqual([]);
    expect(only(events, "Diagnostic")).toHaveLength(1);
    expect(merge(events).losses).toEqual({});
  });

  it("observations: a core without a collector takes its records and sends nothing", async () => {
    const test = await startAgent({ COLLECT_LOGIN: 0 });
    expect(test.agent.observe("Login", ITEMS.Login)).toBe(true);
    expect(only(test.collect(), "Login")).toEqual([]);
  });
});

describe("snapshots", () => {
  it("snapshots: all are asked for at the start, and an empty one says so", async () => {
    const asked: string[] = [];
    const { wasm } = await buildCore();
    const messages: Uint8Array[] = [];
    const agent = createAgent({
      wasm,
      agentId: new Uint8Array(8),
      seed: 0,
      nowMs: 0,
      wallS: 1_700_000_000,
      publish: (id, bytes) => {
        messages.push(bytes);
        agent.published(id, true);
      },
      snapshot: (name) => {
        asked.push(name);
        return name === "LocalUsers" ? [ITEMS.LocalUsers, ITEMS.LocalUsers] : [];
      },
    });
    agent.poll(0, 1_700_000_000);
    const snapshots = Object.entries(OBSERVATIONS).filter(([, table]) => table.snapshot);
    expect(asked).toEqual(snapshots.map(([name]) => name));
    asked.length = 0;
    agent.poll(46_799_000, 1_700_046_799);
    expect(asked).toEqual([]);
    agent.poll(46_800_000, 1_700_046_800);
    expect(asked).toHaveLength(snapshots.length);
  });

  it("snapshots: items arrive one by one, an empty snapshot as an empty event", async () => {
    const test = await startAgent(
      {},
      { snapshot: (name) => (name === "LocalUsers" ? [ITEMS.LocalUsers, ITEMS.LocalUsers] : []) },
    );
    const events = test.collect();
    expect(only(events, "LocalUsers").map((event) => event.payload.length)).toEqual([1, 1]);
    const [ports] = only(events, "ListeningPorts");
    expect(ports).toMatchObject({ isEmpty: true, payload: [] });
  });
});

describe("aggregation", () => {
  const HOUR_S = 3600;

  async function process(): Promise<TestAgent> {
    const test = await startAgent();
    test.poll();
    return test;
  }

  function advance(test: TestAgent, seconds: number): void {
    test.clock.nowMs += seconds * 1000;
    test.clock.wallS += seconds;
  }

  it("aggregation: equal processes are one event after the interval, with hits and times", async () => {
    const test = await process();
    const firstMs = test.clock.wallS * 1000;
    test.agent.observe("ProcessCreate", ITEMS.ProcessCreate);
    advance(test, 5);
    test.poll();
    test.agent.observe("ProcessCreate", { ...ITEMS.ProcessCreate, processId: 8 });
    test.agent.observe("ProcessCreate", { ...ITEMS.ProcessCreate, commandLine: "other" });
    expect(only(test.collect(), "ProcessCreate")).toEqual([]);
    advance(test, HOUR_S - 6);
    expect(only(test.collect(), "ProcessCreate")).toEqual([]);
    advance(test, 1);
    const [event] = only(test.collect(), "ProcessCreate");
    expect(event?.payload[0]).toEqual({
      ...ITEMS.ProcessCreate,
      processId: 0,
      parentProcessId: 0,
      hitCount: 2,
      firstTimeMs: firstMs,
      lastTimeMs: firstMs + 5000,
    });
  });

  it("aggregation: slots at n hold n events, event n + 1 sends the oldest early", async () => {
    const test = await process();
    const observe = (i: number) =>
      test.agent.observe("ProcessTerminate", { processId: i, executable: "t", exitStatus: i });
    for (let i = 0; i < 8; i++) {
      observe(i + 1);
      advance(test, 1);
      test.poll();
    }
    expect(only(test.collect(), "ProcessTerminate")).toEqual([]);
    observe(9);
    const early = only(test.collect(), "ProcessTerminate");
    expect(early.map((event) => event.payload[0]?.exitStatus)).toEqual([1]);
  });

  it("aggregation: connections of the same peer, port and direction are one", async () => {
    const test = await process();
    const packet = (port: number) => {
      const bytes = new Uint8Array(28);
      bytes.set([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 9]);
      bytes.set([port >> 8, port & 255, 0, 53, 0, 8, 0, 0], 20);
      return bytes;
    };
    for (let i = 0; i < 5; i++) test.offer(0, packet(40_000 + i));
    test.poll();
    advance(test, HOUR_S);
    const [event, ...others] = only(test.collect(), "ConnectionCreate");
    expect(others).toEqual([]);
    expect(event?.payload[0]).toMatchObject({
      direction: "Out",
      protocol: 17,
      localAddress: "10.0.0.1",
      remoteAddress: "10.0.0.9",
      remotePort: 53,
      hitCount: 5,
    });
  });
});
