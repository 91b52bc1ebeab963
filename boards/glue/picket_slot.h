/* Core images in two slots of flash: which of them runs. Format: PICKET_IMAGE_* in picket_abi.h. */
#ifndef PICKET_SLOT_H
#define PICKET_SLOT_H

#include <stdint.h>

#include "picket_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  const uint8_t *wasm;
  uint32_t wasm_bytes;
  uint32_t sequence;
  uint8_t build_id[4];
} picket_slot_t;

/*
 * Looks at a slot of `bytes` bytes that can be read at `slot`: PICKET_IMAGE_VALID and what is in
 * it, or what is wrong. The digest takes about 60 instructions a byte.
 */
uint32_t picket_slot_read(const uint8_t *slot, uint32_t bytes, picket_slot_t *image);

/*
 * Of two slots of `bytes` bytes the later one that is valid; `found` gets what each of them is.
 * 0, 1 or PICKET_SLOT_NONE.
 */
#define PICKET_SLOT_NONE 0xffffffffu
uint32_t picket_slot_choose(const uint8_t *const slots[2], uint32_t bytes, picket_slot_t *image,
                            uint32_t found[2]);

#ifdef __cplusplus
}
#endif

#endif
