/* QEMU's boards have RAM where flash would be: programming clears bits, erasing sets them. */
#include "store.h"

#include <string.h>

#include "board.h"

extern uint8_t store_begin[], store_end[];

static int is_within(uint32_t address, uint32_t bytes) {
  const uint32_t all = (uint32_t)(store_end - store_begin);
  return address <= all && bytes <= all - address;
}

static int32_t read(void *context, uint32_t address, uint8_t *to, uint32_t bytes) {
  (void)context;
  if (!is_within(address, bytes)) return PICKET_E_FLASH;
  memcpy(to, store_begin + address, bytes);
  return PICKET_OK;
}

static int32_t program(void *context, uint32_t address, const uint8_t *from, uint32_t bytes) {
  (void)context;
  if (!is_within(address, bytes)) return PICKET_E_FLASH;
  for (uint32_t i = 0; i < bytes; i++) {
    store_begin[address + i] = (uint8_t)(store_begin[address + i] & from[i]);
  }
  return PICKET_OK;
}

static int32_t erase(void *context, uint32_t address) {
  (void)context;
  if (!is_within(address, BOARD_SECTOR_BYTES)) return PICKET_E_FLASH;
  memset(store_begin + address, 0xff, BOARD_SECTOR_BYTES);
  return PICKET_OK;
}

const picket_flash_t store_flash = {
    .sector_bytes = BOARD_SECTOR_BYTES,
    .sectors = BOARD_STORE_BYTES / BOARD_SECTOR_BYTES,
    .program_bytes = 8,
    .read = read,
    .program = program,
    .erase = erase,
};
