/**
 * The image in a core slot: a head, then the module. Little-endian; fields hold byte offsets. The C
 * header generator reads this file, so it holds constants only.
 */

/** "PCKT". */
export const IMAGE_MAGIC = 0x544b_4350;
/** Raised when the head changes. */
export const IMAGE_FORMAT = 1;

export const IMAGE_AT_MAGIC = 0; // u32
export const IMAGE_AT_FORMAT = 4; // u16
export const IMAGE_AT_ABI = 6; // u16, the core's ABI_VERSION
/** u32: of two valid slots the later one runs; counts up with every flashing and wraps. */
export const IMAGE_AT_SEQUENCE = 8;
export const IMAGE_AT_LENGTH = 12; // u32, of the module
export const IMAGE_AT_BUILD_ID = 16; // 4 bytes, the first of the module's own SHA-256
export const IMAGE_AT_ZERO = 20; // 12 bytes
/** SHA-256 of the head before it and of the module. */
export const IMAGE_AT_DIGEST = 32;
export const IMAGE_HEAD_BYTES = 64;

/** What a look at a slot finds. */
export const IMAGE_VALID = 0;
export const IMAGE_EMPTY = 1;
export const IMAGE_NO_MAGIC = 2;
export const IMAGE_OTHER_FORMAT = 3;
export const IMAGE_OTHER_ABI = 4;
export const IMAGE_BAD_LENGTH = 5;
export const IMAGE_BAD_DIGEST = 6;
