/** A board that consists of the store and its flash: runs it, and sends its messages. */
import { instantiateSync } from "@assemblyscript/loader";
import {
  START_BYTES,
  START_FLASH_PROGRAM_BYTES,
  START_FLASH_SECTOR_BYTES,
  START_FLASH_SECTORS,
  START_SEED,
} from "../../assembly/abi.ts";
import type { Flash } from "../../host/flash.ts";
import type { StoreExports } from "./store-core.ts";

export const HIGH = 0;
export const LOW = 1;
/** Bytes of the message head that the tests pretend to have. */
const HEAD_BYTES = 20;

export interface Geometry {
  readonly sectorBytes: number;
  readonly sectors: number;
  readonly unitBytes: number;
}

/** An event of the tests: its text says what it is. */
export interface SentEvent {
  readonly sequence: number;
  readonly text: string;
}

export interface StoreBoard {
  readonly store: StoreExports;
  readonly mounted: number;
  append(priority: number, text: string): void;
  /** Sends one message. @returns its events; they are in flight */
  send(priority: number, bytesMax?: number): SentEvent[];
  acknowledge(priority: number): void;
  fail(priority: number): void;
  /** Time passes, and the store goes on. */
  poll(seconds: number): void;
  /** Ends operations of a delayed flash until none goes on. */
  settle(): void;
}

/** Lines end the events of a message. */
const decoder = new TextDecoder("latin1");

/** Starts the store with fresh memory. */
export function startStore(
  module: WebAssembly.Module,
  geometry: Geometry | undefined,
  flash: Flash | undefined,
  seed: number,
): StoreBoard {
  let parts: number[] = [];
  let isTaking = true;
  let view: Uint8Array = new Uint8Array();
  const none = (): number => {
    throw new Error("there is no flash");
  };
  const host = {
    publish(_id: number, pointer: number, bytes: number): number {
      if (!isTaking) return -5;
      parts.push(...view.subarray(pointer, pointer + bytes));
      return 0;
    },
    flash_read: flash
      ? (at: number, to: number, n: number) => flash.read(at >>> 0, view.subarray(to, to + n))
      : none,
    flash_program: flash
      ? (at: number, from: number, n: number) =>
          flash.program(at >>> 0, view.subarray(from, from + n))
      : none,
    flash_erase: flash ? (at: number) => flash.erase(at >>> 0) : none,
  };
  const store = instantiateSync(module, { host }).exports as unknown as StoreExports;
  view = new Uint8Array(store.memory.buffer);
  const start = new DataView(store.memory.buffer, store.start_address(), START_BYTES);
  start.setUint32(START_SEED, seed, true);
  start.setUint32(START_FLASH_SECTOR_BYTES, geometry?.sectorBytes ?? 0, true);
  start.setUint16(START_FLASH_SECTORS, geometry?.sectors ?? 0, true);
  start.setUint16(START_FLASH_PROGRAM_BYTES, geometry?.unitBytes ?? 0, true);
  const mounted = store.mount();
  const inFlight = [0, 0];
  let id = 0;
  return {
    store,
    mounted,
    append(priority, text) {
      const bytes = Buffer.from(`${text}\n`, "latin1");
      view.set(bytes, store.event_address());
      store.append(priority, bytes.length);
    },
    send(priority, bytesMax = 4096) {
      if (!store.canSend(priority)) return [];
      const first = store.firstSequence(priority) >>> 0;
      parts = [];
      isTaking = true;
      id += 1;
      const events = store.publishEvents(priority, id, bytesMax - HEAD_BYTES);
      if (events < 0) throw new Error(`publishEvents answers ${events}`);
      const texts = decoder.decode(Uint8Array.from(parts)).split("\n").slice(0, -1);
      if (texts.length !== events) throw new Error(`${events} events, but ${texts.length} texts`);
      const bytes = HEAD_BYTES + parts.length + 1;
      if (bytes !== bytesMax + 1 - store.roomLeft()) throw new Error(`${bytes} B in the message`);
      if (bytes > bytesMax) throw new Error(`a message of ${bytes} B`);
      inFlight[priority] = first + events;
      store.setInFlight(priority, first + events);
      return texts.map((text, i) => ({ sequence: first + i, text }));
    },
    acknowledge(priority) {
      store.release(priority, inFlight[priority] ?? 0);
    },
    fail(priority) {
      store.setInFlight(priority, 0);
    },
    poll(seconds) {
      store.advance(seconds);
      store.runStore();
    },
    settle() {
      for (let i = 0; flash?.isPending; i++) {
        if (i > 10_000) throw new Error("flash has no rest");
        store.flashDone(flash.complete());
      }
    },
  };
}
