/* The two core slots of this board. */
#ifndef SLOTS_H
#define SLOTS_H

#include "picket_slot.h"

typedef struct {
  uint32_t active; /* 0, 1 or SLOT_NONE */
  uint32_t found[2];
  picket_slot_t image;
} slots_t;

/* Looks at both; called once. */
void slots_choose(void);

const slots_t *slots_now(void);

#endif
