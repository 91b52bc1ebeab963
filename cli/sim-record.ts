/** `picket sim record` and `picket sim replay`. */
import { closeSync, openSync, writeSync } from "node:fs";
import { deviceIds } from "../sim/board-plan.ts";
import { agentId } from "../sim/device.ts";
import { durationMs } from "../sim/duration.ts";
import {
  createRecordingEngine,
  RECORDING_VERSION,
  type RecordingHeader,
} from "../sim/recording.ts";
import { checkRecording } from "../sim/recording-check.ts";
import { runTable } from "../sim/reports/terminal.ts";
import { loadScenario, runScenario } from "../sim/run.ts";
import { UserError } from "./errors.ts";
import { readInput } from "./files.ts";
import { createDetector } from "./sim-detector.ts";
import { onBoard, openEngine } from "./sim-engine.ts";

export interface RecordFlags {
  readonly out: string;
  readonly seed?: number;
  readonly engine: string;
  readonly board?: string;
  readonly at?: string;
  readonly snapshot?: string;
}

export interface ReplayFlags {
  readonly engine: string;
  readonly core?: string;
  readonly snapshot?: string;
  readonly board?: string;
  readonly json?: true;
}

const RECORDING_BYTES_MAX = 2 ** 30;
const CORE_BYTES_MAX = 2 ** 24;
const SHOWN_CHARS = 200;

/** @returns the exit status */
export async function record(file: string, flags: RecordFlags): Promise<number> {
  const scenario = onBoard(loadScenario(file), flags.board);
  if ((flags.at === undefined) !== (flags.snapshot === undefined)) {
    throw new UserError("--at and --snapshot go together: when, and where the memory goes", 2);
  }
  const { engine, close } = openEngine(flags.engine, scenario);
  const names = scenario.boards.flatMap(deviceIds);
  if (flags.snapshot !== undefined && names.length > 1) {
    throw new UserError(`--snapshot: ${file} has ${names.length} boards, give one with one`, 2);
  }
  const seed = flags.seed ?? scenario.seed ?? 1;
  const header: RecordingHeader = {
    recording: RECORDING_VERSION,
    name: scenario.name,
    seed,
    devices: Object.fromEntries(
      names.map((name) => [Buffer.from(agentId(name)).toString("hex"), name]),
    ),
  };
  const out = openFile(flags.out);
  const write = (value: object): void => void writeSync(out, `${JSON.stringify(value)}\n`);
  try {
    write(header);
    let nowMs = 0;
    const atMs = flags.at === undefined ? 0 : durationOf(flags.at);
    const recording = createRecordingEngine(
      engine,
      write,
      flags.snapshot === undefined
        ? undefined
        : {
            isDue: () => nowMs >= atMs,
            onMemory: (memory) => writeFile(flags.snapshot as string, memory),
          },
    );
    const result = await runScenario(scenario, {
      file,
      seed,
      engine: recording,
      onProgress: (virtualMs) => {
        nowMs = virtualMs;
      },
      detector: createDetector(scenario.detection, file),
    });
    process.stdout.write(runTable([result]));
  } finally {
    closeSync(out);
    close();
  }
  return 0;
}

/** @returns the exit status */
export async function replayRecording(file: string, flags: ReplayFlags): Promise<number> {
  const text = Buffer.from(readInput(file, RECORDING_BYTES_MAX)).toString();
  const wasm = flags.core === undefined ? undefined : readInput(flags.core, CORE_BYTES_MAX);
  const snapshot =
    flags.snapshot === undefined ? undefined : readInput(flags.snapshot, CORE_BYTES_MAX);
  const { engine, close } = openEngine(flags.engine);
  let result: ReturnType<typeof checkRecording>;
  try {
    const lines = text.split("\n");
    result = checkRecording(lines, { engine, wasm, snapshot, device: flags.board });
  } finally {
    close();
  }
  if (flags.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else if (result.difference === null) {
    process.stdout.write(`the same: ${result.calls} calls, ${result.messages} messages\n`);
  } else {
    const { line, device, call, expected, found } = result.difference;
    process.stdout.write(
      `first difference: ${file}:${line}, device ${device}, ${call}\n` +
        `  expected ${expected.slice(0, SHOWN_CHARS)}\n     found ${found.slice(0, SHOWN_CHARS)}\n`,
    );
  }
  return result.difference === null ? 0 : 1;
}

function durationOf(text: string): number {
  try {
    return durationMs(text);
  } catch (cause) {
    throw new UserError(`--at: ${(cause as Error).message}`, 2, { cause });
  }
}

function writeFile(path: string, bytes: Uint8Array): void {
  const file = openFile(path);
  writeSync(file, bytes);
  closeSync(file);
}

function openFile(path: string): number {
  try {
    return openSync(path, "w");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new UserError(`${path}: cannot be written (${code})`, 1, { cause });
  }
}
