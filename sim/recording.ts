/**
 * Recordings: everything that went into a core and came out of it, call by call. Another engine
 * or module can be held against one, and a trace from a board in the field has the same form.
 *
 * A recording is lines of JSON: first a `RecordingHeader`, then one `RecordedStep` each.
 */
import * as abi from "../host/abi.ts";
import type { CoreExports, CoreImports, Engine } from "../host/engines/engine.ts";

export const RECORDING_VERSION = 1;

export interface RecordingHeader {
  readonly recording: typeof RECORDING_VERSION;
  /** What was recorded, for people. */
  readonly name: string;
  readonly seed: number;
  /** Agent ids, hexadecimal, to device ids. */
  readonly devices: Readonly<Record<string, string>>;
}

/** A packet that was in the ring: direction, bytes on the wire, head in base64. */
export type RecordedPacket = readonly [number, number, string];

/** What the core called, with its bytes in base64 and what it was answered. */
export type RecordedImport = readonly [string, readonly number[], string, number | "cut"];

export type RecordedStep =
  /** A module; steps name it by its place among the modules. */
  | { readonly module: string }
  /** A new instance, of a module: the board was switched on. */
  | { readonly core: number; readonly of: number }
  /** A call into an instance. */
  | {
      readonly on: number;
      readonly call: keyof CoreExports;
      readonly with: readonly number[];
      /** Bytes in the input buffer, base64. */
      readonly input?: string;
      readonly packets?: readonly RecordedPacket[];
      /** Packets that found the ring full before the call. */
      readonly dropped?: number;
      readonly out?: readonly RecordedImport[];
      /** null: the call did not come back (trap, loss of power). */
      readonly result: number | null;
    };

/** Calls that read the input buffer, and which argument says how much of it. */
export const INPUT_CALLS: ReadonlySet<string> = new Set(["start", "observe", "twin_chunk"]);
/** Calls that change nothing and are not recorded. */
const QUESTIONS: ReadonlySet<string> = new Set([
  "abi_version",
  "memory_bytes",
  "ring_address",
  "input_address",
  "next_ms",
]);

/** Begins a recording in the middle: with the memory that a core has after one of its calls. */
export interface RecordingStart {
  /** Asked after each call: is it time? */
  readonly isDue: () => boolean;
  /** Takes a copy of the memory that the core uses. */
  readonly onMemory: (memory: Uint8Array) => void;
}

/**
 * An engine that tells `write` all that its instances do.
 *
 * @param start absent: from the first call on; for runs of one device
 */
export function createRecordingEngine(
  inner: Engine,
  write: (step: RecordedStep) => void,
  start?: RecordingStart,
): Engine {
  const modules: Uint8Array[] = [];
  let instances = 0;
  let isOn = start === undefined;

  function moduleNumber(wasm: Uint8Array): number {
    const known = modules.findIndex((other) => Buffer.compare(other, wasm) === 0);
    if (known >= 0) return known;
    modules.push(wasm);
    write({ module: base64(wasm) });
    return modules.length - 1;
  }

  return (wasm, imports) => {
    const on = instances++;
    if (isOn) write({ core: on, of: moduleNumber(wasm) });
    let out: RecordedImport[] = [];
    const bytesAt = (pointer: number, bytes: number) => new Uint8Array(memory, pointer, bytes);
    const noted: CoreImports = {
      publish: (id, pointer, bytes, more) => {
        const result = imports.publish(id, pointer, bytes, more);
        out.push(["publish", [id, more], base64(bytesAt(pointer, bytes)), result]);
        return result;
      },
      report: (pointer, bytes, more) => {
        const result = imports.report(pointer, bytes, more);
        out.push(["report", [more], base64(bytesAt(pointer, bytes)), result]);
        return result;
      },
      flash_read: (address, pointer, bytes) => {
        const result = imports.flash_read(address, pointer, bytes);
        out.push(["flash_read", [address, bytes], base64(bytesAt(pointer, bytes)), result]);
        return result;
      },
      flash_program: (address, pointer, bytes) => {
        const asked = base64(bytesAt(pointer, bytes));
        return flash("flash_program", address, asked, () =>
          imports.flash_program(address, pointer, bytes),
        );
      },
      flash_erase: (address) =>
        flash("flash_erase", address, "", () => imports.flash_erase(address)),
    };

    function flash(name: string, address: number, asked: string, act: () => number): number {
      try {
        const result = act();
        out.push([name, [address], asked, result]);
        return result;
      } catch (error) {
        out.push([name, [address], asked, "cut"]);
        throw error;
      }
    }

    const core = inner(wasm, noted);
    const { memory, exports } = core;
    const ring = createRingReader(memory);

    function begin({ onMemory }: RecordingStart): void {
      isOn = true;
      onMemory(bytesAt(0, exports.memory_bytes()).slice());
      write({ core: on, of: moduleNumber(wasm) });
    }

    function record(call: keyof CoreExports, values: number[]): number {
      const bytes = values[0] ?? 0;
      const input = INPUT_CALLS.has(call)
        ? { input: base64(bytesAt(exports.input_address(), Math.min(bytes, abi.INPUT_BYTES))) }
        : {};
      const packets = call === "start" ? {} : ring.read(exports.ring_address());
      out = [];
      let result: number | null = null;
      try {
        result = (exports[call] as (...args: number[]) => number)(...values);
        return result;
      } finally {
        const made = out.length > 0 ? { out } : {};
        if (isOn) write({ on, call, with: values, ...input, ...packets, ...made, result });
        else if (start?.isDue() && result !== null) begin(start);
        ring.note(exports.ring_address());
      }
    }

    const wrapped = Object.fromEntries(
      (Object.keys(exports) as (keyof CoreExports)[])
        .filter((name) => typeof exports[name] === "function")
        .map((name) => [
          name,
          QUESTIONS.has(name) ? exports[name] : (...values: number[]) => record(name, values),
        ]),
    );
    return { memory, exports: wrapped as unknown as CoreExports };
  };
}

/** Reads what producers have put into the ring since the last call. */
function createRingReader(memory: ArrayBuffer) {
  const view = new DataView(memory);
  let reservedBefore = 0;
  let droppedBefore = 0;
  return {
    read(address: number): { packets?: RecordedPacket[]; dropped?: number } {
      const reserved = view.getUint32(address + abi.RING_RESERVED, true);
      const dropped = view.getUint32(address + abi.RING_DROPPED, true);
      const slots = view.getUint16(address + abi.RING_SLOTS_COUNT, true);
      const slotBytes = abi.SLOT_HEAD + view.getUint16(address + abi.RING_HEAD_BYTES_MAX, true);
      const packets: RecordedPacket[] = [];
      for (let at = reservedBefore; at !== reserved; at = (at + 1) >>> 0) {
        const slot = address + abi.RING_SLOTS + (at & (slots - 1)) * slotBytes;
        const word = view.getUint32(slot, true);
        const head = (word >>> abi.SLOT_HEAD_SHIFT) & abi.SLOT_HEAD_MASK;
        const bytes = new Uint8Array(memory, slot + abi.SLOT_HEAD, head);
        const direction = word & abi.SLOT_IN ? 1 : 0;
        packets.push([direction, word >>> abi.SLOT_PACKET_SHIFT, base64(bytes)]);
      }
      const lost = (dropped - droppedBefore) >>> 0;
      reservedBefore = reserved;
      return {
        ...(packets.length > 0 && { packets }),
        ...(lost > 0 && { dropped: lost }),
      };
    },
    note(address: number) {
      droppedBefore = view.getUint32(address + abi.RING_DROPPED, true);
    },
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
}
