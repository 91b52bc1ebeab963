/** SLIP frames with a CRC-32; the other side is `boards/firmware/frame.c`. */
import { crc32 } from "node:zlib";
import {
  CRC_BYTES,
  DATA_BYTES_MAX,
  HEADER_BYTES,
  SLIP_END,
  SLIP_ESC,
  SLIP_ESC_END,
  SLIP_ESC_ESC,
} from "./protocol.ts";

export interface Frame {
  /** KIND_* */
  readonly kind: number;
  readonly sequence: number;
  /** Command, event or status. */
  readonly code: number;
  readonly data: Uint8Array;
}

/** @throws Error when there is more than DATA_BYTES_MAX of data */
export function encodeFrame({ kind, sequence, code, data }: Frame): Uint8Array {
  if (data.length > DATA_BYTES_MAX) throw new Error(`${data.length} bytes do not fit a frame`);
  const plain = Buffer.alloc(HEADER_BYTES + data.length + CRC_BYTES);
  plain.writeUInt8(kind, 0);
  plain.writeUInt8(sequence, 1);
  plain.writeUInt16LE(code, 2);
  plain.set(data, HEADER_BYTES);
  const end = plain.length - CRC_BYTES;
  plain.writeUInt32LE(crc32(plain.subarray(0, end)), end);
  const out = [SLIP_END];
  for (const byte of plain) {
    if (byte === SLIP_END) out.push(SLIP_ESC, SLIP_ESC_END);
    else if (byte === SLIP_ESC) out.push(SLIP_ESC, SLIP_ESC_ESC);
    else out.push(byte);
  }
  out.push(SLIP_END);
  return Uint8Array.from(out);
}

export interface FrameReader {
  /** Takes one byte; a whole, undamaged frame when it ends one. */
  push(byte: number): Frame | undefined;
  /** Frames dropped for their length, escapes or CRC. */
  damaged(): number;
}

const FRAME_BYTES_MAX = HEADER_BYTES + DATA_BYTES_MAX + CRC_BYTES;

export function createFrameReader(): FrameReader {
  const bytes = Buffer.alloc(FRAME_BYTES_MAX);
  let length = 0;
  let isEscaped = false;
  let isDamaged = false;
  let damaged = 0;

  function complete(): Frame | undefined {
    const end = length - CRC_BYTES;
    const isEmpty = length === 0 && !isDamaged && !isEscaped;
    const isWhole =
      !isDamaged &&
      !isEscaped &&
      end >= HEADER_BYTES &&
      crc32(bytes.subarray(0, end)) === bytes.readUInt32LE(end);
    length = 0;
    isEscaped = false;
    isDamaged = false;
    if (isEmpty) return undefined;
    if (!isWhole) {
      damaged += 1;
      return undefined;
    }
    return {
      kind: bytes.readUInt8(0),
      sequence: bytes.readUInt8(1),
      code: bytes.readUInt16LE(2),
      data: Uint8Array.from(bytes.subarray(HEADER_BYTES, end)),
    };
  }

  return {
    damaged: () => damaged,
    push(byte) {
      if (byte === SLIP_END) return complete();
      let plain = byte;
      if (isEscaped) {
        isEscaped = false;
        if (byte === SLIP_ESC_END) plain = SLIP_END;
        else if (byte === SLIP_ESC_ESC) plain = SLIP_ESC;
        else isDamaged = true;
      } else if (byte === SLIP_ESC) {
        isEscaped = true;
        return undefined;
      }
      if (length >= FRAME_BYTES_MAX) isDamaged = true;
      else bytes[length++] = plain;
      return undefined;
    },
  };
}
