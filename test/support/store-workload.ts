/** Workloads for the store, and what they leave behind at every moment of rest. */
import { createFlash, type Flash, type FlashSnapshot } from "../../host/flash.ts";
import {
  type Geometry,
  HIGH,
  LOW,
  type SentEvent,
  type StoreBoard,
  startStore,
} from "./store-board.ts";

export type Step =
  | { readonly do: "append"; readonly priority: number; readonly text: string }
  | { readonly do: "acknowledge" | "fail"; readonly priority: number; readonly bytesMax: number }
  | { readonly do: "restart" }
  | { readonly do: "rest" };

/** A number below `below`. */
export type Random = (below: number) => number;

/** xorshift32. */
export function createRandom(seed: number): Random {
  let x = seed | 1;
  return (below) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % below;
  };
}

/** @param textBytesMax longest event, B */
export function createWorkload(random: Random, steps: number, textBytesMax: number): Step[] {
  const workload: Step[] = [];
  let isOnline = true;
  for (let i = 0; i < steps; i++) {
    if (random(40) === 0) isOnline = !isOnline;
    const priority = random(5) < 2 ? HIGH : LOW;
    const what = random(20);
    const bytesMax = 600 + random(3000);
    if (what === 0 && random(2) === 0) workload.push({ do: "restart" });
    else if (what < 4) workload.push({ do: "rest" });
    else if (what < 9 && isOnline) {
      workload.push({ do: random(4) === 0 ? "fail" : "acknowledge", priority, bytesMax });
    } else {
      const text = `${priority}/${i}/${"x".repeat(random(random(4) ? 40 : textBytesMax - 12))}`;
      workload.push({ do: "append", priority, text });
    }
  }
  workload.push({ do: "rest" });
  return workload;
}

/** Events by priority: sequence number to text. */
export type Stored = readonly [Map<number, string>, Map<number, string>];

export interface Counters {
  readonly collected: number;
  readonly delivered: number;
  readonly dropped: number;
  readonly stored: number;
}

/** What is stored at a moment of rest. */
export interface Rest {
  readonly stored: Stored;
  readonly counters: readonly [Counters, Counters];
}

/** An operation, with the flash right before it. */
export interface Operation {
  readonly before: FlashSnapshot;
  readonly address: number;
  /** Absent: an erase. */
  readonly data?: Uint8Array;
  /** Index of the moment of rest before; the next one is after. */
  readonly rest: number;
  /** Steps that have begun. */
  readonly step: number;
}

export interface Recording {
  readonly rests: readonly Rest[];
  readonly operations: readonly Operation[];
  /** All events in the order of their sequence numbers, and at which rest they were offered. */
  readonly offered: readonly [Offered[], Offered[]];
  /** Sequence numbers of events that have been stored at some rest, and may have been sent. */
  readonly sendable: readonly [Set<number>, Set<number>];
  readonly flash: Flash;
}

export interface Offered {
  readonly text: string;
  readonly rest: number;
}

export function countersOf(board: StoreBoard, priority: number): Counters {
  const { store } = board;
  return {
    collected: store.collectedCount(priority) >>> 0,
    delivered: store.deliveredCount(priority) >>> 0,
    dropped: store.droppedCount(priority) >>> 0,
    stored: store.storedCount(priority) >>> 0,
  };
}

/** @throws Error when the sum of the counters is not right */
export function checkSum(board: StoreBoard): void {
  for (const priority of [HIGH, LOW]) {
    const { collected, delivered, dropped, stored } = countersOf(board, priority);
    if (collected === delivered + dropped + stored) continue;
    throw new Error(`collected ${collected}, not ${delivered} + ${dropped} + ${stored}`);
  }
}

/** Sends and acknowledges all there is. */
export function drain(board: StoreBoard): Stored {
  const stored: Stored = [new Map(), new Map()];
  for (const priority of [HIGH, LOW]) {
    for (;;) {
      board.settle();
      const events = board.send(priority);
      if (events.length === 0) break;
      addEvents(stored, priority, events);
      board.acknowledge(priority);
    }
  }
  board.settle();
  return stored;
}

export function addEvents(stored: Stored, priority: number, events: readonly SentEvent[]): void {
  for (const { sequence, text } of events) {
    if (stored[priority as 0]?.has(sequence)) throw new Error(`${sequence} comes twice`);
    stored[priority as 0]?.set(sequence, text);
  }
}

/** A flash with the same contents. */
export function copyFlash(geometry: Geometry, from: FlashSnapshot, seed = 1): Flash {
  const flash = createFlash({ ...geometry, seed });
  flash.restore(from);
  return flash;
}

/** Runs a workload from blank flash and writes down everything that a power cut may hit. */
export function record(
  module: WebAssembly.Module,
  geometry: Geometry,
  workload: readonly Step[],
  isDelayed: boolean,
): Recording {
  const flash = createFlash({ ...geometry, seed: 1, isDelayed });
  const operations: Operation[] = [];
  const rests: Rest[] = [];
  const offered: [Offered[], Offered[]] = [[], []];
  const sendable = [new Set<number>(), new Set<number>()] as const;
  let step = 0;
  const note = (address: number, data?: Uint8Array): void => {
    const before = flash.snapshot();
    const rest = rests.length - 1;
    operations.push({ before, address, rest, step, ...(data && { data: data.slice() }) });
  };
  const observed: Flash = Object.create(flash, {
    program: {
      value: (address: number, data: Uint8Array) => {
        note(address, data);
        return flash.program(address, data);
      },
    },
    erase: {
      value: (address: number) => {
        note(address);
        return flash.erase(address);
      },
    },
  });
  let board = startStore(module, geometry, observed, 1);
  const rest = (): void => {
    board.settle();
    checkSum(board);
    const fork = startStore(module, geometry, copyFlash(geometry, flash.snapshot()), 2);
    // What flash knows. It may miss drops while there is no room to write them down.
    const counters = [countersOf(fork, HIGH), countersOf(fork, LOW)] as const;
    const stored = drain(fork);
    for (const priority of [HIGH, LOW] as const) {
      const { stored: count } = countersOf(board, priority);
      if (count === stored[priority].size) continue;
      throw new Error(`step ${step}: ${count} stored, ${stored[priority].size} in flash`);
    }
    for (const priority of [HIGH, LOW] as const) {
      for (const sequence of stored[priority].keys()) sendable[priority].add(sequence);
    }
    rests.push({ stored, counters });
  };
  rest();
  for (step = 0; step < workload.length; step++) {
    const now = workload[step] as Step;
    const before = [board.store.collectedCount(HIGH), board.store.collectedCount(LOW)];
    if (now.do === "append") {
      const sequence = before[now.priority] ?? 0;
      offered[now.priority as 0][sequence] = { text: now.text, rest: rests.length - 1 };
      board.append(now.priority, now.text);
    } else if (now.do === "restart") {
      board.settle();
      board = startStore(module, geometry, observed, step);
    } else if (now.do !== "rest") {
      const events = board.send(now.priority, now.bytesMax);
      if (events.length) board[now.do](now.priority);
    }
    checkSum(board);
    if (!isDelayed || now.do === "rest") rest();
  }
  return { rests, operations, offered, sendable, flash };
}
