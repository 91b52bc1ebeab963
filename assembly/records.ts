// Generated from wire/observations.ts by scripts/generate.ts; do not edit.

/** Kinds of observed events: from here on, without gap. */
export const RECORD_KIND_MIN: u32 = 11;
export const RECORD_KIND_MAX: u32 = 21;
/** Longest record, B. */
export const RECORD_BYTES_MAX: u32 = 228;
/** Bit n: kind n is a snapshot's. */
export const SNAPSHOT_KINDS: u32 = 4128768;
/** A byte for each field, kind by kind. */
export const fields: usize = memory.data<u8>([1, 1, 0, 225, 4, 4, 2, 2, 24, 40, 40, 72, 2, 3, 40, 2, 1, 1, 225, 23, 4, 23, 40, 40, 2, 2, 228, 47, 128, 1, 0, 4, 24, 40, 56, 104, 1, 225, 226, 226, 24, 24, 56, 24, 56, 24, 16, 32, 32, 56, 226, 227, 30, 104, 72, 2, 2, 32, 24, 32, 24, 40, 24, 24, 32, 40, 24]);
/** Of each kind: its first field; one more at the end. */
export const starts: usize = memory.data<u8>([0, 6, 12, 15, 24, 29, 32, 36, 47, 50, 55, 67]);
/** Of each kind: bytes of a record, and where what equal events share begins. */
export const sizes: usize = memory.data<u8>([44, 156, 44, 124, 172, 24, 196, 180, 100, 188, 228]);
export const shared: usize = memory.data<u8>([6, 12, 8, 4, 4, 4, 4, 4, 4, 4, 4]);
/** The record that the core makes itself: offsets and length. */
export const CONNECTION_CREATE_LOCAL_PORT: u32 = 4;
export const CONNECTION_CREATE_REMOTE_PORT: u32 = 6;
export const CONNECTION_CREATE_PROTOCOL: u32 = 8;
export const CONNECTION_CREATE_DIRECTION: u32 = 9;
export const CONNECTION_CREATE_LOCAL_ADDRESS: u32 = 10;
export const CONNECTION_CREATE_REMOTE_ADDRESS: u32 = 27;
export const CONNECTION_CREATE_BYTES: u32 = 44;
