/** Cuts the power in an operation of a recorded workload, and checks what comes back. */
import { createFlash, type Flash, type PowerCut, PowerCutError } from "../../host/flash.ts";
import { type Geometry, HIGH, LOW, type StoreBoard, startStore } from "./store-board.ts";
import {
  checkSum,
  countersOf,
  drain,
  type Operation,
  type Recording,
  type Stored,
} from "./store-workload.ts";

export interface Cut {
  readonly part: PowerCut["part"];
  readonly seed: number;
  /** Operations after the restart until the second cut; absent: there is none. */
  readonly again?: number;
}

/** The flash as it is when power fails in an operation. */
function cutOff(geometry: Geometry, operation: Operation, { part, seed }: Cut): Flash {
  const flash = createFlash({ ...geometry, seed, cut: { operation: 0, part } });
  flash.restore(operation.before);
  try {
    if (operation.data) flash.program(operation.address, operation.data);
    else flash.erase(operation.address);
  } catch (error) {
    if (!(error instanceof PowerCutError)) throw error;
  }
  return flash;
}

/** Starts again, with a second cut if there is to be one. */
function restart(
  module: WebAssembly.Module,
  geometry: Geometry,
  cut: Cut,
  flash: Flash,
): StoreBoard {
  if (cut.again !== undefined) {
    const once = createFlash({
      ...geometry,
      seed: cut.seed,
      cut: { operation: cut.again, part: cut.part },
    });
    once.restore(flash.snapshot());
    try {
      startStore(module, geometry, once, 3);
    } catch (error) {
      if (!(error instanceof PowerCutError)) throw error;
    }
    flash = once;
  }
  const whole = createFlash({ ...geometry, seed: 1 });
  whole.restore(flash.snapshot());
  return startStore(module, geometry, whole, 4);
}

/** @throws Error, one line, for the first thing that is not as it must be */
export function checkCut(
  module: WebAssembly.Module,
  geometry: Geometry,
  recording: Recording,
  operation: Operation,
  cut: Cut,
): void {
  const board = restart(module, geometry, cut, cutOff(geometry, operation, cut));
  const before = recording.rests[operation.rest];
  const after = recording.rests[operation.rest + 1] ?? before;
  checkSum(board);
  const found = [countersOf(board, HIGH), countersOf(board, LOW)];
  const sent = drain(board);
  checkSum(board);
  const fresh = [0, 0];
  const sentLater: Stored = [new Map(), new Map()];
  for (let i = 0; i < 3; i++) {
    board.append(HIGH, `new high ${i}`);
    board.append(LOW, `new low ${i}`);
    const now = drain(board);
    for (const priority of [HIGH, LOW] as const) {
      for (const [sequence, text] of now[priority]) sentLater[priority].set(sequence, text);
    }
  }
  checkSum(board);
  for (const priority of [HIGH, LOW] as const) {
    const old = before?.stored[priority] ?? new Map<number, string>();
    const next = after?.stored[priority] ?? new Map<number, string>();
    const name = priority === HIGH ? "high" : "low";
    const offered = recording.offered[priority];
    for (const [sequence, text] of sentLater[priority]) {
      if (!text.startsWith("new")) throw new Error(`${name} ${sequence} comes late`);
      fresh[priority] = (fresh[priority] ?? 0) + 1;
      const was = offered[sequence];
      const isUsed =
        was !== undefined &&
        was.rest < operation.rest &&
        recording.sendable[priority].has(sequence);
      if (isUsed || sent[priority].has(sequence)) throw new Error(`${sequence} is used again`);
    }
    for (const [sequence, text] of sent[priority]) {
      if (offered[sequence]?.text !== text) throw new Error(`${name} ${sequence} is ${text}`);
      const isNew = (offered[sequence]?.rest ?? 0) >= operation.rest;
      if (!old.has(sequence) && !next.has(sequence) && !isNew) {
        throw new Error(`${name} ${sequence} comes back`);
      }
    }
    for (const sequence of old.keys()) {
      const isThere = sent[priority].has(sequence) || !next.has(sequence);
      if (!isThere) throw new Error(`${name} ${sequence} is missing`);
    }
    const was = before?.counters[priority];
    const is = found[priority];
    if (!was || !is) continue;
    const greatest = after?.counters[priority] ?? was;
    if (is.collected < was.collected || is.collected > greatest.collected) {
      throw new Error(`${name} collected ${is.collected}, was ${was.collected}`);
    }
    if (is.delivered < was.delivered || is.delivered > greatest.delivered) {
      throw new Error(`${name} delivered ${is.delivered}, was ${was.delivered}`);
    }
    if (is.dropped < was.dropped) throw new Error(`${name} dropped ${is.dropped} < ${was.dropped}`);
  }
  if (fresh.join() !== "3,3") throw new Error(`the store does not go on: ${fresh} of 3 new`);
}
