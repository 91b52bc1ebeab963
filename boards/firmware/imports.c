#include "imports.h"

#include <stddef.h>
#include <string.h>

#include "session.h"
#include "store.h"

/* A multiple of every program unit. */
#define FLASH_PART_BYTES 512u

static int32_t result_of(const uint8_t *reply, int32_t otherwise) {
  if (reply != NULL) memcpy(&otherwise, reply, sizeof otherwise);
  return otherwise;
}

/* What is longer than a frame goes as several, each with how much of it is still to come. */
static int32_t hand_over(uint16_t event, uint32_t head[3], uint32_t head_bytes, const uint8_t *data,
                         uint32_t bytes) {
  uint32_t *const rest = &head[head_bytes / sizeof *head - 1u];
  const uint32_t room = DATA_BYTES_MAX - head_bytes;
  for (; bytes > room; bytes -= room, data += room) {
    *rest = bytes - room;
    session_event_with(event, head, head_bytes, data, room);
  }
  *rest = 0;
  return result_of(session_ask(event, head, head_bytes, data, bytes, 4), PICKET_E_BUSY);
}

int32_t publish_part(uint32_t id, const uint8_t *data, uint32_t bytes, uint32_t more) {
  uint32_t head[3] = {id, more, 0};
  return hand_over(EVENT_PUBLISH, head, PUBLISH_HEAD_BYTES, data, bytes);
}

int32_t report_part(const uint8_t *data, uint32_t bytes, uint32_t more) {
  uint32_t head[3] = {more, 0, 0};
  return hand_over(EVENT_REPORT, head, REPORT_HEAD_BYTES, data, bytes);
}

static int32_t publish(void *context, uint32_t id, const uint8_t *data, uint32_t bytes,
                       uint32_t more) {
  (void)context;
  return publish_part(id, data, bytes, more);
}

static int32_t report(void *context, const uint8_t *data, uint32_t bytes, uint32_t more) {
  (void)context;
  return report_part(data, bytes, more);
}

static int32_t read_from_host(void *context, uint32_t address, uint8_t *to, uint32_t bytes) {
  (void)context;
  while (bytes > 0u) {
    const uint32_t part = bytes < FLASH_PART_BYTES ? bytes : FLASH_PART_BYTES;
    const uint32_t head[2] = {address, part};
    const uint8_t *const reply =
        session_ask(EVENT_FLASH_READ, head, sizeof head, NULL, 0, 4u + part);
    const int32_t result = result_of(reply, PICKET_E_FLASH);
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
  return result_of(session_ask(EVENT_FLASH_PROGRAM, &address, sizeof address, from, bytes, 4),
                   PICKET_E_FLASH);
}

static int32_t erase_at_host(void *context, uint32_t address) {
  (void)context;
  return result_of(session_ask(EVENT_FLASH_ERASE, &address, sizeof address, NULL, 0, 4),
                   PICKET_E_FLASH);
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
