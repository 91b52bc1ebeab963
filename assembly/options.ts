// Generated from boards/options.ts by scripts/generate.ts; do not edit.

/** IPv4 flows that are kept at once; flows. */
export const FLOW_SLOTS_IPV4: u32 = 64;
/** IPv6 flows that are kept at once; 0 leaves IPv6 out; flows. */
export const FLOW_SLOTS_IPV6: u32 = 64;
/** Packets that wait between two polls; packets. */
export const RING_SLOTS: u32 = 16;
/** Bytes of an IP packet's head that are kept: IP, extension and transport headers; B. */
export const RING_HEAD_BYTES: u32 = 64;
/** Memory for events that are not yet delivered; B. */
export const STORE_BYTES: u32 = 2048;
/** Longest event; more flows than fit make a further one; B. */
export const EVENT_BYTES_MAX: u32 = 512;
/** Longest message; the hub bills in steps of 4,096 bytes; B. */
export const MESSAGE_BYTES_MAX: u32 = 4096;
