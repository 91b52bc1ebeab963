/**
 * The serial protocol between a host and the firmware of a QEMU board: SLIP frames (RFC 1055) of a
 * header, data and a CRC-32 (IEEE 802.3, little-endian) over both. Everything is little-endian.
 *
 * The host sends one request at a time; the board answers with any number of EVENT frames, then one
 * RESPONSE, all with the request's sequence number. To the events that ask for it the host answers
 * with one REPLY of the same number, before anything else goes on. A request that comes twice in a row (same
 * number: the answer was damaged) is answered again, but not done again. Damaged frames are dropped
 * and counted. `boards/firmware/protocol-header.ts` makes the C header of this file.
 */

export const PROTOCOL_VERSION = 3;

/** Header: u8 kind, u8 sequence, u16 code (command, event or status). */
export const HEADER_BYTES = 4;
export const CRC_BYTES = 4;
/** Most data in one frame: what the core programs into flash at once, and more. */
export const DATA_BYTES_MAX = 640;

export const KIND_REQUEST = 1;
export const KIND_RESPONSE = 2;
export const KIND_EVENT = 3;
export const KIND_REPLY = 4;

/**
 * Data: none. Answer: u32 protocol version, u32 clock Hz of the timer, u32 slot whose core runs
 * (SLOT_NONE: none), 4 bytes build id of that core, u32 what was found in each of the two slots
 * (IMAGE_* of boards/slot-layout.ts), then the board's name.
 */
export const COMMAND_INFO = 1;
/** Answers with its own data. */
export const COMMAND_ECHO = 2;
/** Answer: u32 ticks of the timer since power-on (wraps), u32 damaged frames so far. */
export const COMMAND_TICKS = 3;
/** Ends the firmware on purpose: u32 what to do (FAULT_*). No answer but EVENT_FAULT. */
export const COMMAND_FAULT = 4;

/**
 * Opens the core of the slot that runs, or the one in the firmware itself: u32 bytes of linear
 * memory, u32 bytes of wasm3's stack, u32 STORE_*. Answer: text of what is wrong, or nothing.
 */
export const COMMAND_CORE_OPEN = 16;
/**
 * Calls an export: u32 number (host/engines/engine.ts), three u32 arguments. Answer: i32 result,
 * u32 ticks that it took, then the trap's text or nothing. Imports are events.
 */
export const COMMAND_CORE_CALL = 17;
/** Linear memory: u32 address, u32 bytes. Answer: the bytes. */
export const COMMAND_MEMORY_READ = 18;
/** Linear memory: u32 address, then the bytes. */
export const COMMAND_MEMORY_WRITE = 19;
/** Answer: u32 bytes of heap, u32 bytes of stack that have ever been in use. */
export const COMMAND_USAGE = 20;
/** The store partition: u32 address, u32 bytes. Answer: the bytes. */
export const COMMAND_STORE_READ = 21;

/**
 * Opens and starts the core through the C kit, with time from the board's own timer and messages
 * as EVENT_PUBLISH: u32 bytes of linear memory, u32 bytes of wasm3's stack, u32 STORE_*. Answer:
 * i32 result, then text of what is wrong or nothing.
 */
export const COMMAND_KIT_INIT = 32;
/**
 * Offers packets to the kit: u32 direction, then each as u32 length and its bytes, filled up to
 * words. Answer: u32 ticks that it took.
 */
export const COMMAND_KIT_PACKETS = 33;
/** One poll of the kit. Answer: i32 result, u32 ticks that it took. */
export const COMMAND_KIT_POLL = 34;
/** Ends an interval: u32 priority. Answer: i32 result. */
export const COMMAND_KIT_FLUSH = 35;
/** A message was delivered: u32 id. */
export const COMMAND_KIT_ACKNOWLEDGE = 36;

/** The core's flash is the host's (events), or the board's own store partition. */
export const STORE_HOST = 0;
export const STORE_BOARD = 1;

export const SLOT_NONE = 0xffff_ffff;

export const FAULT_BAD_ADDRESS = 1;
export const FAULT_STACK = 2;

export const STATUS_OK = 0;
export const STATUS_UNKNOWN_COMMAND = 1;
export const STATUS_BAD_DATA = 2;

/** The firmware has started: data as of COMMAND_INFO. Sequence 0. */
export const EVENT_BOOT = 1;
/** A fault ended the firmware: u32 program counter, u32 fault status (CFSR). */
export const EVENT_FAULT = 2;
/**
 * The core publishes: u32 message id, u32 whether more follows, u32 bytes that the next frame still
 * brings of this call, then bytes. Reply, when it is none: i32 result.
 */
export const EVENT_PUBLISH = 3;
export const PUBLISH_HEAD_BYTES = 12;

/** The core reports its configuration: u32 more, u32 bytes still to come, then bytes. Reply: so. */
export const EVENT_REPORT = 4;
export const REPORT_HEAD_BYTES = 8;
/** The core reads flash: u32 address, u32 bytes. Reply: i32 result, then the bytes. */
export const EVENT_FLASH_READ = 5;
/** The core programs flash: u32 address, then the bytes. Reply: i32 result. */
export const EVENT_FLASH_PROGRAM = 6;
/** The core erases a sector: u32 address. Reply: i32 result. */
export const EVENT_FLASH_ERASE = 7;

/** SLIP. */
export const SLIP_END = 0xc0;
export const SLIP_ESC = 0xdb;
export const SLIP_ESC_END = 0xdc;
export const SLIP_ESC_ESC = 0xdd;
