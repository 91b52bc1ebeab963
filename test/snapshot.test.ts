import { beforeAll, expect, it } from "vitest";
import { buildCore } from "../boards/build.ts";
import { type Agent, createAgent } from "../host/agent.ts";
import { parseDeviceAddresses } from "../host/netx/address.ts";
import { createNetx } from "../host/netx/netx.ts";
import { readCapture } from "../sim/capture.ts";
import { PRIORITY_HIGH } from "../wire/picket-keys.ts";
import { type CaptureName, framesOf, loadCapture } from "./support/captures.ts";
import type { Frame } from "./support/pcap-writer.ts";

const ETHERNET = 1;
const POLL_MS = 100;
let wasm: Uint8Array;

beforeAll(async () => {
  ({ wasm } = await buildCore());
});

interface Running {
  readonly agent: Agent;
  /** Messages, as hexadecimal texts. */
  readonly messages: string[];
  /** Frames `from` to `to`, on the capture's clock; a poll every POLL_MS and behind each 16. */
  run(from: number, to: number): void;
}

/** An agent in front of a capture; with a snapshot it goes on from there. */
function start(frames: readonly Frame[], device: string, snapshot?: Uint8Array): Running {
  const messages: string[] = [];
  const unanswered: number[] = [];
  const agent = createAgent({
    wasm,
    agentId: Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1),
    // A fresh instance that is restored was started otherwise: nothing of it may remain.
    seed: snapshot ? 999 : 1,
    highIntervalS: snapshot ? 77 : 2,
    lowIntervalS: snapshot ? 77 : 5,
    nowMs: snapshot ? 123_456 : 0,
    wallS: snapshot ? 5 : 1_700_000_000,
    publish(id, bytes) {
      messages.push(Buffer.from(bytes).toString("hex"));
      unanswered.push(id);
    },
  });
  if (snapshot) agent.restore(snapshot);
  const netx = createNetx({ addresses: parseDeviceAddresses(device), ring: agent.ring });
  const startS = frames[0]?.seconds ?? 0;
  const poll = (atMs: number) => {
    agent.poll(atMs, 1_700_000_000 + Math.floor(atMs / 1000));
    for (const id of unanswered.splice(0)) agent.published(id, id % 3 !== 0);
  };
  return {
    agent,
    messages,
    run(from, to) {
      for (let i = from; i < to; i++) {
        const { seconds, nanos, data, originalBytes = data.length } = frames[i] as Frame;
        const atMs = (seconds - startS) * 1000 + Math.floor(nanos / 1e6);
        netx.frame(ETHERNET, data, 0, data.length, originalBytes);
        if (i % 16 === 0 || atMs % POLL_MS < 10) poll(atMs);
      }
      if (to === frames.length) {
        agent.flush(PRIORITY_HIGH);
        poll(2 ** 31);
        poll(2 ** 31 + 1);
      }
    },
  };
}

const CAPTURES: readonly CaptureName[] = ["d6_odd", "d5_floodc2d"];

it.each(CAPTURES)("snapshot: %s goes on with identical output in a fresh instance", (name) => {
  const { bytes, truth } = loadCapture(name);
  const frames = framesOf(readCapture(bytes, name));
  const whole = start(frames, truth.device);
  whole.run(0, frames.length);
  expect(whole.messages.length).toBeGreaterThan(2);
  const points = 40;
  for (let i = 1; i < points; i++) {
    const at = Math.floor((frames.length * i) / points);
    const before = start(frames, truth.device);
    before.run(0, at);
    const after = start(frames, truth.device, before.agent.snapshot());
    after.run(at, frames.length);
    expect([...before.messages, ...after.messages]).toEqual(whole.messages);
    expect(Buffer.from(after.agent.snapshot()).equals(whole.agent.snapshot())).toBe(true);
  }
});

it.each(CAPTURES)("snapshot: %s twice gives the same bytes and the same memory", (name) => {
  const { bytes, truth } = loadCapture(name);
  const frames = framesOf(readCapture(bytes, name));
  const [one, two] = [start(frames, truth.device), start(frames, truth.device)];
  one.run(0, frames.length);
  two.run(0, frames.length);
  expect(one.messages).toEqual(two.messages);
  expect(Buffer.from(one.agent.snapshot()).equals(two.agent.snapshot())).toBe(true);
});

it("snapshot: one of another core is refused", async () => {
  const { bytes, truth } = loadCapture("d6_odd");
  const frames = framesOf(readCapture(bytes, "d6_odd"));
  const running = start(frames, truth.device);
  const snapshot = running.agent.snapshot();
  expect(() => running.agent.restore(snapshot.subarray(1))).toThrow(/a snapshot of \d+ bytes/);
});
