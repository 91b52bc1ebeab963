import { crc32 } from "node:zlib";
import type { TelemetryMessage } from "../telemetry.ts";

/**
 * A record of the telemetry log, little endian:
 *
 *     u32 bytes of all that follows the first eight   u32 CRC-32 of it
 *     u8 partition   f64 sequence number   f64 enqueued time, ms   u32 bytes of the JSON
 *     JSON {d, m?, s, a}   body
 */
export const HEADER_BYTES = 8;
const FIXED_BYTES = 1 + 8 + 8 + 4;
/** No real partition: the sequence numbers at the start of a segment. */
export const PARTITION_MARK = 255;

/** What of a message goes into the JSON part; without the enqueued time. */
export type MessageHead = Pick<
  TelemetryMessage,
  "deviceId" | "moduleId" | "systemProperties" | "applicationProperties"
>;

interface Head {
  readonly d: string;
  readonly m?: string;
  readonly s: Readonly<Record<string, string>>;
  readonly a: Readonly<Record<string, string | null>>;
}

/** Place of one record in a block, with what can be told without decoding it. */
export interface RecordView {
  readonly at: number;
  /** All bytes of the record. */
  readonly bytes: number;
  readonly partition: number;
  readonly sequenceNumber: number;
  readonly timeMs: number;
}

/** Bytes that a record with such a JSON part and body takes. */
export function encodedBytes(headBytes: number, bodyBytes: number): number {
  return HEADER_BYTES + FIXED_BYTES + headBytes + bodyBytes;
}

/** Writes a record into `block` at `at`; it must have room for `encodedBytes`. */
export function encodeRecord(
  block: Buffer,
  at: number,
  place: { readonly partition: number; readonly sequenceNumber: number; readonly timeMs: number },
  head: Uint8Array,
  body: Uint8Array,
): void {
  const end = at + encodedBytes(head.length, body.length);
  block.writeUInt32LE(end - at - HEADER_BYTES, at);
  block.writeUInt8(place.partition, at + 8);
  block.writeDoubleLE(place.sequenceNumber, at + 9);
  block.writeDoubleLE(place.timeMs, at + 17);
  block.writeUInt32LE(head.length, at + 25);
  block.set(head, at + HEADER_BYTES + FIXED_BYTES);
  block.set(body, end - body.length);
  block.writeUInt32LE(crc32(block.subarray(at + HEADER_BYTES, end)), at + 4);
}

/** The JSON part of a message's record: all that does not change from message to message. */
export function encodeHead(message: MessageHead): Buffer {
  const head: Head = {
    d: message.deviceId,
    ...(message.moduleId === null ? {} : { m: message.moduleId }),
    s: message.systemProperties,
    a: message.applicationProperties,
  };
  return Buffer.from(JSON.stringify(head), "utf8");
}

/** Bytes of the record that starts at `at`; 0: its length is not in the block. */
export function recordBytes(block: Buffer, at: number): number {
  return at + HEADER_BYTES > block.length ? 0 : block.readUInt32LE(at) + HEADER_BYTES;
}

/** Null: the record is not whole in the block, or (`check`) damaged. */
export function viewRecord(block: Buffer, at: number, check: boolean): RecordView | null {
  const bytes = recordBytes(block, at);
  if (bytes < HEADER_BYTES + FIXED_BYTES || at + bytes > block.length) return null;
  if (check && crc32(block.subarray(at + HEADER_BYTES, at + bytes)) !== block.readUInt32LE(at + 4))
    return null;
  return {
    at,
    bytes,
    partition: block.readUInt8(at + 8),
    sequenceNumber: block.readDoubleLE(at + 9),
    timeMs: block.readDoubleLE(at + 17),
  };
}

export function headOf(block: Buffer, { at }: RecordView): string {
  const from = at + HEADER_BYTES + FIXED_BYTES;
  return block.toString("utf8", from, from + block.readUInt32LE(at + 25));
}

/** @param base offset of the block's first byte in the log */
export function decodeMessage(block: Buffer, view: RecordView, base: number): TelemetryMessage {
  const head = JSON.parse(headOf(block, view)) as Head;
  const from = view.at + HEADER_BYTES + FIXED_BYTES + block.readUInt32LE(view.at + 25);
  return {
    deviceId: head.d,
    moduleId: head.m ?? null,
    body: block.subarray(from, view.at + view.bytes),
    systemProperties: { ...head.s, "iothub-enqueuedtime": new Date(view.timeMs).toISOString() },
    applicationProperties: head.a,
    enqueuedTimeMs: view.timeMs,
    partition: view.partition,
    sequenceNumber: view.sequenceNumber,
    offset: base + view.at,
  };
}
