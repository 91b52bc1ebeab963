/** What each option costs, by building the core with and without it. */
import { buildCore } from "./build.ts";
import { type CoreSize, measureCore } from "./core-size.ts";
import { type CodeOptions, measureCode } from "./footprint-code.ts";
import { OPTIONS, type Option, type OptionName, type Options } from "./options.ts";

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

interface Measured extends CoreSize {
  readonly codeBytes: number | undefined;
}

const TABLE = Object.entries(OPTIONS) as readonly [OptionName, Option][];

/** Options that bring something at their values, in the table's order. */
export function pricedOptions(options: Options): OptionName[] {
  return TABLE.filter(([name, option]) => options[name] > option.min)
    .filter(([name]) => name !== "STORE_SECTORS_MAX" || options.STORE_FLASH !== 0)
    .map(([name]) => name);
}

/** The same options without one, and without those that need it. */
export function withoutOption(
  options: Options,
  name: OptionName,
): { readonly options: Options; readonly together: readonly OptionName[] } {
  const left: Record<OptionName, number> = { ...options, [name]: OPTIONS[name].min };
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
  if (name === "STORE_BYTES") left.EVENT_BYTES_MAX = OPTIONS.EVENT_BYTES_MAX.min;
  return { options: left, together };
}

async function measure(options: Options, code: CostOptions["code"]): Promise<Measured> {
  const { wasm } = await buildCore(options);
  const size = measureCore(wasm);
  const codeBytes = code === undefined ? undefined : await measureCode({ ...code, wasm, size });
  return { ...size, codeBytes };
}

/**
 * Builds once for each option; builds of before are taken from `build/`.
 *
 * @throws Error with one line when a core does not compile
 */
export async function measureCosts(given: CostOptions): Promise<OptionCost[]> {
  const { options, code, onProgress } = given;
  const whole = await measure(options, code);
  const names = pricedOptions(options);
  const costs: OptionCost[] = [];
  for (const [done, name] of names.entries()) {
    onProgress?.(done, names.length);
    const { options: without, together } = withoutOption(options, name);
    // Where leaving it out changed another size, that is added to both sides.
    const base =
      name === "STORE_BYTES" && without.EVENT_BYTES_MAX !== options.EVENT_BYTES_MAX
        ? await measure({ ...options, EVENT_BYTES_MAX: without.EVENT_BYTES_MAX }, code)
        : whole;
    const rest = await measure(without, code);
    costs.push({
      name,
      value: options[name],
      without: OPTIONS[name].min,
      together,
      wasmBytes: base.wasmBytes - rest.wasmBytes,
      memoryBytes: base.memoryBytes - rest.memoryBytes,
      codeBytes:
        base.codeBytes === undefined || rest.codeBytes === undefined
          ? undefined
          : base.codeBytes - rest.codeBytes,
    });
  }
  return costs;
}
