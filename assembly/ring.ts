import { SLOT_HEAD, SLOT_HEAD_MASK, SLOT_HEAD_SHIFT, SLOT_PACKET_SHIFT, SLOT_READY } from "./abi";
import { Ring, SLOT_BYTES } from "./layout";
import { RING_HEAD_BYTES, RING_SLOTS } from "./options";
import { countPacket } from "./packet";

/** In a function, so that it lies behind what is small: small addresses make shorter code. */
export function ring(): Ring {
  return changetype<Ring>(memory.data(offsetof<Ring>() + RING_SLOTS * SLOT_BYTES, 4));
}

/**
 * Takes the packets that are waiting, at most as many as there are slots.
 *
 * @param isCounting false: they are let go unseen
 */
export function drain(isCounting: bool): void {
  const slots = changetype<usize>(ring()) + offsetof<Ring>();
  for (let taken: u32 = 0; taken < RING_SLOTS; taken++) {
    const slot = slots + (ring().drained & (RING_SLOTS - 1)) * SLOT_BYTES;
    const word = load<u32>(slot);
    if ((word & SLOT_READY) === 0) break; // Reserved, not yet written: the next poll takes it.
    let bytes = (word >> SLOT_HEAD_SHIFT) & SLOT_HEAD_MASK;
    // The head is not trusted: a length beyond the slot would read a neighbour.
    if (bytes > RING_HEAD_BYTES) bytes = RING_HEAD_BYTES;
    if (isCounting)
      countPacket(slot + SLOT_HEAD, bytes, word >> SLOT_PACKET_SHIFT, (word >> 1) & 1);
    store<u32>(slot, 0);
    ring().drained += 1;
  }
}
