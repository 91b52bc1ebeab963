/** What each option costs, by building the core with and without it. */
import { buildCore } from "./build.ts";
import { measureCore } from "./core-size.ts";
import { type CodeOptions, measureCode } from "./footprint-code.ts";
import { OPTIONS, type Option, type OptionName, type Options } from "./options.ts";
import { storeBytesMin } from "./options-check.ts";

/** Bytes that an option takes at its value. */
export interface OptionCost {
  readonly name: OptionName;
  readonly value: number;
  /** What it was compared with: its smallest value, or off. */
  readonly without: number;
  /** Options that had to be left out with it, because they need it. */
  readonly together: readonly OptionName[];
  /** Difference of the module. */
  readonly wasmBytes: number;
  /** Difference of the linear memory. */
  readonly memoryBytes: number;
  /** Difference of the translated code; undefined when it is not compiled. */
  readonly codeBytes: number | undefined;
}

export interface CostOptions {
  readonly options: Options;
  /** To compile the core ahead of time as well; undefined: no code is compiled. */
  readonly code?: Pick<CodeOptions, "cpu" | "optimization"> | undefined;
  readonly onProgress?: ((done: number, all: number) => void) | undefined;
}

const TABLE = Object.entries(OPTIONS) as readonly [OptionName, Option][];

/** Options that bring something at their values, in the table's order. */
export function pricedOptions(options: Options): OptionName[] {
  return TABLE.filter(([name, option]) => options[name] > leastOf(options, name, option))
    .filter(([name, { costs }]) => costs !== "nothing" && isUsed(options, name))
    .map(([name]) => name);
}

function isUsed(options: Options, name: OptionName): boolean {
  return name !== "STORE_SECTORS_MAX" || options.STORE_FLASH !== 0;
}

/** The smallest value that the others leave possible. */
function leastOf(options: Options, name: OptionName, { min }: Option): number {
  return name === "STORE_BYTES" ? Math.max(min, storeBytesMin(options.EVENT_BYTES_MAX)) : min;
}

/** The same options without one, and without those that need it. */
export function withoutOption(
  options: Options,
  name: OptionName,
): { readonly options: Options; readonly together: readonly OptionName[] } {
  const least = leastOf(options, name, OPTIONS[name]);
  const left: Record<OptionName, number> = { ...options, [name]: least };
  const together: OptionName[] = [];
  for (let isSettled = false; !isSettled; ) {
    isSettled = true;
    for (const [other, { needs }] of TABLE) {
      if (left[other] === 0 || needs === undefined) continue;
      if (needs.some((needed) => left[needed as OptionName] !== 0)) continue;
      left[other] = 0;
      together.push(other);
      isSettled = false;
    }
  }
  return { options: left, together };
}

/**
 * Builds once for each option; builds of before are taken from `build/`.
 *
 * @throws Error with one line when a core does not compile
 */
export async function measureCosts(given: CostOptions): Promise<OptionCost[]> {
  const { options, code, onProgress } = given;
  const wholeWasm = (await buildCore(options)).wasm;
  const whole = measureCore(wholeWasm);
  const wholeCode = code && measureCode({ ...code, wasm: wholeWasm, size: whole });
  const names = pricedOptions(options);
  const costs: OptionCost[] = [];
  for (const [done, name] of names.entries()) {
    onProgress?.(done, names.length);
    const { options: without, together } = withoutOption(options, name);
    const { wasm } = await buildCore(without);
    const size = measureCore(wasm);
    // Sizes of tables change constants in the code, no more: only RAM is told of them.
    const isCode = OPTIONS[name].costs !== "RAM" && size.wasmBytes !== whole.wasmBytes;
    const left = code && isCode ? measureCode({ ...code, wasm, size }) : wholeCode;
    costs.push({
      name,
      value: options[name],
      without: without[name],
      together,
      wasmBytes: OPTIONS[name].costs === "RAM" ? 0 : whole.wasmBytes - size.wasmBytes,
      memoryBytes: whole.memoryBytes - size.memoryBytes,
      codeBytes: wholeCode === undefined || left === undefined ? undefined : wholeCode - left,
    });
  }
  return [
    ...costs.filter(isDear),
    ...(await measureTogether(
      costs.filter((c) => !isDear(c)),
      given,
    )),
  ];
}

const isDear = (cost: OptionCost) => cost.wasmBytes !== 0 || cost.memoryBytes !== 0;

/** Options that cost nothing one by one share their code: what they cost together. */
async function measureTogether(
  cheap: readonly OptionCost[],
  { options, code }: CostOptions,
): Promise<OptionCost[]> {
  const [first, ...others] = cheap.filter((cost) => (OPTIONS[cost.name] as Option).max === 1);
  if (first === undefined) return [...cheap];
  let left: Options = options;
  for (const { name } of [first, ...others]) left = withoutOption(left, name).options;
  const [with_, without] = await Promise.all([buildCore(options), buildCore(left)]);
  const [whole, rest] = [measureCore(with_.wasm), measureCore(without.wasm)];
  const codeOf = (wasm: Uint8Array, size: typeof whole) =>
    code === undefined ? 0 : measureCode({ ...code, wasm, size });
  const codeBytes = codeOf(with_.wasm, whole) - codeOf(without.wasm, rest);
  return [
    {
      ...first,
      together: others.map((cost) => cost.name),
      wasmBytes: whole.wasmBytes - rest.wasmBytes,
      memoryBytes: whole.memoryBytes - rest.memoryBytes,
      codeBytes: code === undefined ? undefined : codeBytes,
    },
  ];
}
