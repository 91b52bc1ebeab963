/**
 * The boundary between the core and what surrounds it: layouts, codes and limits, each once.
 *
 * asc, tsc and the C header generator read this file, so it holds constants only. Everything is
 * little-endian. Fields are named RECORD_FIELD and hold byte offsets; sizes end in BYTES.
 */

/** Raised when a layout, an export or an import changes its meaning. */
export const ABI_VERSION: u32 = 1;

// Results: 0 fine, negative E_*, positive a count.
export const OK: i32 = 0;
/** No room; what was offered is counted as dropped. */
export const E_FULL: i32 = -1;
/** A record, a length or a field that makes no sense; it is counted as refused. */
export const E_BAD_RECORD: i32 = -2;
/** The agent has not been started. */
export const E_NOT_STARTED: i32 = -3;
/** An id that is not in flight. */
export const E_UNKNOWN_ID: i32 = -4;
/** The other side of an import cannot take it now; the core tries again later. */
export const E_BUSY: i32 = -5;
/** Flash that does not do what it is asked. */
export const E_FLASH: i32 = -6;
/** Not an error: `flash_program` or `flash_erase` goes on, `flash_done` will tell. */
export const PENDING: i32 = 1;

/**
 * The ring of packet heads. Producers write it, the core only drains.
 *
 * A producer reserves a slot in a short critical section: when `RESERVED - DRAINED` is the number
 * of slots it adds one to DROPPED and goes its way, otherwise it adds one to RESERVED and owns
 * slot `old RESERVED % slots`. It copies the packet's head and stores the slot's first word last,
 * which hands the slot over. RESERVED and DRAINED count for ever and wrap at 2^32; the number of
 * slots is a power of two.
 */
export const RING_RESERVED: u32 = 0;
export const RING_DRAINED: u32 = 4;
export const RING_DROPPED: u32 = 8;
/** Number of slots, u16, then bytes of a head that fit into one, u16; set by the core. */
export const RING_SLOTS_COUNT: u32 = 12;
export const RING_HEAD_BYTES_MAX: u32 = 14;
export const RING_SLOTS: u32 = 16;

/**
 * First word of a slot: bit 0 handed over, bit 1 direction (0 out, 1 in), bits 2 to 15 bytes of
 * the head that were copied, bits 16 to 31 bytes of the whole IP packet (at most 65,535).
 */
export const SLOT_READY: u32 = 1;
export const SLOT_IN: u32 = 2;
export const SLOT_HEAD_SHIFT: u32 = 2;
export const SLOT_HEAD_MASK: u32 = 0x3fff;
export const SLOT_PACKET_SHIFT: u32 = 16;
/** The IP packet's head, from its first byte; slots are this plus RING_HEAD_BYTES_MAX apart. */
export const SLOT_HEAD: u32 = 4;

/** The input buffer: what the host writes before `start` and `observe`. */
export const INPUT_BYTES: u32 = 256;

/** What `start` reads from the input buffer. */
export const START_AGENT_ID: u32 = 0; // 8 bytes, random, the same for the life of the device
export const START_SEED: u32 = 8; // u32, entropy: new at every start
export const START_BUILD_ID: u32 = 12; // 4 bytes: the first of the module's SHA-256
export const START_HIGH_INTERVAL_S: u32 = 16; // u32; 0: the documented default
export const START_LOW_INTERVAL_S: u32 = 20; // u32; 0: the documented default
export const START_SNAPSHOT_INTERVAL_S: u32 = 24; // u32; 0: the documented default
export const START_FLASH_SECTOR_BYTES: u32 = 28; // u32
export const START_FLASH_SECTORS: u32 = 32; // u16; 0: no flash, events wait in memory
export const START_FLASH_PROGRAM_BYTES: u32 = 34; // u16; program unit: 1, 2, 4, 8, 16 or 32
export const START_BYTES: u32 = 36;

/**
 * Observations, for `observe`: a u16 kind, a u16 of zero, then its fields. Kinds of 256 and more
 * are here, the others are events (wire/observations.ts).
 */
export const OBSERVE_KIND: u32 = 0;
/** Cloud-to-device messages that the application's client received: u32 count. */
export const OBSERVE_CLOUD_TO_DEVICE: u32 = 256;
export const OBSERVE_CLOUD_TO_DEVICE_COUNT: u32 = 4;
export const OBSERVE_CLOUD_TO_DEVICE_BYTES: u32 = 8;
/** The product's user opts out of monitoring (u32 1) or in again (u32 0). */
export const OBSERVE_OPT_OUT: u32 = 257;
export const OBSERVE_OPT_OUT_VALUE: u32 = 4;
export const OBSERVE_OPT_OUT_BYTES: u32 = 8;

/** Sending priorities (`PRIORITY_HIGH`, `PRIORITY_LOW`): each has its own log and interval. */
export const PRIORITIES: u32 = 2;

/** Wall clock not known, for `start` and `poll`. */
export const WALL_UNKNOWN: u32 = 0;
