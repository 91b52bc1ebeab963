/**
 * Reads FlatBuffers that nobody vouches for: every offset, vtable, vector and string is checked
 * before it is followed. Layout: the FlatBuffers "Internals" document; little-endian throughout.
 *
 * Signed table-to-vtable offsets are followed either way: flatcc puts vtables at the end.
 * Alignment is not checked, for reading bytes needs none. Strings need their terminating NUL;
 * bytes in them that are not UTF-8 become U+FFFD, so that one odd name loses no message.
 *
 * Bounds. Offsets to tables, vectors and strings only point forward and the schema has a fixed
 * depth, so nothing is followed for ever; but many offsets may share one target. So each visit
 * is charged with the size of what is visited (a table's inline part, a vector's or string's
 * bytes), and all visits together may cost `SHARING_MAX` times the buffer. Honest writers that
 * share nothing pay once for each byte. Time and the memory of the result are therefore linear
 * in the size of the input, whatever the offsets say.
 */
import { WireError } from "./events.ts";

/** How often, on average, each byte may be visited. */
const SHARING_MAX = 4;
/** FlatBuffers limits a buffer to 2 GiB, a signed offset's reach. */
const BUFFER_BYTES_MAX = 0x7fff_ffff;

const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** One buffer being read, and how many bytes of visits are left. */
export interface FlatBuffer {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  visitBytesLeft: number;
}

/** A checked table: `at` and `vtable` are offsets of bytes that are inside the buffer. */
export interface Table {
  readonly buffer: FlatBuffer;
  readonly at: number;
  readonly bytes: number;
  readonly vtable: number;
  readonly vtableBytes: number;
}

/** A checked vector; `at` is the offset of its first element. */
export interface Vector {
  readonly buffer: FlatBuffer;
  readonly at: number;
  readonly count: number;
}

/** The root table. @throws WireError */
export function readRoot(bytes: Uint8Array): Table {
  if (bytes.length > BUFFER_BYTES_MAX) throw new WireError("the buffer is larger than 2 GiB");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const buffer: FlatBuffer = { bytes, view, visitBytesLeft: bytes.length * SHARING_MAX };
  return tableAt(buffer, follow(buffer, 0, "root"), "root");
}

/**
 * The position of a field's value; 0 when the field is absent.
 *
 * @param id index in the vtable
 * @param size of the value as stored inline, bytes
 * @throws WireError when the vtable places it outside the table
 */
export function fieldAt(table: Table, id: number, size: number): number {
  const slot = 4 + 2 * id;
  if (slot + 2 > table.vtableBytes) return 0;
  const offset = table.buffer.view.getUint16(table.vtable + slot, true);
  if (offset === 0) return 0;
  if (offset < 4 || offset + size > table.bytes) {
    damaged(`field ${id} of the table at byte ${table.at} lies outside it`, table.vtable + slot);
  }
  return table.at + offset;
}

/** The table that a field refers to; null when the field is absent. @throws WireError */
export function tableField(table: Table, id: number, what: string): Table | null {
  const at = fieldAt(table, id, 4);
  return at === 0 ? null : tableAt(table.buffer, follow(table.buffer, at, what), what);
}

/** The vector that a field refers to; null when the field is absent. @throws WireError */
export function vectorField(
  table: Table,
  id: number,
  elementBytes: number,
  what: string,
): Vector | null {
  const { buffer } = table;
  const at = fieldAt(table, id, 4);
  if (at === 0) return null;
  const start = follow(buffer, at, what);
  const count = buffer.view.getUint32(start, true);
  if (count * elementBytes > buffer.bytes.length - start - 4) {
    damaged(`${what}: a vector of ${count} elements runs past the end`, start);
  }
  visit(buffer, 4 + count * elementBytes, start);
  return { buffer, at: start + 4, count };
}

/** Reads each table of a vector of tables; null when the field is absent. @throws WireError */
export function tablesField<T>(
  table: Table,
  id: number,
  what: string,
  read: (element: Table) => T,
): T[] | null {
  const vector = vectorField(table, id, 4, what);
  if (vector === null) return null;
  const { buffer } = vector;
  const elements: T[] = [];
  for (let i = 0; i < vector.count; i++) {
    const element = follow(buffer, vector.at + 4 * i, what);
    elements.push(read(tableAt(buffer, element, what)));
  }
  return elements;
}

/** The string that a field refers to; null when the field is absent. @throws WireError */
export function stringField(table: Table, id: number, what: string): string | null {
  const { buffer } = table;
  const at = fieldAt(table, id, 4);
  if (at === 0) return null;
  const start = follow(buffer, at, what);
  const length = buffer.view.getUint32(start, true);
  if (length + 1 > buffer.bytes.length - start - 4) {
    damaged(`${what}: a string of ${length} bytes runs past the end`, start);
  }
  if (buffer.bytes[start + 4 + length] !== 0) {
    damaged(`${what}: the string does not end with NUL`, start + 4 + length);
  }
  visit(buffer, 4 + length + 1, start);
  const text = buffer.bytes.subarray(start + 4, start + 4 + length);
  return UTF8.decode(text);
}

/** Ends the reading. @param at offset of the damage, bytes */
export function damaged(what: string, at: number): never {
  throw new WireError(`${what} (byte ${at})`);
}

/** The target of the unsigned offset at `at`, which has room for at least four bytes. */
function follow(buffer: FlatBuffer, at: number, what: string): number {
  const end = buffer.bytes.length;
  if (at + 4 > end) damaged(`${what}: the offset is cut off`, at);
  const offset = buffer.view.getUint32(at, true);
  const target = at + offset;
  if (offset === 0) damaged(`${what}: the offset refers to itself`, at);
  if (target + 4 > end) {
    damaged(`${what}: the offset leads to byte ${target} of a buffer of ${end} bytes`, at);
  }
  return target;
}

function tableAt(buffer: FlatBuffer, at: number, what: string): Table {
  const end = buffer.bytes.length;
  const vtable = at - buffer.view.getInt32(at, true);
  if (vtable < 0 || vtable + 4 > end) {
    damaged(`${what}: the table's vtable would be at byte ${vtable} of ${end}`, at);
  }
  const vtableBytes = buffer.view.getUint16(vtable, true);
  const tableBytes = buffer.view.getUint16(vtable + 2, true);
  if (vtableBytes < 4 || vtableBytes % 2 !== 0 || vtable + vtableBytes > end) {
    damaged(`${what}: a vtable of ${vtableBytes} bytes cannot be`, vtable);
  }
  if (tableBytes < 4 || at + tableBytes > end) {
    damaged(`${what}: a table of ${tableBytes} bytes at byte ${at} cannot be`, vtable + 2);
  }
  visit(buffer, tableBytes, at);
  return { buffer, at, bytes: tableBytes, vtable, vtableBytes };
}

function visit(buffer: FlatBuffer, bytes: number, at: number): void {
  buffer.visitBytesLeft -= bytes;
  if (buffer.visitBytesLeft < 0) damaged("too many offsets share the same bytes", at);
}
