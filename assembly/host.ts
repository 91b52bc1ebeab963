/**
 * Takes one part of a message. Parts of one message come in order and without pause; the host
 * copies before it returns and sends when the last part is there. It answers later through
 * `published`, never from within.
 *
 * @param id names the message until `published`
 * @param more 1: further parts follow, 0: the last one
 * @returns OK, or E_BUSY (the message is offered again later, from its start)
 */
export declare function publish(id: u32, pointer: usize, bytes: u32, more: u32): i32;

/**
 * Reads from the flash partition; done when it returns.
 *
 * @param address within the partition, B
 * @returns OK or E_FLASH
 */
export declare function flash_read(address: u32, pointer: usize, bytes: u32): i32;

/**
 * Programs whole program units that were erased before and not programmed since.
 *
 * @param address within the partition, a multiple of the program unit, as is `bytes`
 * @returns OK when it is done; PENDING when `flash_done` will tell, until then the bytes stay; or
 *   E_FLASH
 */
export declare function flash_program(address: u32, pointer: usize, bytes: u32): i32;

/**
 * Erases the sector that begins at `address` to ones.
 *
 * @returns as flash_program
 */
export declare function flash_erase(address: u32): i32;

/**
 * Takes one part of the module twin's reported properties, a JSON document in UTF-8: parts as for
 * `publish`. The document is whole: it replaces what was reported before.
 *
 * @param more 1: further parts follow, 0: the last one
 * @returns OK, or E_BUSY (the report is offered again later, from its start)
 */
export declare function report(pointer: usize, bytes: u32, more: u32): i32;
