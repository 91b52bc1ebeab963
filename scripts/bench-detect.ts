/**
 * `npm run bench:detect [--json]`: what detection takes, from bytes to alerts stored in the
 * workspace, with all built-in rules, ten custom rules for each group, learned ranges and 10,000
 * prefixes.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { gunzipSync } from "node:zlib";
import { buildCore } from "../boards/build.ts";
import { parseAddress } from "../detect/address.ts";
import type { Alert } from "../detect/alerts.ts";
import { createDetection } from "../detect/detection.ts";
import { lookupOf } from "../detect/intel.ts";
import { createPrefixTable } from "../detect/prefix-table.ts";
import { createProcessor, type Processor, type SourceMessage } from "../detect/processor.ts";
import { optionsOf } from "../detect/rule-files.ts";
import { WINDOW_RULES } from "../detect/rule-types.ts";
import { openWorkspace } from "../detect/workspace.ts";
import { alertRow } from "../detect/workspace-rows.ts";
import { parseDeviceAddresses } from "../host/netx/address.ts";
import { readCapture } from "../sim/capture.ts";
import { REPLAY_OPTIONS, replay } from "../sim/replay.ts";
import { SECURITY_INTERFACE_ID } from "../wire/events.ts";
import { createRandom, fleetMessage } from "./bench-fleet.ts";
import { measureLatency } from "./bench-latency.ts";
import { wantsJson } from "./wants-json.ts";

const DEVICES = 10_000;
/** Reports of each device before the clock runs. */
const WARM_ROUNDS = 2;
const WARM_PASSES = 60;
/** The rest in as many equal parts; the quickest counts, as others' work only ever adds time. */
const PARTS = 4;
const ROUNDS_PER_PART = 4;
const PASSES_PER_PART = 60;
/** Half a second of work and more: what a busy service writes at once. */
const PASSES_PER_COMMIT = 60;
const FLOWS = 6;
const INTERVAL_S = 300;
const EVENTS_PER_MESSAGE = 4;
const PREFIXES = 10_000;
const LOOKUP_PREFIXES = 100_000;
const START_S = Date.UTC(2026, 0, 5) / 1000;

function benchOptions() {
  const timeWindowRules = Object.keys(WINDOW_RULES).map((ruleType) => ({
    isEnabled: true,
    ruleType,
    minThreshold: 0,
    maxThreshold: 1000,
    timeWindowSize: "PT15M",
  }));
  const allowlistRules = [
    {
      isEnabled: true,
      ruleType: "ConnectionToIpNotAllowed",
      allowlistValues: ["192.0.2.0/23", "10.0.0.0/8"],
    },
  ];
  const rules = Array.from({ length: 10 }, (_, n) =>
    n % 2
      ? {
          name: `sum${n}`,
          event: "NetworkActivity",
          measure: { sum: "bytesOut" },
          window: "PT1H",
          max: 1e9,
        }
      : {
          name: `match${n}`,
          event: "NetworkActivity",
          where: { protocol: "tcp", remotePort: 20 + n },
          by: "remoteAddress",
        },
  );
  const groups = { default: { properties: { timeWindowRules, allowlistRules } } };
  return optionsOf({ groups, rules }, "bench");
}

function createBenchProcessor(): Processor {
  const random = createRandom(11);
  const indicators = randomPrefixes(PREFIXES, random).map((value) => ({
    kind: "address" as const,
    value,
    untilMs: null,
  }));
  return createProcessor(
    createDetection({ ...benchOptions(), intel: lookupOf("bench", indicators) }),
  );
}

/** None of them holds an address of the fleet. */
function randomPrefixes(count: number, random: () => number): string[] {
  const part = (most: number) => Math.floor(random() * most);
  return Array.from({ length: count }, (_, n) =>
    n % 2
      ? `${11 + part(100)}.${part(256)}.${part(256)}.0/${20 + part(13)}`
      : `2a0${part(10)}:${part(0xffff).toString(16)}:${part(0xffff).toString(16)}::/${32 + part(33)}`,
  );
}

const source = (deviceId: string, body: Uint8Array, enqueuedTimeMs: number): SourceMessage => ({
  deviceId,
  moduleId: "azureiotsecurity",
  body,
  systemProperties: { "iothub-interface-id": SECURITY_INTERFACE_ID },
  enqueuedTimeMs,
});

interface FleetResult {
  readonly eventsPerSecond: number;
  readonly bytesPerDevice: number;
  readonly serialisedBytesPerDevice: number;
}

async function benchFleet(): Promise<FleetResult> {
  const run = await runFleet();
  const { devices, serialised } = sizesOf(run.processor);
  // What letting go of the states gives back: code and caches made meanwhile do not count.
  const held = heapBytes();
  forget(run.processor);
  return {
    eventsPerSecond: run.eventsPerSecond,
    bytesPerDevice: (held - heapBytes()) / devices,
    serialisedBytesPerDevice: serialised / devices,
  };
}

/** Lets go of the states alone: rules and feeds are no part of a device. */
function forget(processor: Processor): void {
  (processor.states as Map<string, unknown>).clear();
}

/** Apart from its caller, whose frame would keep the states alive. */
function sizesOf(processor: Processor): { devices: number; serialised: number } {
  const states = [...processor.states.values()];
  const serialised = states.reduce((sum, state) => sum + JSON.stringify(state).length, 0);
  return { devices: states.length, serialised };
}

async function runFleet(): Promise<{ eventsPerSecond: number; processor: Processor }> {
  const random = createRandom(5);
  const processor = createBenchProcessor();
  /** One report of each device. @returns ms that they took */
  const run = async (round: number) => {
    const timeS = START_S + (round + 1) * INTERVAL_S;
    // Messages are made ahead of the clock: only detection is timed.
    const batch = Array.from({ length: DEVICES }, (_, device) =>
      source(
        `device-${device}`,
        fleetMessage({ device, round, timeS, intervalS: INTERVAL_S, flows: FLOWS, random }),
        timeS * 1000 + 500,
      ),
    );
    const start = cpuMs();
    for (const message of batch) take(processor, message);
    processor.takeChanged();
    await storeAlerts(timeS * 1000);
    return { elapsedMs: cpuMs() - start, events: DEVICES * EVENTS_PER_MESSAGE };
  };
  return { eventsPerSecond: await quickest(run, WARM_ROUNDS, ROUNDS_PER_PART), processor };
}

/** Alerts that are to be stored, by id: of an alert's repeats the last counts. */
const raised = new Map<string, Alert>();

/** @returns events of the message */
function take(processor: Processor, message: SourceMessage): number {
  const { failure, alerts, events } = processor.take(message);
  if (failure !== null) throw new Error(`the benchmark's own message: ${failure}`);
  for (const alert of alerts) raised.set(alert.id, alert);
  return events.length;
}

async function storeAlerts(nowMs: number): Promise<void> {
  workspace.append(
    "SecurityAlert",
    Array.from(raised.values(), (alert) => alertRow(alert, nowMs)),
  );
  raised.clear();
  await workspace.commit();
}

/** Runs warm-up and parts. @returns events per second of the quickest part */
async function quickest(
  run: (n: number) => Promise<{ elapsedMs: number; events: number }>,
  warm: number,
  perPart: number,
): Promise<number> {
  for (let n = 0; n < warm; n++) await run(n);
  let most = 0;
  for (let part = 0; part < PARTS; part++) {
    let elapsedMs = 0;
    let events = 0;
    for (let i = 0; i < perPart; i++) {
      const done = await run(warm + part * perPart + i);
      elapsedMs += done.elapsedMs;
      events += done.events;
    }
    most = Math.max(most, (events / elapsedMs) * 1000);
  }
  return most;
}

function heapBytes(): number {
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Time on the processor, ms, that of the garbage collector's threads included. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const CAPTURES = [
  "sim/captures/d1_benign.pcap",
  "test/fixtures/captures/d2_portscan.pcap.gz",
  "sim/captures/d3_beaconexfil.pcap",
  "test/fixtures/captures/d4_brutemirai.pcap.gz",
  "sim/captures/d5_floodc2d.pcap",
  "test/fixtures/captures/d6_odd.pcap.gz",
];

async function benchCaptures(): Promise<number> {
  const { wasm } = await buildCore({ ...REPLAY_OPTIONS });
  const messages: { timeMs: number; bytes: Uint8Array }[] = [];
  for (const path of CAPTURES) {
    const packed = readFileSync(new URL(`../${path}`, import.meta.url));
    const addresses = parseDeviceAddresses("10.20.0.10/24,fd00:20::10,fe80::42:aff:fe14:a");
    const capture = readCapture(path.endsWith(".gz") ? gunzipSync(packed) : packed, path);
    const onMessage = (message: { timeMs: number; bytes: Uint8Array }) => messages.push(message);
    replay({ capture, addresses, wasm, intervalMs: 1000, onMessage });
  }
  const processor = createBenchProcessor();
  const run = async (pass: number) => {
    const start = cpuMs();
    let events = 0;
    for (const { timeMs, bytes } of messages) {
      events += take(processor, source(`capture-${pass}`, bytes, timeMs));
    }
    if ((pass + 1) % PASSES_PER_COMMIT === 0) await storeAlerts(START_S * 1000);
    return { elapsedMs: cpuMs() - start, events };
  };
  return quickest(run, WARM_PASSES, PASSES_PER_PART);
}

function benchLookup(): number {
  const random = createRandom(7);
  const table = createPrefixTable(randomPrefixes(LOOKUP_PREFIXES, random));
  const addresses = randomPrefixes(200_000, random).map((text) => text.replace(/\/.*/, ""));
  const run = (match: (address: string) => number) => {
    const start = performance.now();
    let found = 0;
    for (const address of addresses) if (match(address) >= 0) found++;
    if (found === 0) throw new Error("no address of the benchmark matches");
    return ((performance.now() - start) * 1e6) / addresses.length;
  };
  const match = (address: string) => {
    const family = parseAddress(address);
    return family === 0 ? -1 : table.matchWords(family);
  };
  run(match);
  return Math.min(run(match), run(match), run(match));
}

const folder = mkdtempSync(join(tmpdir(), "picket-bench-"));
const workspace = await openWorkspace(join(folder, "bench.duckdb"));
const fleet = await benchFleet();
const captures = await benchCaptures();
await workspace.close();
rmSync(folder, { recursive: true });
const prefixLookupNs = benchLookup();
const latencyMs = await measureLatency();
const result = {
  eventsPerSecond: { fleet: Math.round(fleet.eventsPerSecond), captures: Math.round(captures) },
  bytesPerDevice: Math.round(fleet.bytesPerDevice),
  serialisedBytesPerDevice: Math.round(fleet.serialisedBytesPerDevice),
  latencyMs,
  prefixLookupNs: Math.round(prefixLookupNs),
};
if (wantsJson()) process.stdout.write(`${JSON.stringify(result)}\n`);
else {
  process.stdout.write(
    [
      `fleet      ${result.eventsPerSecond.fleet} events/s (${DEVICES} devices, ${FLOWS} flows a report)`,
      `captures   ${result.eventsPerSecond.captures} events/s`,
      `memory     ${result.bytesPerDevice} bytes a device, ${result.serialisedBytesPerDevice} as JSON`,
      `lookup     ${result.prefixLookupNs} ns (${LOOKUP_PREFIXES} prefixes, parsing included)`,
      `latency    ${latencyMs.p50} ms median, ${latencyMs.p99} ms 99th percentile\n`,
    ].join("\n"),
  );
}
