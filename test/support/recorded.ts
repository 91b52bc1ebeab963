/** A scenario's calls into each of its cores, to be run again on other engines. */
import type { CoreInstance, Engine } from "../../host/engines/engine.ts";
import { v8 } from "../../host/engines/v8.ts";
import { createRecordingEngine, type RecordedStep } from "../../sim/recording.ts";
import { checkRecording } from "../../sim/recording-check.ts";
import { loadScenario, runScenario } from "../../sim/run.ts";

const HEADER = '{"recording":1,"name":"test","seed":1,"devices":{}}';

export interface RecordedCore {
  readonly lines: readonly string[];
}
/** Lines before the first call: header, module, core. */
export const FIRST_CALL = 3;

/** Cores do not know of each other: each has a recording of its own. */
export async function recordCores(file: string): Promise<RecordedCore[]> {
  const modules: string[] = [];
  const cores: string[][] = [];
  const engine = createRecordingEngine(v8, (step: RecordedStep) => {
    const line = JSON.stringify(step);
    if ("module" in step) modules.push(line);
    else if ("core" in step)
      cores.push([HEADER, modules[step.of] ?? "", JSON.stringify({ ...step, of: 0 })]);
    else cores[step.on]?.push(line);
  });
  await runScenario(loadScenario(file), { file, engine });
  return cores.map((lines) => ({ lines }));
}

/** After a loss of power in the middle of a call there is no memory to look at. */
function isCut({ lines }: RecordedCore): boolean {
  return (JSON.parse(lines.at(-1) as string) as { result?: unknown }).result === null;
}

/** The memory after a recording was run; what the core said is held against the recording. */
function run(recorded: RecordedCore, engine: Engine) {
  let core: CoreInstance | undefined;
  const keeping: Engine = (wasm, imports) => {
    core = engine(wasm, imports);
    return core;
  };
  const { difference } = checkRecording(recorded.lines, { engine: keeping });
  const done = core as CoreInstance | undefined;
  if (difference === null && !isCut(recorded)) done?.pull?.();
  const used = done?.exports.memory_bytes() ?? 0;
  return { difference, memory: Buffer.from(done?.memory ?? new ArrayBuffer(0), 0, used) };
}

/** The first step that differs from the recording, or the memory at the end; undefined: none. */
export function differenceOn(engine: Engine, recorded: RecordedCore): string | undefined {
  const found = run(recorded, engine);
  if (found.difference !== null) {
    const { line, call, expected, found: is } = found.difference;
    return `step ${line}, ${call}: ${is} instead of ${expected}`;
  }
  if (isCut(recorded)) return undefined;
  const { memory } = run(recorded, v8);
  const at = memory.findIndex((byte, i) => byte !== found.memory[i]);
  if (at < 0 && memory.length === found.memory.length) return undefined;
  return `memory at ${at}: ${found.memory[at]} instead of ${memory[at]}`;
}
