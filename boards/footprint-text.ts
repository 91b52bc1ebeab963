/** A footprint for readers. */
import type { Footprint, Part } from "./footprint.ts";

const number = (value: number) => value.toLocaleString("en-US");

function row(name: string, flash: string, ram: string): string {
  return `  ${name.padEnd(62)} ${flash.padStart(9)} ${ram.padStart(9)}`;
}

function partRow({ name, flash, ram, isWithin }: Part): string {
  const sign = (value: number) => (isWithin && value === 0 ? "-" : number(value));
  return row(isWithin ? `  of it ${name}` : name, sign(flash), sign(ram));
}

/** Several lines, ending in a line end. */
export function renderFootprint(footprint: Footprint): string {
  const { board, backend, parts, total, budget, slot, core, missing } = footprint;
  const least = missing.length > 0 ? ", at least" : "";
  const lines = [
    `${board}, ${backend}: module ${number(core.wasmBytes)} bytes, linear memory ${number(core.memoryBytes)} bytes`,
    row("bytes", "flash", "RAM"),
    ...parts.map(partRow),
    row(`total${least}`, number(total.flash), number(total.ram)),
    row("left for the agent", number(budget.flash), number(budget.ram)),
  ];
  if (slot.bytes > 0)
    lines.push(`  slot image ${number(slot.bytes)} of ${number(slot.room)} bytes`);
  return `${[...lines, ...missing].join("\n")}\n`;
}

/** The same as one JSON document, for other programs. */
export function footprintJson(footprint: Footprint): object {
  const { board, backend, options, core, parts, total, budget, slot, costs, missing } = footprint;
  return { board, backend, options, core, parts, total, budget, slot, costs, missing };
}
