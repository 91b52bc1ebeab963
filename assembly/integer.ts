import { json, text } from "./json";

/** Bits of a binary64 significand (IEEE 754), the one in front included. */
const SIGNIFICAND_BITS: u32 = 53;

/** Digits of 2^53. */
const INTEGER_DIGITS_MAX: i32 = 16;

/**
 * Reads the number whose digits are in `text` as JSON.parse does: rounded to the nearest binary64.
 * Below 1,000 it is not exact, which is enough for sizes.
 *
 * @returns its value when that is an integer below 2^53, at most `most`; 0: it is none, or below
 *   1,000
 */
export function readInteger(most: u32): u32 {
  const point = json.point;
  if (json.is_negative || point < 4 || json.text_bytes === 0) return 0;
  if (point > INTEGER_DIGITS_MAX) return 0;
  const digits = json.text_bytes;
  let value: u64 = 0;
  for (let i: u32 = 0; i < <u32>point; i++) {
    value = value * 10 + (i < digits ? <u64>load<u8>(i, text) : 0);
  }
  const fractionBits = SIGNIFICAND_BITS - 64 + <u32>clz<u64>(value);
  if (<i32>fractionBits < 0) return 0;
  for (let i: u32 = 0; i < fractionBits; i++) value = (value << 1) | doubled(point);
  // Half of the last place, and whether there is more.
  const half = doubled(point);
  let rest = json.has_more;
  for (let i = <u32>point; i < digits; i++) rest |= load<u8>(i, text);
  if (half && (rest || value & 1)) value += 1;
  const whole = value >> fractionBits;
  if (whole << fractionBits !== value || whole >> SIGNIFICAND_BITS) return 0;
  return <u32>min<u64>(whole, most);
}

/** Doubles the fraction, the digits from `point` on. @returns what goes over the point, 0 or 1 */
function doubled(point: u32): u64 {
  let carry: u32 = 0;
  for (let i = json.text_bytes; i > point; i--) {
    const at = text + i - 1;
    const sum = <u32>load<u8>(at) * 2 + carry;
    carry = <u32>(sum > 9);
    store<u8>(at, carry ? sum - 10 : sum);
  }
  return carry;
}
