/** Flash that takes nothing for a while: what is sent, what is tried again when, what is lost. */
import { beforeAll, describe, expect, it } from "vitest";
import { E_FLASH } from "../assembly/abi.ts";
import { buildCore } from "../boards/build.ts";
import { type Agent, createAgent } from "../host/agent.ts";
import { createFlash, type Flash } from "../host/flash.ts";
import { createPrng } from "../sim/prng.ts";
import { runScenario } from "../sim/run.ts";
import type { Scenario } from "../sim/scenario.ts";
import { PRIORITY_LOW } from "../wire/picket-keys.ts";
import { type Geometry, HIGH, LOW, type StoreBoard, startStore } from "./support/store-board.ts";
import { buildStore } from "./support/store-core.ts";
import { checkSum, copyFlash, drain } from "./support/store-workload.ts";

const GEOMETRY: Geometry = { sectorBytes: 2048, sectors: 8, unitBytes: 8 };
/** After so many failures in a row the store leaves flash. */
const FAILURES_MAX = 10;
const PAUSE_S_MAX = 64;

let module: WebAssembly.Module;

beforeAll(async () => {
  module = await WebAssembly.compile(await buildStore({ STORE_FLASH: 1 }));
}, 60_000);

/** Takes nothing while `isRefusing`, and counts what it was asked. */
function refusable(flash = createFlash({ ...GEOMETRY, seed: 1 })) {
  const state = { isRefusing: false, tries: 0 };
  const unless = (act: () => number): number => {
    state.tries++;
    return state.isRefusing ? E_FLASH : act();
  };
  const port: Flash = Object.create(flash, {
    program: { value: (at: number, data: Uint8Array) => unless(() => flash.program(at, data)) },
    erase: { value: (at: number) => unless(() => flash.erase(at)) },
  });
  return { state, port, flash };
}

/** A board with ten events of each priority. */
function startFull(): ReturnType<typeof refusable> & { board: StoreBoard } {
  const refusing = refusable();
  const board = startStore(module, GEOMETRY, refusing.port, 9);
  for (let i = 0; i < 10; i++) {
    board.append(HIGH, `high ${i}`);
    board.append(LOW, `low ${i}`);
  }
  return { ...refusing, board };
}

/** Waits out as many failures; the first one must have happened. */
function fail({ board, state }: ReturnType<typeof startFull>, failures: number): void {
  for (let i = 0; i < failures; i++) {
    const { tries } = state;
    board.poll(PAUSE_S_MAX);
    expect(state.tries).toBe(tries + 1);
  }
}

describe("store", () => {
  it("store: sends nothing between an acknowledgement and the moment it is in flash", () => {
    const test = startFull();
    const { board, state, flash } = test;
    const high = board.send(HIGH, 60);
    const low = board.send(LOW, 60); // In flight: both may be acknowledged.
    expect([high.length, low.length]).toEqual([5, 6]);
    state.isRefusing = true;
    board.acknowledge(HIGH);
    expect([board.store.canSend(HIGH), board.store.canSend(LOW)]).toEqual([0, 0]);
    board.acknowledge(LOW);
    fail(test, 3);
    expect([board.store.canSend(HIGH), board.store.canSend(LOW)]).toEqual([0, 0]);
    checkSum(board);
    state.isRefusing = false;
    board.poll(PAUSE_S_MAX);
    expect([board.store.canSend(HIGH), board.store.canSend(LOW)]).toEqual([1, 1]);
    const again = startStore(module, GEOMETRY, copyFlash(GEOMETRY, flash.snapshot()), 10);
    const rest = drain(again);
    expect([...rest[HIGH].keys()]).toEqual([5, 6, 7, 8, 9]);
    expect([...rest[LOW].keys()]).toEqual([6, 7, 8, 9]);
  });

  it("store: tries again after pauses that double up to a bound", () => {
    const { board, state } = startFull();
    state.isRefusing = true;
    const { tries } = state;
    let nowS = 0;
    const triedS: number[] = [];
    board.append(LOW, "late");
    for (let seen = tries; triedS.length < FAILURES_MAX - 1; ) {
      if (state.tries > seen) triedS.push(nowS);
      seen = state.tries;
      expect(board.store.storeRetryS()).toBeGreaterThan(nowS);
      board.append(HIGH, "more"); // Is not a reason to try.
      expect(state.tries).toBe(seen);
      nowS += 1;
      board.poll(1);
    }
    const pauses = triedS.slice(1).map((s, i) => s - (triedS[i] as number));
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 64]);
  });

  it("store: keeps what it holds through failures that are not too many, and its epoch", () => {
    const test = startFull();
    const { board, state } = test;
    const epoch = board.store.storeEpoch();
    state.isRefusing = true;
    board.append(HIGH, "late");
    fail(test, FAILURES_MAX - 2);
    state.isRefusing = false;
    board.poll(PAUSE_S_MAX);
    expect(board.store.storeRetryS()).toBe(0);
    expect(board.store.storeEpoch()).toBe(epoch);
    const rest = drain(board);
    expect([...rest[HIGH].values()]).toEqual(
      [...Array(10).keys()].map((i) => `high ${i}`).concat("late"),
    );
    expect(rest[LOW].size).toBe(10);
    expect(board.store.droppedCount(HIGH) + board.store.droppedCount(LOW)).toBe(0);
    for (let i = 0; i < 400; i++) board.append(LOW, `after ${i} ${"x".repeat(40)}`);
    // All sectors are in use again: one is kept empty, one is for the other priority.
    expect(board.store.storedCount(LOW)).toBeGreaterThan(5 * 20);
    checkSum(board);
  });

  it("store: goes on in memory under a new epoch after one failure more", () => {
    const test = startFull();
    const { board, state } = test;
    const epoch = board.store.storeEpoch();
    state.isRefusing = true;
    board.append(HIGH, "late");
    fail(test, FAILURES_MAX - 2);
    expect(board.store.storeEpoch()).toBe(epoch);
    fail(test, 1);
    expect(board.store.storeEpoch()).not.toBe(epoch);
    expect(board.store.storeRetryS()).toBe(0);
    expect([...drain(board)[HIGH].values()]).toEqual(["late"]);
    checkSum(board);
    const { tries } = state;
    board.append(LOW, "later");
    board.poll(PAUSE_S_MAX);
    expect(state.tries).toBe(tries);
  });
});

/** An agent whose messages wait for an answer. */
function start(wasm: Uint8Array, flash: Flash, sent: number[]): Agent {
  return createAgent({
    wasm,
    agentId: new Uint8Array(8),
    seed: 0,
    highIntervalS: 86_400,
    lowIntervalS: 86_400,
    nowMs: 0,
    wallS: 0,
    flash: { ...GEOMETRY, ...portOf(flash) },
    publish: (id) => sent.push(id),
  });
}

describe("agent", () => {
  it("agent: sends what slow flash has programmed without waiting for the next interval", async () => {
    const { wasm } = await buildCore({ STORE_FLASH: 1 });
    const flash = createFlash({ ...GEOMETRY, seed: 1, isDelayed: true });
    const sent: number[] = [];
    const agent = start(wasm, flash, sent);
    const settle = (): void => {
      while (flash.isPending) agent.flashDone(flash.complete() === 0);
    };
    agent.poll(0, 0);
    settle();
    agent.flush(PRIORITY_LOW);
    agent.poll(0, 0);
    expect([flash.isPending, sent.length]).toEqual([true, 0]);
    expect(agent.nextMs()).toBeGreaterThan(1000); // Nothing to do but wait for flash.
    settle();
    expect(agent.nextMs()).toBe(0);
    agent.poll(0, 0);
    expect(sent.length).toBe(1);
  }, 60_000);

  it("agent: a host that sleeps until next_ms goes on when flash takes something again", async () => {
    const { wasm } = await buildCore({ STORE_FLASH: 1 });
    const { state, port } = refusable();
    const sent: number[] = [];
    let nowMs = 0;
    const agent = start(wasm, port, sent);
    const sleepUntil = (untilMs: number): void => {
      for (let polls = 0; nowMs + agent.nextMs() <= untilMs; polls++) {
        expect(polls).toBeLessThan(200);
        nowMs += agent.nextMs();
        agent.poll(nowMs, 0);
      }
      nowMs = untilMs;
    };
    agent.poll(nowMs, 0);
    agent.flush(PRIORITY_LOW);
    sleepUntil(1000);
    expect(sent.length).toBe(1);
    state.isRefusing = true;
    agent.published(sent[0] ?? 0, true);
    agent.flush(PRIORITY_LOW); // More to send.
    sleepUntil(60_000);
    expect(sent.length).toBe(1);
    state.isRefusing = false;
    sleepUntil(nowMs + PAUSE_S_MAX * 1000);
    expect(sent.length).toBe(2);
  }, 60_000);
});

function portOf(flash: Flash) {
  return {
    programBytes: GEOMETRY.unitBytes,
    read: (address: number, to: Uint8Array) => flash.read(address, to),
    program: (address: number, from: Uint8Array) => flash.program(address, from),
    erase: (address: number) => flash.erase(address),
  };
}

describe("simulator", () => {
  it("store: repeats no more than allowed after a restart, whenever flash refuses", async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const { checks } = await runScenario(scenarioOf(seed), { file: `seed ${seed}` });
      expect({ seed, failed: checks.filter(({ isMet }) => !isMet) }).toEqual({ seed, failed: [] });
    }
  }, 120_000);
});

/** Flash refuses for up to twenty minutes; then, or in that time, the core is started again. */
function scenarioOf(seed: number): Scenario {
  const random = createPrng(seed);
  const atMs = random.between(60_000, 1_500_000);
  const lengthMs = random.between(1000, 1_200_000);
  const flash = {
    sectorBytes: 4096,
    sectors: 8,
    unitBytes: random.pick([1, 8, 32] as const),
  };
  return {
    name: `flash-refuses-${seed}`,
    purpose: "Flash refuses for a while, then the core starts again",
    duration: "1h",
    seed,
    boards: [
      {
        name: "board",
        intervals: { high: `${random.pick([10, 30, 60])}s`, low: `${random.pick([20, 60, 300])}s` },
        flash,
      },
    ],
    peers: { broker: "10.20.0.1" },
    traffic: [
      { kind: "telemetry", peer: "broker", every: `${random.between(5, 100)}s`, bytes: 120 },
    ],
    faults: [
      { kind: "flashFull", from: `${atMs}ms`, for: `${lengthMs}ms` },
      {
        kind: random.pick(["trap", "powerCut"]),
        from: `${atMs + random.between(0, lengthMs + 600_000)}ms`,
      },
    ],
  };
}
