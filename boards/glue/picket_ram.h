/* A RAM region that behaves as flash: for boards without a free flash partition. */
#ifndef PICKET_RAM_H
#define PICKET_RAM_H

#include "picket.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  uint8_t *memory;
  uint32_t bytes;
  uint32_t sector_bytes; /* set by picket_ram_open */
} picket_ram_t;

/*
 * Makes `flash` a partition in `ram`, as it is: in memory that a reset leaves alone, events survive
 * a reset. Both must stay in place. PICKET_OK, or PICKET_E_BAD_RECORD: not 2 sectors or more.
 */
int32_t picket_ram_open(picket_flash_t *flash, picket_ram_t *ram, uint32_t sector_bytes);

#ifdef __cplusplus
}
#endif

#endif
