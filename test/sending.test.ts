/** When and how messages are sent, on the real core. */
import { describe, expect, it } from "vitest";
import { buildCore } from "../boards/build.ts";
import { type Agent, type AgentOptions, createAgent } from "../host/agent.ts";
import type { SecurityEvent } from "../wire/events.ts";
import { decodePicket } from "../wire/picket.ts";
import { PRIORITY_HIGH } from "../wire/picket-keys.ts";
import { only } from "./support/core.ts";

const WALL_S = 1_800_000_000;
const HIGH_S = 420;

interface Link {
  readonly agent: Agent;
  readonly sent: { readonly atMs: number; readonly id: number; readonly bytes: Uint8Array }[];
  nowMs: number;
  /** What becomes of a message: acknowledged, failed, or never answered. */
  answer: "ok" | "fail" | "none";
  wallS: (nowMs: number) => number;
  /** Polls at every deadline until then. */
  runTo(timeMs: number): void;
  events(): SecurityEvent[];
}

async function open(given: Partial<AgentOptions> = {}): Promise<Link> {
  const { wasm } = await buildCore({ OPT_OUT: 1 });
  const waiting: number[] = [];
  const link: Link = {
    agent: createAgent({
      wasm,
      agentId: new Uint8Array(8),
      seed: 0,
      nowMs: 0,
      wallS: WALL_S,
      publish(id, bytes) {
        link.sent.push({ atMs: link.nowMs, id, bytes });
        waiting.push(id);
      },
      ...given,
    }),
    sent: [],
    nowMs: given.nowMs ?? 0,
    answer: "ok",
    wallS: (nowMs) => WALL_S + Math.floor(nowMs / 1000),
    runTo(timeMs) {
      for (;;) {
        link.agent.poll(link.nowMs, link.wallS(link.nowMs));
        const ids = waiting.splice(0);
        for (const id of link.answer === "none" ? [] : ids) {
          link.agent.published(id, link.answer === "ok");
        }
        const next = link.nowMs + link.agent.nextMs();
        if (next > timeMs) break;
        link.nowMs = next;
      }
      link.nowMs = timeMs;
    },
    events: () => link.sent.flatMap(({ bytes }) => decodePicket(bytes).events),
  };
  return link;
}

function login(link: Link, count = 1): void {
  for (let i = 0; i < count; i++) {
    link.agent.observe("Login", { userName: `user-${i}`, operation: "Login", result: "Success" });
  }
}

describe("sending", () => {
  it("sending: high priority waits for its interval, low priority for its own", async () => {
    const link = await open();
    login(link);
    link.runTo(HIGH_S * 1000 - 1);
    expect(link.sent).toEqual([]);
    link.runTo(HIGH_S * 1000);
    expect(only(link.events(), "Login")).toHaveLength(1);
    link.runTo(18_000_000);
    expect(only(link.events(), "Heartbeat")).toHaveLength(1);
  });

  it("sending: a random phase spreads first messages over the whole interval", async () => {
    const times: number[] = [];
    for (let seed = 1; seed <= 40; seed++) {
      const link = await open({ seed: seed * 2_654_435_761 });
      login(link);
      link.runTo(HIGH_S * 1000);
      times.push((link.sent[0]?.atMs ?? Number.NaN) / 1000);
    }
    expect(Math.min(...times)).toBeLessThan(60);
    expect(Math.max(...times)).toBeGreaterThan(360);
    expect(new Set(times).size).toBeGreaterThan(30);
  });

  it("sending: failures are retried with growing pauses up to a bound, and nothing is lost", async () => {
    const link = await open({ seed: 5 });
    link.answer = "fail";
    login(link, 3);
    link.runTo(3_600_000);
    const pauses = link.sent.slice(1).map(({ atMs }, i) => atMs - (link.sent[i]?.atMs ?? 0));
    expect(pauses.length).toBeGreaterThan(8);
    expect(pauses[0]).toBeLessThanOrEqual(4000);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(2000 * 128 * 1.25 + 1000);
    expect(pauses.at(-1)).toBeGreaterThan(100_000);
    link.answer = "ok";
    const before = link.sent.length;
    link.runTo(4_200_000);
    const events = link.sent.slice(before).flatMap(({ bytes }) => decodePicket(bytes).events);
    expect(only(events, "Login")).toHaveLength(3);
    expect(only(events, "DroppedEventsStatistics")).toEqual([]);
  });

  it("sending: a message that is never answered has failed after five minutes", async () => {
    const link = await open();
    link.answer = "none";
    login(link);
    link.runTo(HIGH_S * 1000);
    const [first] = link.sent;
    link.runTo(HIGH_S * 1000 + 299_000);
    expect(link.sent).toHaveLength(1);
    link.answer = "ok";
    link.runTo(HIGH_S * 1000 + 310_000);
    expect(only(link.events(), "Login")).toHaveLength(2);
    const ids = only(link.events(), "Login").map((event) => event.id);
    expect(new Set(ids).size).toBe(1);
    expect(link.agent.published(first?.id ?? 0, true)).toBe(false);
  });

  it("sending: no message is above the limit, and a limit of the twin is obeyed", async () => {
    const link = await open();
    const settings = { maxMessageSizeInBytes: { value: 8192 } };
    const name = "ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration";
    const json = JSON.stringify({ desired: { [name]: settings } });
    expect(link.agent.twin(new TextEncoder().encode(json))).toBe(0);
    for (let i = 0; i < 30; i++) {
      login(link, 4);
      link.agent.flush(PRIORITY_HIGH);
      link.runTo(link.nowMs + 1000);
    }
    expect(Math.max(...link.sent.map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(4096);
    expect(only(link.events(), "Login")).toHaveLength(120);
  });

  it("sending: MessageStatistics counts messages sent, short ones and failures", async () => {
    const link = await open();
    login(link);
    link.answer = "fail";
    link.runTo(HIGH_S * 1000);
    link.answer = "ok";
    link.runTo(18_000_000);
    const [event] = only(link.events(), "MessageStatistics");
    expect(event?.payload[0]).toEqual({ messagesSent: 1, messagesUnder4KB: 1, totalFailed: 1 });
  });

  it("sending: both logs due at once and acknowledged late deliver every event once", async () => {
    const link = await open({ highIntervalS: 10, lowIntervalS: 10 });
    link.answer = "none";
    login(link, 5);
    link.runTo(10_000);
    link.agent.observe("SystemInformation", { osName: "ThreadX" });
    for (const { id } of link.sent) expect(link.agent.published(id, true)).toBe(true);
    link.answer = "ok";
    login(link, 2);
    link.runTo(30_000);
    expect(only(link.events(), "Login")).toHaveLength(7);
    expect(only(link.events(), "SystemInformation")).toHaveLength(1);
    expect(only(link.events(), "Heartbeat")).toHaveLength(3);
    expect(only(link.events(), "MessageStatistics").at(-1)?.payload[0]?.totalFailed).toBe(0);
  });

  it("sending: event ids differ between two starts, and repeats of a message have the same", async () => {
    const ids = new Set<string>();
    for (const seed of [11, 12, 13]) {
      const link = await open({ seed });
      login(link, 2);
      link.runTo(HIGH_S * 1000);
      for (const event of link.events()) ids.add(event.id);
    }
    expect(ids.size).toBe(6);
  });
});

describe("clocks", () => {
  it("clocks: without a wall clock events bear the uptime and no time", async () => {
    const link = await open({ wallS: 0 });
    link.wallS = () => 0;
    link.runTo(5000);
    link.agent.advanceClock(5000, 0);
    login(link);
    link.runTo(HIGH_S * 1000);
    const [event] = only(link.events(), "Login");
    expect(event?.timeMs).toBeNull();
    expect(event?.extraDetails).toEqual({ UptimeSeconds: "5" });
  });

  it.each([-3600, 3600])(
    "clocks: set by %d s, messages keep their rhythm and the change is told",
    async (jump) => {
      const link = await open();
      link.runTo(100_000);
      link.wallS = (nowMs) => WALL_S + Math.floor(nowMs / 1000) + jump;
      login(link);
      link.runTo(HIGH_S * 1000);
      expect(link.sent.map(({ atMs }) => atMs)).toEqual([HIGH_S * 1000]);
      link.runTo(18_000_000);
      const notes = only(link.events(), "Diagnostic").map((event) => event.payload[0]?.message);
      expect(notes).toEqual([`the wall clock was set by ${jump} s`]);
    },
  );

  it("clocks: a monotonic clock that wraps stalls nothing", async () => {
    const startMs = 2 ** 32 - 100_000;
    const link = await open({ nowMs: startMs });
    link.wallS = (nowMs) => WALL_S + Math.floor((nowMs - startMs) / 1000);
    login(link);
    link.runTo(startMs + HIGH_S * 1000 * 3);
    expect(link.sent[0]?.atMs).toBe(startMs + HIGH_S * 1000);
  });

  it("clocks: a clock that runs on while nobody polls gives one interval, then the old rhythm", async () => {
    const link = await open();
    link.runTo(1000);
    link.nowMs = 10 * HIGH_S * 1000 + 5000;
    login(link);
    link.runTo(link.nowMs);
    login(link);
    link.runTo(11 * HIGH_S * 1000);
    expect(link.sent.map(({ atMs }) => atMs)).toEqual([
      10 * HIGH_S * 1000 + 5000,
      11 * HIGH_S * 1000,
    ]);
  });
});

describe("opting out", () => {
  it("opting out: reported once, then heartbeats and nothing else until the user is in again", async () => {
    const link = await open();
    login(link);
    expect(link.agent.optOut(true)).toBe(true);
    expect(link.agent.optOut(true)).toBe(true);
    login(link, 5);
    const packet = new Uint8Array(28);
    packet.set([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 9]);
    link.agent.ring.offer(0, packet, 0, 28, 28);
    link.runTo(2 * 18_000_000);
    const names = link.events().map((event) => event.name);
    expect(names.filter((name) => name !== "Heartbeat").sort()).toEqual(["Diagnostic", "Login"]);
    expect(names.filter((name) => name === "Heartbeat")).toHaveLength(2);
    link.agent.optOut(false);
    login(link);
    link.runTo(2 * 18_000_000 + HIGH_S * 1000);
    expect(only(link.events(), "Login")).toHaveLength(2);
  });

  it("opting out: a core without the option refuses it and counts that", async () => {
    const { wasm } = await buildCore();
    const agent = createAgent({
      wasm,
      agentId: new Uint8Array(8),
      seed: 0,
      nowMs: 0,
      wallS: 0,
      publish: () => {},
    });
    expect(agent.optOut(true)).toBe(false);
  });
});
