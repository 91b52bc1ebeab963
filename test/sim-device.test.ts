/** Flash, threads and profiles of simulated boards. */
import { spawnSync } from "node:child_process";
import { beforeAll, describe, expect, it } from "vitest";
import { available } from "wasm3-node";
import { engineNamed, qemuEngine } from "../boards/engines.ts";
import { E_FLASH, OK, PENDING } from "../host/abi.ts";
import { createFlash } from "../host/flash.ts";
import { createThreadx } from "../host/threadx/threadx.ts";
import { createBoardFlash } from "../sim/board-flash.ts";
import { planBoards } from "../sim/board-plan.ts";
import { boardFaults, planFaults } from "../sim/fault-plan.ts";
import { createPrng } from "../sim/prng.ts";
import { type RunResult, totalOf } from "../sim/result.ts";
import { runScenario } from "../sim/run.ts";
import type { BoardEntry, FaultEntry, Scenario } from "../sim/scenario.ts";
import { createScheduler } from "../sim/scheduler.ts";
import { TWIN_OBJECT } from "../wire/twin-properties.ts";

const has = (program: string) => spawnSync(program, ["--version"]).status === 0;
const onQemu = has("arm-none-eabi-gcc") && has("qemu-system-arm");
const GEOMETRY = { sectorBytes: 4096, sectors: 8, unitBytes: 8 };
const DATA = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

function scenario(board: Partial<BoardEntry>, parts: Partial<Scenario> = {}): Scenario {
  return {
    name: "device",
    purpose: "A test",
    duration: "10m",
    boards: [{ name: "sensor", intervals: { high: "10s", low: "1m" }, ...board }],
    peers: { broker: "10.20.0.1" },
    traffic: [{ kind: "telemetry", peer: "broker", every: "10s" }],
    ...parts,
  };
}

const run = (wanted: Scenario, engine = "v8"): Promise<RunResult> =>
  runScenario(wanted, { file: "test", engine: engineNamed(engine) });
const failed = ({ checks }: RunResult) => checks.filter(({ isMet }) => !isMet);

/** A flash of a board on virtual time, with faults. */
function boardFlash(programMs: number, eraseMs: number, faults: readonly FaultEntry[] = []) {
  const scheduler = createScheduler();
  const random = createPrng(1);
  const ends: boolean[] = [];
  const flash = createBoardFlash({
    plan: { ...GEOMETRY, programMs, eraseMs },
    random,
    faults: boardFaults(planFaults(faults, 3_600_000), "sensor", scheduler, random.fork("faults")),
    later: (ms, action) => scheduler.at(scheduler.nowMs + ms, action),
  });
  flash.onEnd((isDone) => ends.push(isDone));
  return { flash, scheduler, ends };
}

describe("flash model", () => {
  it("flash: an operation that fails does the part that was said, and answers E_FLASH", () => {
    for (const [part, first] of [
      ["none", 0xff],
      ["whole", 1],
    ] as const) {
      const flash = createFlash({ ...GEOMETRY, seed: 1, failing: () => part });
      expect(flash.program(0, DATA)).toBe(E_FLASH);
      expect(flash.bytes[0]).toBe(first);
    }
  });

  it("flash: what is pending when power fails is done in part, and never ends", () => {
    const flash = createFlash({ ...GEOMETRY, seed: 1, isDelayed: true });
    expect(flash.program(0, DATA)).toBe(PENDING);
    flash.cutPending("whole");
    expect(flash.isPending).toBe(false);
    expect([...flash.bytes.subarray(0, 8)]).toEqual([...DATA]);
    expect(() => flash.complete()).toThrow("nothing is pending");
  });
});

describe("board flash", () => {
  it("board flash: programs and erases end after their own times", () => {
    const { flash, scheduler, ends } = boardFlash(10, 300);
    expect(flash.port.program(0, DATA)).toBe(PENDING);
    scheduler.run(9);
    expect(ends).toEqual([]);
    scheduler.run(10);
    expect(ends).toEqual([true]);
    expect(flash.port.erase(0)).toBe(PENDING);
    scheduler.run(309);
    expect(ends).toHaveLength(1);
    scheduler.run(310);
    expect(ends).toEqual([true, true]);
  });

  it("board flash: only what takes time is pending", () => {
    const { flash } = boardFlash(0, 300);
    expect(flash.port.program(0, DATA)).toBe(OK);
    expect(flash.port.erase(0)).toBe(PENDING);
  });

  it("board flash: an operation that lost its power does not end later", () => {
    const { flash, scheduler, ends } = boardFlash(10, 10);
    flash.port.program(0, DATA);
    flash.powerLost();
    expect(flash.port.erase(4096)).toBe(PENDING);
    scheduler.run(10);
    expect(ends).toEqual([true]);
  });

  it("board flash: a sector wears out at its number of cycles, not before, and for good", () => {
    const wear: FaultEntry = { kind: "flashWear", cycles: 2, for: "1m", sector: 1 };
    const { flash, scheduler } = boardFlash(0, 0, [wear]);
    expect([0, 4096, 4096, 4096].map((address) => flash.port.erase(address))).toEqual([
      OK,
      OK,
      OK,
      E_FLASH,
    ]);
    scheduler.run(120_000);
    expect(flash.port.program(4096, DATA)).toBe(E_FLASH);
    expect(flash.port.erase(0)).toBe(OK);
    expect(flash.counters()).toEqual({
      flashOperations: 6,
      flashErasesMax: expect.any(Number),
      flashSectorsLost: 1,
    });
  });

  it("board flash: no more sectors wear out than are said", () => {
    const { flash } = boardFlash(0, 0, [{ kind: "flashWear", count: 2 }]);
    const results = [0, 1, 2, 3].map((sector) => flash.port.erase(sector * 4096));
    expect(results).toEqual([E_FLASH, E_FLASH, OK, OK]);
  });
});

describe("threads", () => {
  it("threadx: a thread waits for those above it that compute, and for interrupts", () => {
    const kernel = createThreadx({ observe: () => {} }, () => 1000);
    const thread = { entry: "e", stackBytes: 1024 };
    const above = kernel.create({ ...thread, name: "above", priority: 9 });
    const equal = kernel.create({ ...thread, name: "equal", priority: 10 });
    expect(kernel.readyMs(10)).toBe(1000);
    kernel.compute(equal, 5000);
    expect(kernel.readyMs(10)).toBe(1000);
    kernel.compute(above, 4000);
    expect(kernel.readyMs(10)).toBe(4000);
    expect(kernel.readyMs(9)).toBe(1000);
    kernel.terminate(above);
    expect(kernel.readyMs(10)).toBe(1000);
    kernel.interrupt(3000);
    expect(kernel.readyMs(0)).toBe(3000);
    expect(kernel.compute(above, 9000)).toBe(false);
  });

  it("threads: those of the start come again after a loss of power, not after a trap", async () => {
    const threads = [{ name: "filter", priority: 4, stackBytes: 2048 }];
    const twin = {
      [TWIN_OBJECT]: {
        eventPriorityProcessCreate: { value: "High" },
        aggregationEnabledProcessCreate: { value: false },
      },
    };
    const once = scenario({ threads, twin }, { faults: [{ kind: "trap", from: "5m" }] });
    const twice = scenario({ threads, twin }, { faults: [{ kind: "powerCut", from: "5m" }] });
    const wanted = (count: number) => ({
      expect: {
        events: [
          { name: "ProcessCreate", where: { executable: "filter" }, min: count, max: count },
        ],
      },
    });
    expect(failed(await run({ ...once, ...wanted(1) }))).toEqual([]);
    expect(failed(await run({ ...twice, ...wanted(2) }))).toEqual([]);
  });

  it("threads: a late turn of the agent loses packets and no more, a short one none", async () => {
    const ping = { kind: "ping", peer: "broker", every: "100ms", direction: "in" } as const;
    const late = (delay: string) =>
      scenario(
        { options: { FLOW_SLOTS_IPV4: 8 } },
        { traffic: [ping], faults: [{ kind: "slowAgent", from: "1m", for: "2m", delay }] },
      );
    const [long, short] = [await run(late("30s")), await run(late("10ms"))];
    expect(failed(long)).toEqual([]);
    expect(failed(short)).toEqual([]);
    expect(totalOf(long.boards, "ringFull")).toBeGreaterThan(100);
    expect(totalOf(short.boards, "ringFull")).toBe(0);
  });
});

describe("profiles", () => {
  const plan = async (board: Partial<BoardEntry>) => {
    const [planned] = await planBoards(scenario(board), "a.yaml");
    return planned;
  };

  it("profile: the store partition is the board's flash, where events are kept in flash", async () => {
    const flash = { sectorBytes: 4096, sectors: 16, unitBytes: 1, programMs: 0, eraseMs: 0 };
    const profile = "stm32f746g-disco";
    expect((await plan({ profile, options: { STORE_FLASH: 1 } }))?.flash).toEqual(flash);
    const slow = await plan({ profile, flash: { programTakes: "5ms" } });
    expect(slow?.flash).toEqual({ ...flash, programMs: 5 });
    expect((await plan({ profile }))?.flash).toBeUndefined();
    expect(
      (await plan({ profile, flash: GEOMETRY as BoardEntry["flash"] & object }))?.flash,
    ).toEqual({ ...GEOMETRY, programMs: 0, eraseMs: 0 });
  });

  it("profile: its module is the one that the board runs, and the report names it", async () => {
    const own = await plan({ profile: "stm32f746g-disco" });
    expect(own?.wasm).not.toEqual((await plan({}))?.wasm);
    const { boards } = await run(scenario({ profile: "stm32f746g-disco" }));
    expect(boards[0]?.profile).toMatchObject({ name: "stm32f746g-disco", backend: "wasm3" });
  });
});

describe("slow flash on every engine", () => {
  const hard = scenario(
    { profile: "mps2-an386", flash: { programTakes: "12ms", eraseTakes: "400ms" } },
    {
      duration: "4m",
      faults: [
        { kind: "linkDown", from: "30s", for: "90s" },
        { kind: "powerCut", from: "60s", for: "5s", duringFlash: true },
        { kind: "trap", from: "150s" },
      ],
    },
  );
  let digest: string;
  beforeAll(async () => {
    const result = await run(hard);
    expect(failed(result)).toEqual([]);
    expect(totalOf(result.boards, "restarts")).toBe(2);
    digest = result.digest;
  });

  it.skipIf(!available)("engines: wasm3 sends the same bytes", async () => {
    expect((await run(hard, "wasm3")).digest).toBe(digest);
  });

  it.skipIf(!onQemu && !process.env.CI)("engines: firmware under QEMU sends the same", async () => {
    const engine = qemuEngine("mps2-an386", "wasm3");
    try {
      expect((await runScenario(hard, { file: "test", engine })).digest).toBe(digest);
    } finally {
      engine.close();
    }
  });
});
