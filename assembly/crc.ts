/** CRC-32 (IEEE 802.3, reflected, polynomial 0xEDB88320) without a final complement. */

const POLYNOMIAL: u32 = 0xedb88320;

/**
 * Goes on with a CRC. Over bytes that end with their own CRC, little-endian, it gives 0.
 *
 * @param crc value so far; to begin with anything but 0
 */
export function crc32(crc: u32, from: usize, bytes: u32): u32 {
  for (const end = from + bytes; from < end; from++) {
    crc ^= <u32>load<u8>(from);
    // Bit by bit: a table would be larger than what it saves is worth.
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (POLYNOMIAL & -(crc & 1));
  }
  return crc;
}
