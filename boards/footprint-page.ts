/** docs/FOOTPRINT.md: the budgets with their figures, and how they are counted. */
import { BUDGETS, type Figures, figureAt } from "./budget.ts";
import type { OptionCost } from "./costs.ts";
import { EQUAL_DEFINES, EQUAL_FEATURES } from "./measure.ts";

const OPEN = "<!-- figures ";
const CLOSE = " -->";

const number = (value: number) => (Number.isFinite(value) ? value.toLocaleString("en-US") : "-");

function budgetRows(figures: Figures): string {
  return BUDGETS.map(({ path, what, replaced, accepted, aim }) => {
    const value = figureAt(figures, path);
    const verdict = value <= aim ? "aim reached" : value <= accepted ? "accepted" : "**over**";
    const cells = [what, replaced, number(value), number(accepted), number(aim)];
    return `| ${cells.join(" | ")} | ${Number.isFinite(accepted) ? verdict : "-"} |`;
  }).join("\n");
}

function costRows(costs: readonly OptionCost[]): string {
  return costs
    .map(({ name, value, without, together, wasmBytes, codeBytes, memoryBytes }) => {
      const change = `\`${name}\` ${value} instead of ${without}`;
      const also = together.map((other) => `\`${other}\``).join(", ");
      const cells = [also === "" ? change : `${change}, with ${also}`];
      cells.push(number(wasmBytes), number(codeBytes ?? 0), number(memoryBytes));
      return `| ${cells.join(" | ")} |`;
    })
    .join("\n");
}

/** Figures of another wasm3 tree (WASM3_DIR), which are told but not compared. */
export interface OtherWasm3 {
  readonly imageWasm3: Figures["imageWasm3"];
}

export function renderFootprintPage(
  figures: Figures,
  costs: readonly OptionCost[],
  other: OtherWasm3 | undefined,
): string {
  const options = Object.entries(EQUAL_FEATURES).map(([name, value]) => `${name}=${value}`);
  const otherText =
    other === undefined
      ? ""
      : `\nWith the wasm3 of \`WASM3_DIR\` the image has ${number(other.imageWasm3.flash)} bytes of flash and ${number(other.imageWasm3.ram)} of RAM.\n`;
  return `${OPEN}${JSON.stringify(figures)}${CLOSE}
# Footprint

Written by \`npm run bench:firmware\`; do not edit. The command measures everything anew, compares it
with this page and fails when a figure has grown by more than 2 % (\`--accept\` takes it) or is above
what was accepted. Instructions and bytes are those of a Cortex-M4; they are the same in every run.

| what | the agent that Picket replaces | Picket | accepted | aim | |
|---|---|---|---|---|---|
${budgetRows(figures)}
${otherText}
## How it is counted

- **Machine.** QEMU \`mps2-an386\` with \`-icount shift=0\`: an instruction takes one nanosecond of the
  machine's time, so its timer ticks once in 40 instructions. Instructions, not cycles. Short pieces
  are counted in 400 rounds that begin at different instructions of a tick. \`boards/bench/main.c\` is
  the whole program.
- **Stimulus.** TCP packets of 32 flows that are in the table, each once per round: IPv4, 12 bytes of
  TCP options, 48 of data, addresses aligned to words. All of a round wait in the ring when
  \`picket_poll\` is called once (\`RING_SLOTS=32\`). The callee is reached through a pointer. The
  replaced agent was measured with the same stimulus; its figures contain about 8 instructions of loop,
  ours have the same loop with an empty callee (11 to 13 instructions) subtracted.
- **Packet path.** \`picket_packet\` in either direction, for packets of which 40, 52 and 100 bytes lie
  in one piece: the dearest counts. It runs in the network thread, all else in the agent's.
- **All work per packet.** The packet path and its share of \`picket_poll\`, which takes the packets
  from the ring into the flow table; the dearer direction counts.
- **Collection.** \`picket_flush\` and the \`picket_poll\` after it: 64 flows are collected, encoded and
  handed to a publish function that copies the message, as the replaced agent's was measured.
- **Equal features.** Heartbeat, system information and flows: \`${options.join(" ")}\`, the C kit with
  \`${EQUAL_DEFINES.join(" ")}\`. The agent alone is linked with \`-nostdlib --gc-sections\` from the
  functions of \`picket.h\`: C kit, back end and translated core; C with \`-Os\`, the core with \`-O2\`,
  as in all other figures. RAM is .data and .bss, linear memory included; stacks are not in it, as in
  the replaced agent's figure.
- **Image.** The firmware of \`boards/firmware\` with wasm3, newlib's memory functions and the serial
  protocol; flash with the slot image of the core; RAM is .data, .bss, and heap and stack as far as the
  bench program used them.
- **Everything.** \`FULL_OPTIONS\` of \`boards/feature-sets.ts\`: all collectors, twin, flash store and
  opt-out; sizes have their defaults.
- **Messages.** Of the bench program: a heartbeat alone after the start; a message with 64 flows less
  one with 1 flow, divided by 63.

\`picket config BOARD\` counts a board's agent in the same way, with one difference: wasm3's heap is the
one after *every* function was compiled, the most that it can ever be.

## What options cost

Bytes, by building the core of default options with and without each: of the module, of the code when
it is translated and compiled (Cortex-M4, \`-O2\`), of linear memory. Under wasm3 a byte of the module
takes about 4 bytes of heap more once it has run. Collectors of observations share their code: the
first one costs, the others take only a bit in a mask.

| option | module | code | linear memory |
|---|---|---|---|
${costRows(costs)}
`;
}

/** The figures that a page of before has; undefined: none. */
export function readFigures(page: string): Figures | undefined {
  if (!page.startsWith(OPEN)) return undefined;
  return JSON.parse(page.slice(OPEN.length, page.indexOf(CLOSE)));
}
