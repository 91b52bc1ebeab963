/** Slot images: made, read, and chosen as the firmware does. */
import { createHash } from "node:crypto";
import * as layout from "./slot-layout.ts";

export interface SlotImage {
  readonly abiVersion: number;
  readonly sequence: number;
  /** 8 hexadecimal digits. */
  readonly buildId: string;
  readonly wasm: Uint8Array;
}

/** Why a slot has no image that runs. */
export const IMAGE_FAULTS: Readonly<Record<number, string>> = {
  [layout.IMAGE_EMPTY]: "empty",
  [layout.IMAGE_NO_MAGIC]: "no core image",
  [layout.IMAGE_OTHER_FORMAT]: "another image format",
  [layout.IMAGE_OTHER_ABI]: "another ABI version",
  [layout.IMAGE_BAD_LENGTH]: "a length that does not fit",
  [layout.IMAGE_BAD_DIGEST]: "a wrong digest",
};

const ERASED = 0xffff_ffff;

/** First bytes of the module's SHA-256, hexadecimal: what a heartbeat tells. */
export function buildIdOf(wasm: Uint8Array): string {
  return createHash("sha256").update(wasm).digest("hex").slice(0, 8);
}

/** @param sequence u32 */
export function encodeSlot(wasm: Uint8Array, abiVersion: number, sequence: number): Uint8Array {
  const image = Buffer.alloc(layout.IMAGE_HEAD_BYTES + wasm.length);
  image.writeUInt32LE(layout.IMAGE_MAGIC, layout.IMAGE_AT_MAGIC);
  image.writeUInt16LE(layout.IMAGE_FORMAT, layout.IMAGE_AT_FORMAT);
  image.writeUInt16LE(abiVersion, layout.IMAGE_AT_ABI);
  image.writeUInt32LE(sequence >>> 0, layout.IMAGE_AT_SEQUENCE);
  image.writeUInt32LE(wasm.length, layout.IMAGE_AT_LENGTH);
  image.write(buildIdOf(wasm), layout.IMAGE_AT_BUILD_ID, "hex");
  image.set(wasm, layout.IMAGE_HEAD_BYTES);
  image.set(digestOf(image, wasm.length), layout.IMAGE_AT_DIGEST);
  return Uint8Array.from(image);
}

function digestOf(slot: Buffer, length: number): Buffer {
  const { IMAGE_AT_DIGEST, IMAGE_HEAD_BYTES } = layout;
  const hash = createHash("sha256").update(slot.subarray(0, IMAGE_AT_DIGEST));
  return hash.update(slot.subarray(IMAGE_HEAD_BYTES, IMAGE_HEAD_BYTES + length)).digest();
}

/**
 * Looks at a slot.
 *
 * @param slot all its bytes
 * @returns the image, or an IMAGE_* that says why there is none
 */
export function readSlot(slot: Uint8Array, abiVersion: number): SlotImage | number {
  const bytes = Buffer.from(slot.buffer, slot.byteOffset, slot.byteLength);
  if (bytes.length < layout.IMAGE_HEAD_BYTES) return layout.IMAGE_NO_MAGIC;
  const magic = bytes.readUInt32LE(layout.IMAGE_AT_MAGIC);
  if (magic === ERASED) return layout.IMAGE_EMPTY;
  if (magic !== layout.IMAGE_MAGIC) return layout.IMAGE_NO_MAGIC;
  if (bytes.readUInt16LE(layout.IMAGE_AT_FORMAT) !== layout.IMAGE_FORMAT) {
    return layout.IMAGE_OTHER_FORMAT;
  }
  if (bytes.readUInt16LE(layout.IMAGE_AT_ABI) !== abiVersion) return layout.IMAGE_OTHER_ABI;
  const length = bytes.readUInt32LE(layout.IMAGE_AT_LENGTH);
  if (length === 0 || length > bytes.length - layout.IMAGE_HEAD_BYTES) {
    return layout.IMAGE_BAD_LENGTH;
  }
  const digest = bytes.subarray(layout.IMAGE_AT_DIGEST, layout.IMAGE_HEAD_BYTES);
  if (!digestOf(bytes, length).equals(digest)) return layout.IMAGE_BAD_DIGEST;
  const at = layout.IMAGE_HEAD_BYTES;
  return {
    abiVersion,
    sequence: bytes.readUInt32LE(layout.IMAGE_AT_SEQUENCE),
    buildId: bytes.toString("hex", layout.IMAGE_AT_BUILD_ID, layout.IMAGE_AT_BUILD_ID + 4),
    wasm: Uint8Array.from(bytes.subarray(at, at + length)),
  };
}

/** @returns number of the slot that runs, or -1 when none is valid */
export function activeSlot(slots: readonly (SlotImage | number)[]): number {
  let active = -1;
  let latest = 0;
  for (const [number, slot] of slots.entries()) {
    if (typeof slot === "number") continue;
    if (active >= 0 && ((slot.sequence - latest) | 0) <= 0) continue;
    active = number;
    latest = slot.sequence;
  }
  return active;
}
