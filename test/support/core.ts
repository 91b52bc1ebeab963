/** Agents on a real core for tests, and what they said. */
import { buildCore } from "../../boards/build.ts";
import type { OptionName } from "../../boards/options.ts";
import { type Agent, type AgentOptions, createAgent } from "../../host/agent.ts";
import { createMerger } from "../../sim/merge.ts";
import type { EventName, SecurityEvent, SecurityEventOf } from "../../wire/events.ts";
import { decodePicket } from "../../wire/picket.ts";
import { PRIORITY_HIGH, PRIORITY_LOW } from "../../wire/picket-keys.ts";

export const OUT = 0;
export const IN = 1;

export interface TestAgent {
  readonly agent: Agent;
  /** Messages as they were published, all of them. */
  readonly messages: readonly Uint8Array[];
  readonly clock: { nowMs: number; wallS: number };
  /** Offers a packet that is there whole. */
  offer(direction: number, packet: Uint8Array): void;
  /** Polls until nothing is due; every message is acknowledged. */
  poll(): void;
  /** Ends the interval; the events since the last call. */
  collect(): SecurityEvent[];
}

type Given = Partial<Omit<AgentOptions, "wasm" | "publish">>;

/** An agent on a core with these build options; 10 s intervals that nothing but `poll` moves. */
export async function startAgent(
  options: Readonly<Partial<Record<OptionName, number>>> = {},
  given: Given = {},
): Promise<TestAgent> {
  const { wasm } = await buildCore(options);
  return agentOn(wasm, given);
}

export function agentOn(wasm: Uint8Array, given: Given = {}): TestAgent {
  const messages: Uint8Array[] = [];
  const unanswered: number[] = [];
  let told = 0;
  const clock = { nowMs: given.nowMs ?? 0, wallS: given.wallS ?? 1_700_000_000 };
  const agent = createAgent({
    agentId: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    seed: 0,
    highIntervalS: 10,
    lowIntervalS: 10,
    ...clock,
    ...given,
    wasm,
    publish(id, bytes) {
      messages.push(bytes);
      unanswered.push(id);
    },
  });
  function poll(): void {
    do {
      agent.poll(clock.nowMs, clock.wallS);
      for (const id of unanswered.splice(0)) agent.published(id, true);
    } while (agent.nextMs() === 0);
  }
  return {
    agent,
    messages,
    clock,
    offer: (direction, packet) =>
      agent.ring.offer(direction, packet, 0, packet.length, packet.length),
    poll,
    collect() {
      poll();
      agent.flush(PRIORITY_HIGH);
      agent.flush(PRIORITY_LOW);
      poll();
      const events = messages.slice(told).flatMap((bytes) => decodePicket(bytes).events);
      told = messages.length;
      return events;
    },
  };
}

/** Events of one kind. */
export function only<N extends EventName>(
  events: readonly SecurityEvent[],
  name: N,
): SecurityEventOf<N>[] {
  return events.filter((event) => event.name === name) as SecurityEventOf<N>[];
}

/** What the events say together. */
export function merge(events: readonly SecurityEvent[]) {
  const merger = createMerger();
  for (const event of events) merger.add(event);
  return merger.result();
}

/** Loss counters of a fresh agent after these packets, of those that are not zero. */
export async function lossesOf(
  packets: readonly { direction: number; bytes: Uint8Array; originalBytes?: number }[],
  options: Readonly<Partial<Record<OptionName, number>>> = {},
): Promise<Readonly<Record<string, number>>> {
  const test = await startAgent(options);
  for (const { direction, bytes, originalBytes = bytes.length } of packets) {
    test.agent.ring.offer(direction, bytes, 0, bytes.length, originalBytes);
    test.poll();
  }
  return merge(test.collect()).losses;
}
