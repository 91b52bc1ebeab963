/** A script that an agent runs on any engine: packets, observations, twin, flash, answers. */
import { type Agent, createAgent } from "../../host/agent.ts";
import type { Engine } from "../../host/engines/engine.ts";
import { createFlash } from "../../host/flash.ts";
import { ipPacket, SYN, tcpPacket } from "./packets.ts";

/** What must be equal on every engine. */
export interface Trace {
  /** All that the agent said, in order. */
  readonly lines: readonly string[];
  /** The core's memory at the end, then the flash, hexadecimal. */
  readonly memory: string;
  readonly flash: string;
}

const SECTOR_BYTES = 1024;
const SECTORS = 16;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** Mulberry32. */
function createRandom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const TWINS = [
  '{"desired":{"ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration":{"highPriorityMessageFrequency":{"value":"PT8S"}}}}',
  '{"desired":{"x":[1,{"y":null}],',
  '{"desired":{"ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration":{"eventPriorityLogin":{"value":"Off"},"maxMessageSizeInBytes":{"value":"what"}}}}',
];

function randomPacket(random: (below: number) => number): Uint8Array {
  const flow = random(90);
  if (random(20) === 0) return Uint8Array.from({ length: random(70) }, () => random(256));
  if (flow % 4 === 0) {
    const head = Uint8Array.of(4, flow, 0, 53, 0, 8 + random(9), 0, 0);
    return ipPacket("fd00::1", `fd00::${(2 + (flow % 7)).toString(16)}`, 17, head);
  }
  const to = `10.0.0.${3 + (flow % 9)}`;
  const flags = random(3) === 0 ? SYN : random(32);
  return tcpPacket({ from: "10.0.0.2", fromPort: 2000 + flow, to, toPort: 443, flags });
}

/** @param seed 32 bits; the same gives the same */
export function runScript(engine: Engine, wasm: Uint8Array, seed: number, steps: number): Trace {
  const random = createRandom(seed);
  const lines: string[] = [];
  const open: number[] = [];
  const geometry = { sectorBytes: SECTOR_BYTES, sectors: SECTORS };
  const flash = createFlash({ ...geometry, unitBytes: 4, seed });
  let nowMs = random(1000);
  const wallS = () => (seed % 3 === 0 ? 0 : 1_700_000_000 + Math.floor(nowMs / 1000));
  const agent: Agent = createAgent({
    engine,
    wasm,
    agentId: Uint8Array.from({ length: 8 }, () => random(256)),
    seed,
    highIntervalS: 5,
    lowIntervalS: 9,
    snapshotIntervalS: 20,
    nowMs,
    wallS: wallS(),
    flash: seed % 2 === 0 ? undefined : { ...geometry, programBytes: 4, ...flash },
    publish(id, bytes) {
      lines.push(`publish ${id} ${hex(bytes)}`);
      open.push(id);
    },
    report: (json) => lines.push(`report ${Buffer.from(json)}`),
    snapshot: () => [],
  });
  for (let step = 0; step < steps; step++) {
    for (let i = random(20); i > 0; i--) {
      const bytes = randomPacket(random);
      agent.ring.offer(random(2), bytes, 0, bytes.length, bytes.length + random(1500));
    }
    if (random(4) === 0) agent.observeCloudToDevice(1 + random(5));
    if (random(5) === 0) {
      const severity = random(2) === 0 ? "Warning" : "Error";
      const taken = agent.observe("Diagnostic", { severity, message: `step ${step % 3}` });
      lines.push(`observe ${taken}`);
    }
    if (random(15) === 0) {
      const json = Buffer.from(TWINS[random(TWINS.length)] as string);
      lines.push(`twin ${agent.twin(json, { isPatch: random(2) === 0 })}`);
    }
    nowMs += random(4) === 0 ? 5000 : random(900);
    agent.poll(nowMs, wallS());
    while (open.length > 0 && random(3) > 0) {
      const id = open.shift() as number;
      lines.push(`answer ${id} ${agent.published(id, random(5) > 0)}`);
    }
    if (random(12) === 0) agent.flush(random(2));
    lines.push(`step ${step} next ${agent.nextMs()}`);
  }
  return { lines, memory: hex(agent.snapshot()), flash: hex(flash.bytes) };
}

/** The first difference, with what came before it; undefined when there is none. */
export function firstDifference(found: Trace, expected: Trace): string | undefined {
  const count = Math.max(found.lines.length, expected.lines.length);
  for (let i = 0; i < count; i++) {
    if (found.lines[i] === expected.lines[i]) continue;
    const step = expected.lines.slice(0, i).findLast((line) => line.startsWith("step ")) ?? "start";
    return `after "${step}": ${found.lines[i]} instead of ${expected.lines[i]}`;
  }
  for (const part of ["memory", "flash"] as const) {
    if (found[part] === expected[part]) continue;
    let at = 0;
    while (found[part].slice(at, at + 2) === expected[part].slice(at, at + 2)) at += 2;
    const [is, was] = [found, expected].map((trace) => trace[part].slice(at, at + 16));
    return `at the end, ${part} at ${at / 2}: ${is} instead of ${was}`;
  }
  return undefined;
}
