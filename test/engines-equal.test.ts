import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { available } from "wasm3-node";
import { buildCore } from "../boards/build.ts";
import { ENGINES, qemuEngine } from "../boards/engines.ts";
import type { CoreInstance, Engine } from "../host/engines/engine.ts";
import { v8 } from "../host/engines/v8.ts";
import { parseDeviceAddresses } from "../host/netx/address.ts";
import { readCapture } from "../sim/capture.ts";
import { replay } from "../sim/replay.ts";
import { firstDifference, runScript, type Trace } from "./support/engine-script.ts";
import { differenceOn, FIRST_CALL, type RecordedCore, recordCores } from "./support/recorded.ts";

const has = (program: string) => spawnSync(program, ["--version"]).status === 0;
const onQemu = has("arm-none-eabi-gcc") && has("qemu-system-arm");
/** Random traces on each engine; the whole of it is PICKET_TRACES=1000. */
const TRACES = Number(process.env.PICKET_TRACES ?? 0);
/** With it every scenario runs to its end on QEMU too. */
const ALL_SCENARIOS = process.env.PICKET_TRACES !== undefined;
const BOARD = "mps2-an386";
const STEPS = 12;
const DEVICE = "10.20.0.10/24,fd00:20::10,fe80::10";

/** Engines against v8: whether they are here; random traces and calls of a scenario by default. */
const OTHERS = [
  {
    name: "wasm3",
    isHere: available,
    traces: 300,
    calls: Number.POSITIVE_INFINITY,
    open: () => ENGINES.wasm3 as Engine,
  },
  {
    name: `qemu:${BOARD}`,
    isHere: onQemu,
    traces: 40,
    calls: 100,
    open: () => qemuEngine(BOARD, "wasm3"),
  },
  {
    name: `qemu:${BOARD}:aot`,
    isHere: onQemu,
    traces: 40,
    calls: 100,
    open: () => qemuEngine(BOARD, "aot"),
  },
] as const;

const CAPTURES = [
  ...readdirSync("sim/captures").map((name) => `sim/captures/${name}`),
  ...readdirSync("test/fixtures/captures").map((name) => `test/fixtures/captures/${name}`),
].filter((path) => /\.pcap(ng)?(\.gz)?$/.test(path));

const SCENARIOS = readdirSync("sim/scenarios")
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => `sim/scenarios/${name}`);

let wasm: Uint8Array;
let close = () => {};
/** A scenario's cores, recorded once for all engines. */
const recordings = new Map<string, RecordedCore[]>();

async function recordingOf(path: string): Promise<RecordedCore[]> {
  const cores = recordings.get(path) ?? (await recordCores(path));
  recordings.set(path, cores);
  return cores;
}

beforeAll(async () => {
  ({ wasm } = await buildCore({ STORE_FLASH: 1 }));
});
afterEach(() => close());

function open(name: string): Engine {
  const engine = OTHERS.find((other) => other.name === name)?.open() as Engine;
  close = "close" in engine ? (engine.close as () => void) : () => {};
  return engine;
}

/** On QEMU the next core takes over the machine. */
function release(engine: Engine): void {
  if ("release" in engine) (engine.release as () => void)();
}

/** A capture's replay: each message, then all memory. */
function replayOn(engine: Engine, path: string): Trace {
  const file = readFileSync(path);
  const capture = readCapture(path.endsWith(".gz") ? gunzipSync(file) : file, path);
  const lines: string[] = [];
  let core: CoreInstance | undefined;
  replay({
    capture,
    addresses: parseDeviceAddresses(DEVICE),
    wasm,
    intervalMs: 10_000,
    engine(module, imports) {
      core = engine(module, imports);
      return core;
    },
    onMessage: ({ timeMs, bytes }) => {
      lines.push(`step ${timeMs}: ${Buffer.from(bytes).toString("hex")}`);
    },
  });
  const done = core as CoreInstance | undefined;
  done?.pull?.();
  const used = done?.exports.memory_bytes() ?? 0;
  const bytes = new Uint8Array(done?.memory ?? new ArrayBuffer(0), 0, used);
  const memory = Buffer.from(bytes).toString("hex");
  return { lines, memory, flash: "" };
}

describe("engines are equal", () => {
  it("engines: a difference is told by the first step that differs", () => {
    const one = { lines: ["step 0 next 5", "publish 1 aa"], memory: "0011", flash: "" };
    expect(firstDifference(one, one)).toBeUndefined();
    const other = { ...one, lines: ["step 0 next 5", "publish 1 ab"] };
    expect(firstDifference(other, one)).toBe(
      'after "step 0 next 5": publish 1 ab instead of publish 1 aa',
    );
    expect(firstDifference({ ...one, memory: "0012" }, one)).toContain("memory at 1: 12");
  });

  for (const { name, isHere, traces, calls } of OTHERS) {
    const test = it.skipIf(!isHere && !process.env.CI);
    test.each(CAPTURES)(
      `engines: ${name} gives what v8 gives for %s`,
      (path) => {
        const expected = replayOn(v8, path);
        expect(expected.lines.length).toBeGreaterThan(0);
        expect(firstDifference(replayOn(open(name), path), expected)).toBeUndefined();
      },
      300_000,
    );

    const count = TRACES || traces;
    test(`engines: ${name} gives what v8 gives for ${count} random traces`, () => {
      const engine = open(name);
      for (let seed = 1; seed <= count; seed++) {
        const expected = runScript(v8, wasm, seed, STEPS);
        const difference = firstDifference(runScript(engine, wasm, seed, STEPS), expected);
        expect(difference === undefined ? "" : `seed ${seed}: ${difference}`).toBe("");
        release(engine);
      }
    }, 3_600_000);

    test.each(SCENARIOS)(
      `engines: ${name} gives what v8 gives for %s`,
      async (path) => {
        const cores = await recordingOf(path);
        expect(cores.length).toBeGreaterThan(0);
        const engine = open(name);
        let left = ALL_SCENARIOS ? Number.POSITIVE_INFINITY : calls;
        for (const [number, core] of cores.entries()) {
          const part = core.lines.slice(0, FIRST_CALL + left);
          const difference = differenceOn(engine, { lines: part });
          expect(difference === undefined ? "" : `core ${number}: ${difference}`).toBe("");
          release(engine);
          left -= part.length - FIRST_CALL;
          if (left <= 0) break;
        }
      },
      3_600_000,
    );
  }
});
