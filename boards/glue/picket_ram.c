#include "picket_ram.h"

#include <stdbool.h>
#include <string.h>

#define SECTORS_MAX 0xffffu

static bool is_within(const picket_ram_t *ram, uint32_t address, uint32_t bytes) {
  return address <= ram->bytes && bytes <= ram->bytes - address;
}

static int32_t ram_read(void *context, uint32_t address, uint8_t *to, uint32_t bytes) {
  const picket_ram_t *const ram = context;
  if (!is_within(ram, address, bytes)) return PICKET_E_FLASH;
  memcpy(to, ram->memory + address, bytes);
  return PICKET_OK;
}

/* As flash does, ones become zeros and never the other way. */
static int32_t ram_program(void *context, uint32_t address, const uint8_t *from, uint32_t bytes) {
  const picket_ram_t *const ram = context;
  if (!is_within(ram, address, bytes)) return PICKET_E_FLASH;
  for (uint32_t i = 0; i < bytes; i++) {
    ram->memory[address + i] = (uint8_t)(ram->memory[address + i] & from[i]);
  }
  return PICKET_OK;
}

static int32_t ram_erase(void *context, uint32_t address) {
  const picket_ram_t *const ram = context;
  if (!is_within(ram, address, ram->sector_bytes)) return PICKET_E_FLASH;
  memset(ram->memory + address, 0xff, ram->sector_bytes);
  return PICKET_OK;
}

int32_t picket_ram_open(picket_flash_t *flash, picket_ram_t *ram, uint32_t sector_bytes) {
  const uint32_t sectors = sector_bytes == 0u ? 0u : ram->bytes / sector_bytes;
  if (sectors < 2u) return PICKET_E_BAD_RECORD;
  ram->sector_bytes = sector_bytes;
  *flash = (picket_flash_t){
      .context = ram,
      .sector_bytes = sector_bytes,
      .sectors = (uint16_t)(sectors < SECTORS_MAX ? sectors : SECTORS_MAX),
      .program_bytes = 1,
      .read = ram_read,
      .program = ram_program,
      .erase = ram_erase,
  };
  return PICKET_OK;
}
