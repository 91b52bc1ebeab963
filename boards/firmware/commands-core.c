#include "commands-core.h"

#include <stddef.h>
#include <string.h>

#include "board.h"
#include "imports.h"
#include "picket_core.h"
#include "slots.h"
#include "store.h"
#include "timer.h"

void answer_text(request_t *request, const char *text) {
  const size_t room = sizeof request->answer - request->answer_bytes;
  size_t bytes = text == NULL ? 0u : strlen(text);
  if (bytes > room) bytes = room;
  memcpy(request->answer + request->answer_bytes, text == NULL ? "" : text, bytes);
  request->answer_bytes += (uint32_t)bytes;
}

uint16_t run_core_open(request_t *request) {
  uint32_t words[3];
  if (request->data_bytes != sizeof words) return STATUS_BAD_DATA;
  memcpy(words, request->data, sizeof words);
  const picket_slot_t *const image = &slots_now()->image;
  const picket_core_module_t module = {image->wasm, image->wasm_bytes, words[0], words[1]};
  const picket_core_imports_t imports = imports_of(words[2]);
  if (CORE_IS_IN_SLOT && image->wasm == NULL) {
    answer_text(request, "no slot holds a core that runs");
    return STATUS_OK;
  }
  answer_text(request, picket_core_open(&module, &imports));
  return STATUS_OK;
}

uint16_t run_core_call(request_t *request) {
  uint32_t words[4];
  int32_t result = 0;
  if (request->data_bytes != sizeof words) return STATUS_BAD_DATA;
  memcpy(words, request->data, sizeof words);
  if (words[0] >= PICKET_CORE_EXPORT_COUNT) return STATUS_BAD_DATA;
  const uint32_t before = timer_ticks();
  const char *const trap = picket_core_call((picket_core_export_t)words[0], words + 1, &result);
  const uint32_t after = timer_ticks();
  answer_u32(request, (uint32_t)result);
  answer_u32(request, after - before);
  answer_text(request, trap);
  return STATUS_OK;
}

/* The core's memory from `address`, at least `bytes` long; NULL: it is not. */
static uint8_t *memory_at(uint32_t address, uint32_t bytes) {
  uint32_t all = 0;
  uint8_t *const memory = picket_core_memory(&all);
  return memory != NULL && address <= all && bytes <= all - address ? memory + address : NULL;
}

uint16_t run_memory_read(request_t *request) {
  uint32_t words[2];
  if (request->data_bytes != sizeof words) return STATUS_BAD_DATA;
  memcpy(words, request->data, sizeof words);
  const uint8_t *const from = memory_at(words[0], words[1]);
  if (from == NULL || words[1] > sizeof request->answer) return STATUS_BAD_DATA;
  memcpy(request->answer, from, words[1]);
  request->answer_bytes = words[1];
  return STATUS_OK;
}

uint16_t run_store_read(request_t *request) {
  uint32_t words[2];
  if (request->data_bytes != sizeof words) return STATUS_BAD_DATA;
  memcpy(words, request->data, sizeof words);
  if (words[1] > sizeof request->answer) return STATUS_BAD_DATA;
  const int32_t result = store_flash.read(NULL, words[0], request->answer, words[1]);
  if (result != PICKET_OK) return STATUS_BAD_DATA;
  request->answer_bytes = words[1];
  return STATUS_OK;
}

uint16_t run_memory_write(const request_t *request) {
  uint32_t address = 0;
  if (request->data_bytes < sizeof address) return STATUS_BAD_DATA;
  memcpy(&address, request->data, sizeof address);
  const uint32_t bytes = request->data_bytes - (uint32_t)sizeof address;
  uint8_t *const to = memory_at(address, bytes);
  if (to == NULL) return STATUS_BAD_DATA;
  memcpy(to, request->data + sizeof address, bytes);
  return STATUS_OK;
}
