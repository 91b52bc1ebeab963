#include "imports.h"

#include <stddef.h>
#include <string.h>

#include "session.h"
#include "store.h"

#define PUBLISH_HEAD_BYTES 8u
#define REPORT_HEAD_BYTES 4u
/* A multiple of every program unit. */
#define FLASH_PART_BYTES 512u

/* Parts that are longer than a frame go as several. */
void publish_part(uint32_t id, const uint8_t *data, uint32_t bytes, uint32_t more) {
  do {
    const uint32_t room = DATA_BYTES_MAX - PUBLISH_HEAD_BYTES;
    const uint32_t part = bytes < room ? bytes : room;
    const uint32_t head[2] = {id, more != 0u || part < bytes};
    session_event_with(EVENT_PUBLISH, head, sizeof head, data, part);
    data += part;
    bytes -= part;
  } while (bytes > 0u);
}

void report_part(const uint8_t *data, uint32_t bytes, uint32_t more) {
  do {
    const uint32_t room = DATA_BYTES_MAX - REPORT_HEAD_BYTES;
    const uint32_t part = bytes < room ? bytes : room;
    const uint32_t head[1] = {more != 0u || part < bytes};
    session_event_with(EVENT_REPORT, head, sizeof head, data, part);
    data += part;
    bytes -= part;
  } while (bytes > 0u);
}

static int32_t publish(void *context, uint32_t id, const uint8_t *data, uint32_t bytes,
                       uint32_t more) {
  (void)context;
  publish_part(id, data, bytes, more);
  return PICKET_OK;
}

static int32_t report(void *context, const uint8_t *data, uint32_t bytes, uint32_t more) {
  (void)context;
  report_part(data, bytes, more);
  return PICKET_OK;
}

static int32_t result_of(const uint8_t *reply) {
  int32_t result = PICKET_E_FLASH;
  if (reply != NULL) memcpy(&result, reply, sizeof result);
  return result;
}

static int32_t read_from_host(void *context, uint32_t address, uint8_t *to, uint32_t bytes) {
  (void)context;
  while (bytes > 0u) {
    const uint32_t part = bytes < FLASH_PART_BYTES ? bytes : FLASH_PART_BYTES;
    const uint32_t head[2] = {address, part};
    const uint8_t *const reply = session_ask(EVENT_FLASH_READ, head, sizeof head, NULL, 0, 4u + part);
    const int32_t result = result_of(reply);
    if (result != PICKET_OK) return result;
    memcpy(to, reply + 4, part);
    address += part;
    to += part;
    bytes -= part;
  }
  return PICKET_OK;
}

/* In one piece, as one operation: what is longer than a frame is refused. */
static int32_t program_at_host(void *context, uint32_t address, const uint8_t *from,
                               uint32_t bytes) {
  (void)context;
  if (bytes > DATA_BYTES_MAX - sizeof address) return PICKET_E_FLASH;
  return result_of(session_ask(EVENT_FLASH_PROGRAM, &address, sizeof address, from, bytes, 4));
}

static int32_t erase_at_host(void *context, uint32_t address) {
  (void)context;
  return result_of(session_ask(EVENT_FLASH_ERASE, &address, sizeof address, NULL, 0, 4));
}

picket_core_imports_t imports_of(uint32_t store) {
  if (store == STORE_BOARD) {
    return (picket_core_imports_t){publish,
                                   report,
                                   store_flash.read,
                                   store_flash.program,
                                   store_flash.erase,
                                   NULL};
  }
  return (picket_core_imports_t){publish,         report,        read_from_host,
                                 program_at_host, erase_at_host, NULL};
}
