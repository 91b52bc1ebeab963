/** Whether values of options can be. */
import type { Option, Options } from "./options.ts";

/** Before and after an event in the store: head, CRC and the longest program unit. */
const STORE_EVENT_EXTRA_BYTES = 42;
/** Of a message, beside its events. */
const MESSAGE_HEAD_BYTES = 64;

const roundUp = (bytes: number) => Math.ceil(bytes / 4) * 4;

/** The smallest STORE_BYTES that holds an event of this size. */
export function storeBytesMin(eventBytesMax: number): number {
  return roundUp(eventBytesMax + STORE_EVENT_EXTRA_BYTES);
}

/** @throws Error with one line when a value is out of range or against its rule */
export function checkValue(name: string, option: Option, value: number): void {
  if (!Number.isInteger(value) || value < option.min || value > option.max) {
    throw new Error(
      `option ${name}: ${value} is not a whole number of ${option.min} to ${option.max} ${option.unit}`,
    );
  }
  if (option.rule === "power of two" && (value & (value - 1)) !== 0) {
    throw new Error(`option ${name}: ${value} is not a power of two`);
  }
  if (option.rule === "multiple of 4" && value % 4 !== 0) {
    throw new Error(`option ${name}: ${value} is not a multiple of 4`);
  }
}

/** @throws Error with one line that says what to do, for options that are each in range */
export function checkContradiction(
  table: Readonly<Record<string, Option>>,
  options: Options,
): void {
  const all: Readonly<Record<string, number>> = options;
  for (const [name, { needs }] of Object.entries(table)) {
    if (all[name] === 0 || needs === undefined || needs.some((other) => all[other] !== 0)) continue;
    throw new Error(
      `option ${name}: ${all[name]} needs ${needs.join(" or ")}, which is 0: set ${name}=0 as well`,
    );
  }
  const longest = `EVENT_BYTES_MAX ${options.EVENT_BYTES_MAX}`;
  const storeMin = storeBytesMin(options.EVENT_BYTES_MAX);
  if (options.STORE_BYTES < storeMin) {
    throw new Error(
      `option STORE_BYTES: ${options.STORE_BYTES} does not hold an event of ${longest}: give ${storeMin} or more`,
    );
  }
  const messageMin = options.EVENT_BYTES_MAX + MESSAGE_HEAD_BYTES;
  if (options.MESSAGE_BYTES_MAX >= messageMin) return;
  throw new Error(
    `option MESSAGE_BYTES_MAX: ${options.MESSAGE_BYTES_MAX} does not hold an event of ${longest}: give ${roundUp(messageMin)} or more`,
  );
}
