/** The core on a board under QEMU: its exports, its memory and what it publishes. */
import { E_FLASH, OK } from "../../assembly/abi.ts";
import { CORE_EXPORTS, type CoreExports } from "../engines/engine.ts";
import type { Link, OnEvent } from "./link.ts";
import {
  COMMAND_CORE_CALL,
  COMMAND_CORE_OPEN,
  COMMAND_MEMORY_READ,
  COMMAND_MEMORY_WRITE,
  COMMAND_USAGE,
  DATA_BYTES_MAX,
  EVENT_FLASH_ERASE,
  EVENT_FLASH_PROGRAM,
  EVENT_FLASH_READ,
  EVENT_PUBLISH,
  EVENT_REPORT,
  PUBLISH_HEAD_BYTES,
  REPORT_HEAD_BYTES,
  STORE_BOARD,
  STORE_HOST,
} from "./protocol.ts";

/** What the core on the board asks for. */
export interface RemoteImports {
  /** A part of a message; `more`: further parts follow. Answers are as in assembly/host.ts. */
  publish(id: number, part: Uint8Array, more: boolean): number;
  /** A part of the reported properties. */
  report(part: Uint8Array, more: boolean): number;
  /** Absent: the core has the board's own store partition. Answers are as in assembly/host.ts. */
  readonly flash?: {
    read(address: number, to: Uint8Array): number;
    program(address: number, from: Uint8Array): number;
    erase(address: number): number;
  };
}

export interface RemoteCoreOptions extends RemoteImports {
  /** Linear memory, bytes. */
  readonly memoryBytes: number;
  /** wasm3's stack, bytes. */
  readonly stackBytes: number;
}

/** Result of an export and what the call took. */
export interface RemoteCall {
  readonly result: number;
  /** Ticks of the board's timer (machine.ts: 40 or 50 instructions each). */
  readonly ticks: number;
}

export interface RemoteCore {
  /** @throws Error with the trap's name */
  call(name: keyof CoreExports, ...values: number[]): RemoteCall;
  readMemory(address: number, bytes: number): Uint8Array;
  writeMemory(address: number, bytes: Uint8Array): void;
  /** The most that has been in use since power-on, bytes. */
  usage(): { readonly heapBytes: number; readonly stackBytes: number };
}

const ADDRESS_BYTES = 4;

function words(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setUint32(4 * i, value >>> 0, true);
  return bytes;
}

const viewOf = (data: Uint8Array) => new DataView(data.buffer, data.byteOffset, data.byteLength);

/** Joins what the board hands over in several frames; undefined: the rest is still to come. */
function createJoiner() {
  const parts: Uint8Array[] = [];
  return (data: Uint8Array, headBytes: number): Uint8Array | undefined => {
    parts.push(data.slice(headBytes));
    if (viewOf(data).getUint32(headBytes - 4, true) > 0) return undefined;
    return Uint8Array.from(Buffer.concat(parts.splice(0)));
  };
}

/** Takes whole messages of the kit, and answers that they were taken. */
export function createReceiver(onMessage: (id: number, message: Uint8Array) => void): OnEvent {
  const join = createJoiner();
  const parts: Uint8Array[] = [];
  return (event, data) => {
    if (event !== EVENT_PUBLISH && event !== EVENT_REPORT) return undefined;
    const part = join(data, event === EVENT_PUBLISH ? PUBLISH_HEAD_BYTES : REPORT_HEAD_BYTES);
    if (part === undefined) return undefined;
    if (event === EVENT_PUBLISH) {
      const view = viewOf(data);
      parts.push(part);
      const isLast = view.getUint32(4, true) === 0;
      if (isLast) onMessage(view.getUint32(0, true), Buffer.concat(parts.splice(0)));
    }
    return words(OK);
  };
}

/** Does what the core on the board asks for, and answers where it waits. */
function serve(
  imports: RemoteImports,
  join: ReturnType<typeof createJoiner>,
  event: number,
  data: Uint8Array,
): Uint8Array | undefined {
  const view = viewOf(data);
  const { flash } = imports;
  switch (event) {
    case EVENT_PUBLISH: {
      const part = join(data, PUBLISH_HEAD_BYTES);
      const [id, more] = [view.getUint32(0, true), view.getUint32(4, true) !== 0];
      return part && words(imports.publish(id, part, more));
    }
    case EVENT_REPORT: {
      const part = join(data, REPORT_HEAD_BYTES);
      return part && words(imports.report(part, view.getUint32(0, true) !== 0));
    }
    case EVENT_FLASH_READ: {
      const to = new Uint8Array(view.getUint32(4, true));
      const result = flash?.read(view.getUint32(0, true), to) ?? E_FLASH;
      return Buffer.concat([words(result), to]);
    }
    case EVENT_FLASH_PROGRAM:
      return words(flash?.program(view.getUint32(0, true), data.slice(4)) ?? E_FLASH);
    case EVENT_FLASH_ERASE:
      return words(flash?.erase(view.getUint32(0, true)) ?? E_FLASH);
    default:
      return undefined;
  }
}

/** @throws Error with one line when the board has no core that it can open */
export function openRemoteCore(link: Link, options: RemoteCoreOptions): RemoteCore {
  const { memoryBytes, stackBytes, flash } = options;
  const store = flash === undefined ? STORE_BOARD : STORE_HOST;
  const trouble = link.request(COMMAND_CORE_OPEN, words(memoryBytes, stackBytes, store));
  if (trouble.length > 0) throw new Error(`${link.info.board}: ${Buffer.from(trouble)}`);
  const join = createJoiner();
  const onEvent = (event: number, data: Uint8Array) => serve(options, join, event, data);

  return {
    call(name, a = 0, b = 0, c = 0) {
      const number = CORE_EXPORTS.indexOf(name);
      const answer = link.request(COMMAND_CORE_CALL, words(number, a, b, c), onEvent);
      if (answer.length > 8) {
        throw new Error(`${link.info.board}: ${name}: ${Buffer.from(answer.subarray(8))}`);
      }
      const view = viewOf(answer);
      return { result: view.getInt32(0, true), ticks: view.getUint32(4, true) };
    },
    readMemory(address, bytes) {
      const parts: Uint8Array[] = [];
      for (let done = 0; done < bytes; done += DATA_BYTES_MAX) {
        const part = Math.min(DATA_BYTES_MAX, bytes - done);
        parts.push(link.request(COMMAND_MEMORY_READ, words(address + done, part)));
      }
      return Uint8Array.from(Buffer.concat(parts));
    },
    writeMemory(address, bytes) {
      const step = DATA_BYTES_MAX - ADDRESS_BYTES;
      for (let done = 0; done < bytes.length; done += step) {
        const part = bytes.subarray(done, done + step);
        link.request(COMMAND_MEMORY_WRITE, Buffer.concat([words(address + done), part]));
      }
    },
    usage() {
      const view = viewOf(link.request(COMMAND_USAGE));
      return { heapBytes: view.getUint32(0, true), stackBytes: view.getUint32(4, true) };
    },
  };
}
