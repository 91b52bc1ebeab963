import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { available } from "wasm3-node";
import { engineNamed } from "../boards/engines.ts";
import type { CoreInstance, Engine } from "../host/engines/engine.ts";
import { v8 } from "../host/engines/v8.ts";
import { createRecordingEngine, type RecordedStep } from "../sim/recording.ts";
import { checkRecording, RecordingError } from "../sim/recording-check.ts";
import { loadScenario, runScenario } from "../sim/run.ts";

const path = (name: string) =>
  fileURLToPath(new URL(`../sim/scenarios/${name}.yaml`, import.meta.url));
const HEADER = '{"recording":1,"name":"test","seed":1,"devices":{}}';

/** Memory of the first core before each recorded step on it, by line. */
const memories = new Map<number, Uint8Array>();
let lines: string[];

async function recordScenario(name: string, inner: Engine = v8): Promise<string[]> {
  const recorded = [HEADER];
  const engine = createRecordingEngine(inner, (step: RecordedStep) => {
    recorded.push(JSON.stringify(step));
  });
  await runScenario(loadScenario(path(name)), { file: name, engine });
  return recorded;
}

beforeAll(async () => {
  let first: CoreInstance | undefined;
  const peeking: Engine = (wasm, imports) => {
    const core = v8(wasm, imports);
    first ??= core;
    return core;
  };
  const recorded = [HEADER];
  const engine = createRecordingEngine(peeking, (step) => {
    recorded.push(JSON.stringify(step));
    if (first) {
      const used = first.exports.memory_bytes();
      memories.set(recorded.length, new Uint8Array(first.memory.slice(0, used)));
    }
  });
  await runScenario(loadScenario(path("bad-network")), { file: "bad-network", engine });
  lines = recorded;
});

describe("recordings", () => {
  it("recording: runs again with the same outputs on the engine that it came from", () => {
    const result = checkRecording(lines, { engine: v8 });
    expect(result.difference).toBeNull();
    expect(result.messages).toBeGreaterThan(100);
  });

  it("recording: power cuts, flash and traps can be run again", async () => {
    for (const name of ["flash-outage", "bad-day"]) {
      const result = checkRecording(await recordScenario(name), { engine: v8 });
      expect(result.difference).toBeNull();
      expect(result.calls).toBeGreaterThan(100);
    }
  });

  it.runIf(available)("recording: wasm3 gives the same outputs", () => {
    expect(checkRecording(lines, { engine: engineNamed("wasm3") }).difference).toBeNull();
  });

  it("recording: the first difference is named by line, call and contents", () => {
    const at = lines.findIndex((line) => line.includes('"publish"'));
    const step = JSON.parse(lines[at] as string);
    const bytes = Buffer.from(step.out[0][2], "base64");
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) ^ 1;
    step.out[0][2] = bytes.toString("base64");
    const changed = lines.with(at, JSON.stringify(step));
    const { difference } = checkRecording(changed, { engine: v8 });
    expect(difference).toMatchObject({ line: at + 1, call: expect.stringMatching(/^poll\(/) });
    expect(difference?.expected).not.toBe(difference?.found);
  });

  it("recording: a packet that is changed makes another output", () => {
    const at = lines.findIndex((line) => line.includes('"packets"'));
    const step = JSON.parse(lines[at] as string);
    step.packets[0][0] ^= 1;
    const changed = lines.with(at, JSON.stringify(step));
    expect(checkRecording(changed, { engine: v8 }).difference).not.toBeNull();
  });

  it("recording: goes on from a board's memory", () => {
    const calls = lines
      .map((line, i) => ({ line, number: i + 1 }))
      .filter(({ line }) => line.includes('"call":"poll"'));
    const middle = calls[Math.floor(calls.length / 2)] as (typeof calls)[number];
    // The memory as it was when the line before was written.
    const snapshot = memories.get(middle.number) as Uint8Array;
    const head = lines.slice(0, 3);
    const tail = lines.slice(middle.number);
    const result = checkRecording([...head, ...tail], { engine: v8, snapshot });
    expect(result.difference).toBeNull();
    expect(result.messages).toBeGreaterThan(50);
    const rounded = Buffer.concat([snapshot, Buffer.alloc(7)]);
    expect(
      checkRecording([...head, ...tail], { engine: v8, snapshot: rounded }).difference,
    ).toBeNull();
    const small = snapshot.slice(1);
    expect(() => checkRecording([...head, ...tail], { engine: v8, snapshot: small })).toThrow(
      RecordingError,
    );
  });

  it("recording: what is none is refused in one line", () => {
    for (const text of ["", "{}", "no", '{"recording":2}']) {
      expect(() => checkRecording([text], { engine: v8 })).toThrow(RecordingError);
    }
    const noCore = [HEADER, '{"on":0,"call":"poll","with":[0,0],"result":0}'];
    expect(() => checkRecording(noCore, { engine: v8 })).toThrow(/line 2: no core 0/);
    for (const step of [
      "null",
      '{"on":0,"call":"reboot","with":[],"result":0}',
      '{"on":0,"call":"poll","with":"0","result":0}',
      '{"on":0,"call":"poll","with":[0,0],"packets":3,"result":0}',
    ]) {
      expect(() => checkRecording([HEADER, step], { engine: v8 })).toThrow(/^line 2: expected/);
    }
  });
});
