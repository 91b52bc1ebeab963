/**
 * How much of wasm3's value stack a core needs, from its code: a bound for every path of calls, so
 * that a stack of this size never overflows. As wasm3 0.5 and 0.9 lay frames out (m3_compile.c).
 */
import { readWasmFunctions, type Signature, type WasmFunction } from "./wasm-functions.ts";

const SLOT_BYTES = 4;
/** Parameters and results have 64 bits each. */
const SLOTS_PER_PARAMETER = 2;
/** wasm3's d_m3MaxConstantTableSize: so many constants at most are kept in a frame. */
const CONSTANT_SLOTS_MAX = 120;
/** For moving results of blocks, and to begin a frame at 64 bits. */
const SLOTS_SPARE = 4;
/** Packages and ports refuse less. */
const STACK_BYTES_MIN = 1024;
const ROUND_BYTES = 64;

/** wasm3 reserves a slot for every byte that looks like a constant's opcode. */
function constantSlots(body: Uint8Array): number {
  let slots = 0;
  for (const byte of body) {
    if (byte === 0x41 || byte === 0x43) slots += 1;
    if (byte === 0x42 || byte === 0x44) slots += 2;
  }
  return Math.min(slots, CONSTANT_SLOTS_MAX);
}

const boundarySlots = ({ parameters, results }: Signature) =>
  (parameters + results) * SLOTS_PER_PARAMETER;

function frameSlots(one: WasmFunction): number {
  const values = (one.locals + one.operands) * (one.isWide ? 2 : 1);
  return boundarySlots(one) + constantSlots(one.body) + values + SLOTS_SPARE;
}

/**
 * @returns bytes of stack for a core, a multiple of 64
 * @throws Error with one line for a module that recurs or calls through a table: it has no bound
 */
export function wasm3StackBytes(wasm: Uint8Array): number {
  const { imported, functions } = readWasmFunctions(wasm);
  const known = new Map<number, number>();
  const open = new Set<number>();
  const deepest = (index: number): number => {
    const one = functions[index - imported.length];
    if (one === undefined) return boundarySlots(imported[index] as Signature);
    const before = known.get(index);
    if (before !== undefined) return before;
    if (open.has(index)) throw new Error(`wasm3: function ${index} recurs: no bound of its stack`);
    open.add(index);
    let below = 0;
    for (const callee of one.callees) {
      if (callee === undefined) throw new Error(`wasm3: function ${index} calls through a table`);
      below = Math.max(below, deepest(callee));
    }
    const slots = frameSlots(one) + below;
    known.set(index, slots);
    return slots;
  };
  const slots = Math.max(0, ...functions.map((_, i) => deepest(imported.length + i)));
  return Math.max(STACK_BYTES_MIN, Math.ceil((slots * SLOT_BYTES) / ROUND_BYTES) * ROUND_BYTES);
}
