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
