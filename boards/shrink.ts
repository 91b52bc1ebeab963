/** What to make smaller when an agent does not fit its board. */

import type { OptionCost } from "./costs.ts";
import { buffersOf, type Footprint, switchesOf } from "./footprint.ts";
import { OPTIONS, type Option } from "./options.ts";

/** Rounds down to what the option's rule allows. */
function allowed(option: Option, value: number): number {
  const least = Math.max(option.min, Math.floor(value));
  if (option.rule === "power of two") return 2 ** Math.floor(Math.log2(least));
  return option.rule === "multiple of 4" ? Math.floor(least / 4) * 4 : least;
}

/** Takes from the dearest buffers until `over` bytes are free. */
function shrinkBuffers(
  costs: readonly OptionCost[],
  over: number,
): { text: string[]; left: number } {
  const text: string[] = [];
  let left = over;
  for (const { name, value, without, memoryBytes } of buffersOf(costs)) {
    if (left <= 0) break;
    const each = memoryBytes / (value - without);
    const to = allowed(OPTIONS[name], Math.max(without, value - Math.ceil(left / each)));
    if (to >= value) continue;
    const freed = Math.floor((value - to) * each);
    text.push(`${name} from ${value} to ${to} (${freed} bytes)`);
    left -= freed;
  }
  return { text, left };
}

function leaveOut(
  costs: readonly OptionCost[],
  isAot: boolean,
  over: number,
): { text: string[]; left: number } {
  const text: string[] = [];
  let left = over;
  for (const cost of switchesOf(costs, isAot)) {
    if (left <= 0) break;
    const bytes = isAot ? (cost.codeBytes ?? 0) : cost.wasmBytes;
    text.push(`${[cost.name, ...cost.together].join(" and ")} to 0 (${bytes} bytes)`);
    left -= bytes;
  }
  return { text, left };
}

function line(what: string, used: number, room: number, found: { text: string[]; left: number }) {
  const how = found.text.length === 0 ? "nothing can be left out" : `set ${found.text.join(", ")}`;
  const rest = found.left > 0 ? `; ${found.left} bytes more than that are needed` : "";
  return `${what}: ${used} of ${room} bytes, ${used - room} too many: ${how}${rest}`;
}

/**
 * One line for each budget that is exceeded; none when the agent fits. What options free is taken
 * from the footprint's costs.
 */
export function findExcess(footprint: Footprint): string[] {
  const { board, total, budget, slot, costs, backend } = footprint;
  const isAot = backend === "aot";
  const lines: string[] = [];
  if (total.flash > budget.flash) {
    const found = leaveOut(costs, isAot, total.flash - budget.flash);
    lines.push(line(`${board}: flash`, total.flash, budget.flash, found));
  }
  if (total.ram > budget.ram) {
    const found = shrinkBuffers(costs, total.ram - budget.ram);
    // Wasm3 compiles the module into RAM, ahead of time it is code in flash.
    const hint = isAot ? "" : ", or take --backend aot";
    lines.push(line(`${board}: RAM`, total.ram, budget.ram, found) + hint);
  }
  if (slot.bytes > slot.room) {
    const found = leaveOut(costs, false, slot.bytes - slot.room);
    lines.push(line(`${board}: slot for the core module`, slot.bytes, slot.room, found));
  }
  return lines;
}
