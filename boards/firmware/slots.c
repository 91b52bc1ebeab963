#include "slots.h"

extern const uint8_t slot_a_begin[], slot_a_end[], slot_b_begin[];

static slots_t slots;

void slots_choose(void) {
  const uint8_t *const begins[2] = {slot_a_begin, slot_b_begin};
  const uint32_t bytes = (uint32_t)(slot_a_end - slot_a_begin);
  slots.active = picket_slot_choose(begins, bytes, &slots.image, slots.found);
}

const slots_t *slots_now(void) { return &slots; }
