import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import { buildCore } from "../boards/build.ts";
import { createAgent } from "../host/agent.ts";
import type { Payloads, SecurityEvent } from "../wire/events.ts";
import { decodePicket } from "../wire/picket.ts";
import { PRIORITY_HIGH, PRIORITY_LOW } from "../wire/picket-keys.ts";
import { OUT } from "./support/core.ts";
import { ipv4, UDP, udp } from "./support/datagrams.ts";

const STORE_BYTES = 1536;
let wasm: Uint8Array;

beforeAll(async () => {
  ({ wasm } = await buildCore({ STORE_BYTES, EVENT_BYTES_MAX: 384 }));
});

/** An agent whose uplink answers when the test says so. */
function start() {
  const inFlight: { id: number; events: readonly SecurityEvent[] }[] = [];
  const delivered: SecurityEvent[] = [];
  let nowMs = 0;
  let offered = 0;
  const agent = createAgent({
    wasm,
    agentId: new Uint8Array(8),
    seed: 0,
    highIntervalS: 86_400,
    lowIntervalS: 86_400,
    nowMs,
    wallS: 0,
    publish: (id, bytes) => inFlight.push({ id, events: decodePicket(bytes).events }),
  });
  return {
    inFlight,
    delivered,
    offered: () => offered,
    /** One interval with packets to so many hosts. */
    collect(hosts: number) {
      for (let i = 1; i <= hosts; i++) {
        const bytes = ipv4({
          from: "10.0.0.1",
          to: `10.0.1.${i}`,
          protocol: UDP,
          payload: udp(1, 2),
        });
        agent.ring.offer(OUT, bytes, 0, bytes.length, bytes.length);
        offered += 1;
        agent.poll(nowMs, 0);
      }
      agent.flush(PRIORITY_HIGH);
    },
    collectLow: () => agent.flush(PRIORITY_LOW),
    poll(stepMs = 1) {
      nowMs += stepMs;
      agent.poll(nowMs, 0);
    },
    answer(isDelivered: boolean) {
      const message = inFlight.shift();
      if (message === undefined) return;
      agent.published(message.id, isDelivered);
      if (isDelivered) delivered.push(...message.events);
    },
  };
}

/** Time passes, and every message is acknowledged. */
function settle(test: ReturnType<typeof start>): void {
  for (let i = 0; i < 100; i++) {
    for (let answers = 0; answers < 3; answers++) test.answer(true);
    test.poll(100_000);
  }
  for (let answers = 0; answers < 3; answers++) test.answer(true);
}

/** By the number of the log in the event's id, see docs/messages.md. */
const isHigh = ({ id }: SecurityEvent) => id.split("-")[3]?.[2] === String(PRIORITY_HIGH);
const sequenceOf = ({ id }: SecurityEvent) => Number.parseInt(id.slice(-8), 16);

it("store: every message has events, and nothing but the oldest is lost, whatever the uplink does", () => {
  const action = fc.oneof(
    { weight: 3, arbitrary: fc.record({ collect: fc.integer({ min: 1, max: 12 }) }) },
    { weight: 3, arbitrary: fc.record({ poll: fc.constantFrom(1, 1000, 20_000) }) },
    { weight: 2, arbitrary: fc.record({ answer: fc.boolean() }) },
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
      const test = start();
      for (const given of actions) {
        if ("collect" in given) test.collect(given.collect);
        else if ("poll" in given) test.poll(given.poll);
        else test.answer(given.answer);
      }
      settle(test);
      expect(test.inFlight).toEqual([]);
      // What was sent again after silence may come twice; nothing comes out of order.
      const sequences = [...new Set(test.delivered.filter(isHigh).map(sequenceOf))];
      expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
    }),
    { numRuns: 300 },
  );
});

it("store: a full log drops its oldest events, and says how many", () => {
  const test = start();
  for (let i = 0; i < 50; i++) test.collect(8);
  settle(test);
  test.collectLow();
  settle(test);
  const statistics = test.delivered.find(({ name }) => name === "DroppedEventsStatistics");
  const high = (statistics?.payload as Payloads["DroppedEventsStatistics"][] | undefined)?.[0];
  const numbers = test.delivered.filter(isHigh).map(sequenceOf);
  const lost = (numbers.at(-1) ?? 0) + 1 - new Set(numbers).size;
  expect(lost).toBeGreaterThan(30);
  expect(high).toMatchObject({ queue: "High", droppedEvents: lost });
  expect(high?.collectedEvents).toBe((numbers.at(-1) ?? 0) + 1);
});

it("store: a message that was not acknowledged is sent again, with the same events", () => {
  const test = start();
  test.collect(3);
  test.poll();
  const [first] = test.inFlight;
  test.answer(false);
  test.poll(10);
  expect(test.inFlight).toEqual([]); // Not at once.
  test.poll(5000);
  expect(test.inFlight[0]?.events).toEqual(first?.events);
  expect(test.inFlight[0]?.id).not.toBe(first?.id);
});
