/** The producer's side of the packet ring: what the C glue does on a board, in TypeScript. */
import * as abi from "../assembly/abi.ts";

export interface RingWriter {
  /** Slots that are free now. */
  free(): number;
  /**
   * Offers one IP packet; counted as dropped when the ring is full.
   *
   * @param direction 0 out, 1 in
   * @param bytes holds the packet from `offset`, of which `length` bytes are there
   * @param originalBytes length of the packet on the wire; more than 65,535 count as that
   */
  offer(
    direction: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    originalBytes: number,
  ): void;
}

const PACKET_BYTES_MAX = 65_535;

/** @param address of the ring in the core's memory, after `start` */
export function createRingWriter(memory: ArrayBuffer, address: number): RingWriter {
  const bytes = new Uint8Array(memory);
  const words = new Uint32Array(memory);
  const ring = address >> 2;
  const reservedAt = ring + (abi.RING_RESERVED >> 2);
  const drainedAt = ring + (abi.RING_DRAINED >> 2);
  const droppedAt = ring + (abi.RING_DROPPED >> 2);
  const view = new DataView(memory, address);
  const slots = view.getUint16(abi.RING_SLOTS_COUNT, true);
  const headBytesMax = view.getUint16(abi.RING_HEAD_BYTES_MAX, true);
  const slotBytes = abi.SLOT_HEAD + headBytesMax;
  const firstSlot = address + abi.RING_SLOTS;

  function free(): number {
    return slots - (((words[reservedAt] ?? 0) - (words[drainedAt] ?? 0)) >>> 0);
  }

  return {
    free,
    offer(direction, from, offset, length, originalBytes) {
      if (free() <= 0) {
        words[droppedAt] = (words[droppedAt] ?? 0) + 1;
        return;
      }
      const reserved = words[reservedAt] ?? 0;
      words[reservedAt] = reserved + 1;
      const slot = firstSlot + (reserved & (slots - 1)) * slotBytes;
      const head = Math.min(length, headBytesMax);
      const to = slot + abi.SLOT_HEAD;
      for (let i = 0; i < head; i++) bytes[to + i] = from[offset + i] as number;
      words[slot >> 2] =
        (Math.min(originalBytes, PACKET_BYTES_MAX) << abi.SLOT_PACKET_SHIFT) |
        (head << abi.SLOT_HEAD_SHIFT) |
        (direction ? abi.SLOT_IN : 0) |
        abi.SLOT_READY;
    },
  };
}
