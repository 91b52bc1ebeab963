/** CRC-32 (IEEE 802.3, reflected, polynomial 0xEDB88320) without a final complement. */

// One entry for each nibble. In a function, so that it is left out with it.
function table(): usize {
  return memory.data<u32>([
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
  ]);
}

function nibble(crc: u32): u32 {
  return (crc >> 4) ^ load<u32>(table() + ((crc & 15) << 2));
}

/**
 * Goes on with a CRC. Over bytes that end with their own CRC, little-endian, it gives 0.
 *
 * @param crc value so far; to begin with anything but 0
 */
export function crc32(crc: u32, from: usize, bytes: u32): u32 {
  for (const end = from + bytes; from < end; from++) {
    crc = nibble(nibble(crc ^ <u32>load<u8>(from)));
  }
  return crc;
}
