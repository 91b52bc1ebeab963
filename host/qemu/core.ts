/** The core on a board under QEMU: its exports, its memory and what it publishes. */
import { CORE_EXPORTS, type CoreExports } from "../engines/engine.ts";
import type { Link } from "./link.ts";
import {
  COMMAND_CORE_CALL,
  COMMAND_CORE_OPEN,
  COMMAND_MEMORY_READ,
  COMMAND_MEMORY_WRITE,
  COMMAND_USAGE,
  DATA_BYTES_MAX,
  EVENT_PUBLISH,
} from "./protocol.ts";

export interface RemoteCoreOptions {
  /** Bytes of the module in the board's first slot; 0 for a core that is in the firmware. */
  readonly wasmBytes: number;
  /** Linear memory, bytes. */
  readonly memoryBytes: number;
  /** wasm3's stack, bytes. */
  readonly stackBytes: number;
  /** A part of a message; `more`: further parts follow. */
  readonly publish: (id: number, part: Uint8Array, more: boolean) => void;
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

/** @throws Error when the board cannot load the core */
export function openRemoteCore(link: Link, options: RemoteCoreOptions): RemoteCore {
  const { wasmBytes, memoryBytes, stackBytes, publish } = options;
  const trouble = link.request(COMMAND_CORE_OPEN, words(wasmBytes, memoryBytes, stackBytes));
  if (trouble.length > 0) throw new Error(`${link.info.board}: ${Buffer.from(trouble)}`);

  function onEvent(event: number, data: Uint8Array): void {
    if (event !== EVENT_PUBLISH) return;
    const view = viewOf(data);
    publish(view.getUint32(0, true), data.subarray(8), view.getUint32(4, true) !== 0);
  }

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
