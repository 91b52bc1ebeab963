/** Runs a recording again, on any engine and module, and finds where it differs first. */
import * as abi from "../host/abi.ts";
import {
  CORE_EXPORTS,
  type CoreExports,
  type CoreImports,
  type CoreInstance,
  type Engine,
} from "../host/engines/engine.ts";
import { createRingWriter } from "../host/ring-writer.ts";
import {
  INPUT_CALLS,
  RECORDING_VERSION,
  type RecordedImport,
  type RecordedPacket,
  type RecordedStep,
  type RecordingHeader,
} from "./recording.ts";

/** A recording that cannot be read: one line. */
export class RecordingError extends Error {
  override readonly name = "RecordingError";
}

export interface CheckOptions {
  readonly engine: Engine;
  /** Runs instead of the recorded modules. */
  readonly wasm?: Uint8Array | undefined;
  /** Memory of a board: the first instance goes on from there instead of its start. */
  readonly snapshot?: Uint8Array | undefined;
  /** Only this device. */
  readonly device?: string | undefined;
}

export interface Difference {
  /** Line of the recording, from 1. */
  readonly line: number;
  readonly device: string;
  readonly call: string;
  readonly expected: string;
  readonly found: string;
}

export interface CheckResult {
  readonly calls: number;
  readonly messages: number;
  /** null: all was the same. */
  readonly difference: Difference | null;
}

type Call = Extract<RecordedStep, { call: unknown }>;

interface Instance {
  readonly core: CoreInstance;
  device: string;
  /** What the core is to call next, and how it is answered. */
  expected: RecordedImport[];
  ended: boolean;
}

const ROUND_BYTES = 8;

/** Thrown through a core where the recorded one lost its power. */
class CutHere extends Error {}
/** Thrown through a core that calls something else than the recorded one. */
class Differs extends Error {
  readonly expected: string;
  readonly found: string;
  constructor(expected: string, found: string) {
    super("differs");
    this.expected = expected;
    this.found = found;
  }
}

/**
 * @param lines of the recording
 * @throws RecordingError for what is no recording
 */
export function checkRecording(lines: Iterable<string>, options: CheckOptions): CheckResult {
  let header: RecordingHeader | undefined;
  const modules: Uint8Array[] = [];
  const instances = new Map<number, Instance>();
  let isFirst = true;
  let calls = 0;
  let messages = 0;
  let number = 0;
  for (const line of lines) {
    number++;
    if (line === "") continue;
    const step = parseLine(line, number);
    if (header === undefined) {
      header = readHeader(step);
      continue;
    }
    const known = readStep(step, number);
    if ("module" in known) modules.push(options.wasm ?? fromBase64(known.module));
    else if ("core" in known) {
      const wasm = options.wasm ?? modules[known.of];
      if (wasm === undefined) throw new RecordingError(`line ${number}: no module ${known.of}`);
      const snapshot = isFirst ? options.snapshot : undefined;
      const instance = createInstance(wasm, options.engine, snapshot);
      // One that goes on does not tell again whose it is.
      const names = Object.values(header.devices);
      if (snapshot !== undefined && names.length === 1) instance.device = names[0] as string;
      instances.set(known.core, instance);
      isFirst = false;
    } else {
      const instance = instances.get(known.on);
      if (instance === undefined) throw new RecordingError(`line ${number}: no core ${known.on}`);
      if (known.call === "start") instance.device = deviceOf(known, header);
      if (options.device !== undefined && instance.device !== options.device) continue;
      if (instance.ended) continue;
      calls++;
      const difference = runCall(instance, known, number);
      if (difference) return { calls, messages, difference };
      messages += (known.out ?? []).filter(
        ([name, values]) => name === "publish" && values[1] === 0,
      ).length;
    }
  }
  if (header === undefined) throw new RecordingError("the recording is empty");
  return { calls, messages, difference: null };
}

function parseLine(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new RecordingError(`line ${number} of the recording is no JSON`, { cause });
  }
}

function readHeader(value: unknown): RecordingHeader {
  const header = value as Partial<RecordingHeader> | null;
  if (header?.recording === RECORDING_VERSION) return header as RecordingHeader;
  throw new RecordingError('no recording: its first line is not {"recording":1,...}');
}

const CALLS: ReadonlySet<string> = new Set(CORE_EXPORTS);
const isWhole = (value: unknown): value is number => Number.isInteger(value);

/** What is no step of a known form is told before it is run. */
function readStep(value: unknown, number: number): RecordedStep {
  const step = (value ?? {}) as Record<string, unknown>;
  const isModule = typeof step.module === "string";
  const isCore = isWhole(step.core) && isWhole(step.of);
  const isCall =
    isWhole(step.on) &&
    CALLS.has(step.call as string) &&
    Array.isArray(step.with) &&
    step.with.every(isWhole) &&
    [step.packets ?? [], step.out ?? []].every(Array.isArray) &&
    typeof (step.input ?? "") === "string" &&
    isWhole(step.result ?? 0);
  if (isModule || isCore || isCall) return value as RecordedStep;
  throw new RecordingError(`line ${number}: expected {"module"}, {"core","of"} or {"on","call"}`);
}

function createInstance(wasm: Uint8Array, engine: Engine, snapshot?: Uint8Array): Instance {
  let core: CoreInstance | undefined;
  const instance: { expected: RecordedImport[] } = { expected: [] };
  const bytesAt = (pointer: number, bytes: number) =>
    new Uint8Array((core as CoreInstance).memory, pointer, bytes);

  /** Holds one call of the core against the recorded one. */
  function take(name: string, values: readonly number[], data: string): RecordedImport {
    const next = instance.expected.shift();
    const found = `${name}(${values.join()}) ${data}`;
    if (next === undefined) throw new Differs("nothing more", found);
    const wanted = `${next[0]}(${next[1].join()}) ${next[0] === "flash_read" ? "" : next[2]}`;
    if (wanted !== found) throw new Differs(wanted, found);
    if (next[3] === "cut") throw new CutHere();
    return next;
  }
  const data = (pointer: number, bytes: number) =>
    Buffer.from(bytesAt(pointer, bytes)).toString("base64");
  const imports: CoreImports = {
    publish: (id, pointer, bytes, more) =>
      take("publish", [id, more], data(pointer, bytes))[3] as number,
    report: (pointer, bytes, more) => take("report", [more], data(pointer, bytes))[3] as number,
    flash_read: (address, pointer, bytes) => {
      const [, , content, result] = take("flash_read", [address, bytes], "");
      bytesAt(pointer, bytes).set(fromBase64(content).subarray(0, bytes));
      return result as number;
    },
    flash_program: (address, pointer, bytes) =>
      take("flash_program", [address], data(pointer, bytes))[3] as number,
    flash_erase: (address) => take("flash_erase", [address], "")[3] as number,
  };
  core = engine(wasm, imports);
  if (snapshot !== undefined) {
    const used = core.exports.memory_bytes();
    // What is dumped from a board is rounded up.
    if (snapshot.length < used || snapshot.length >= used + ROUND_BYTES) {
      throw new RecordingError(`a snapshot of ${snapshot.length} bytes for a core of ${used}`);
    }
    new Uint8Array(core.memory).set(snapshot.subarray(0, used));
    core.push?.();
  }
  return Object.assign(instance, { core, device: "", ended: false });
}

function runCall(instance: Instance, step: Call, line: number): Difference | undefined {
  const { exports, memory } = instance.core;
  if (INPUT_CALLS.has(step.call) && step.input !== undefined) {
    new Uint8Array(memory).set(fromBase64(step.input), exports.input_address());
  }
  offerPackets(instance.core, step.packets ?? [], step.dropped ?? 0);
  instance.expected = [...(step.out ?? [])];
  const differs = (expected: string, found: string): Difference => ({
    line,
    device: instance.device,
    call: `${step.call}(${step.with.join()})`,
    expected,
    found,
  });
  let result: number | null = null;
  try {
    result = (exports[step.call] as (...values: number[]) => number)(...step.with);
  } catch (error) {
    if (error instanceof Differs) return differs(error.expected, error.found);
    instance.ended = true;
    if (step.result !== null) return differs(`result ${step.result}`, `a trap: ${error}`);
  }
  const [next] = instance.expected;
  if (next !== undefined) return differs(`${next[0]}(${next[1].join()}) ${next[2]}`, "nothing");
  const wanted = step.result ?? null;
  if (result !== wanted && !(instance.ended && wanted === null)) {
    return differs(`result ${wanted}`, `result ${result}`);
  }
  return undefined;
}

/** What producers did: packets that found room, then those that did not. */
function offerPackets(
  { memory, exports }: CoreInstance,
  packets: readonly RecordedPacket[],
  dropped: number,
): void {
  if (packets.length === 0 && dropped === 0) return;
  const address = (exports as CoreExports).ring_address();
  const ring = createRingWriter(memory, address);
  for (const [direction, originalBytes, head] of packets) {
    const bytes = fromBase64(head);
    ring.offer(direction, bytes, 0, bytes.length, originalBytes);
  }
  const view = new DataView(memory);
  const before = view.getUint32(address + abi.RING_DROPPED, true);
  view.setUint32(address + abi.RING_DROPPED, before + dropped, true);
}

function deviceOf(step: Call, { devices }: RecordingHeader): string {
  const id = fromBase64(step.input ?? "").subarray(abi.START_AGENT_ID, abi.START_AGENT_ID + 8);
  const text = Buffer.from(id).toString("hex");
  return devices[text] ?? text;
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "base64"));
}
