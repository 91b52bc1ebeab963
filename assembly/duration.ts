import { json, text } from "./json";
import { TWIN } from "./options";
import { DURATION_CHARS_MAX, INTERVAL_S_MAX } from "./twin-table";

/** "WDTHMS": weeks, days, and behind a T hours, minutes and seconds; the length of each, s. */
const UNITS: usize = TWIN ? memory.data<u8>([0x57, 0x44, 0x54, 0x48, 0x4d, 0x53]) : 0;
const SECONDS: usize = TWIN ? memory.data<u32>([604800, 86400, 0, 3600, 60, 1]) : 0;
const UNITS_COUNT: u32 = 6;
const TIME: u32 = 2;

/**
 * Reads `text` as an ISO 8601 duration: weeks, or days, hours, minutes and seconds (`PT7M`,
 * `P1DT12H`, `P1W`), each at most once and in this order. No years or months, whose length is not
 * fixed, no fractions.
 *
 * @returns s, INTERVAL_S_MAX + 1 for all that is longer; 0: it is none, or no time at all
 */
export function readDuration(): u32 {
  const bytes = json.text_bytes;
  if (bytes > DURATION_CHARS_MAX || load<u8>(text) !== 0x50) return 0;
  let sum: u64 = 0;
  let count: u32 = 0;
  let hasDigits = false;
  let least: u32 = 0;
  for (let i: u32 = 1; i < bytes; i++) {
    const byte = <u32>load<u8>(i, text);
    const digit = byte - 0x30;
    if (digit <= 9) {
      count = min<u32>(count * 10 + digit, INTERVAL_S_MAX + 1);
      hasDigits = true;
      continue;
    }
    let unit = least;
    while (unit < UNITS_COUNT && load<u8>(unit, UNITS) !== byte) unit++;
    if (unit === UNITS_COUNT || (unit === TIME) === hasDigits) return 0;
    if (least <= TIME && unit > TIME) return 0;
    sum += <u64>count * load<u32>(unit << 2, SECONDS);
    least = unit ? unit + 1 : UNITS_COUNT;
    count = 0;
    hasDigits = false;
  }
  if (hasDigits || least === TIME + 1) return 0;
  return <u32>min<u64>(sum, INTERVAL_S_MAX + 1);
}
