#include "commands-kit.h"

#include <stddef.h>
#include <string.h>

#include "board.h"
#include "commands-core.h"
#include "imports.h"
#include "picket.h"
#include "slots.h"
#include "store.h"
#include "timer.h"

#define TICKS_PER_MS (BOARD_CLOCK_HZ / 1000u)
#define PACKET_HEAD_BYTES 4u

static int32_t publish(void *context, uint32_t id, const uint8_t *data, uint32_t bytes, bool more) {
  (void)context;
  return publish_part(id, data, bytes, more);
}

static void report(void *context, const uint8_t *json, uint32_t bytes, bool more) {
  (void)context;
  (void)report_part(json, bytes, more);
}

/* The timer wraps within minutes: whole milliseconds are carried along. */
static uint32_t monotonic_ms(void *context) {
  static uint32_t before;
  static uint32_t rest;
  static uint32_t ms;
  const uint32_t now = timer_ticks();
  (void)context;
  const uint32_t passed = now - before;
  ms += passed / TICKS_PER_MS;
  rest += passed % TICKS_PER_MS;
  ms += rest / TICKS_PER_MS;
  rest %= TICKS_PER_MS;
  before = now;
  return ms;
}

/* There is no source of random bits here: deadlines are not spread. */
static uint32_t entropy(void *context) {
  (void)context;
  return 0;
}

uint16_t run_kit_init(request_t *request) {
  static picket_port_t port = {
      .publish = publish,
      .monotonic_ms = monotonic_ms,
      .entropy = entropy,
      .report = report,
  };
  uint32_t words[3];
  if (request->data_bytes != sizeof words) return STATUS_BAD_DATA;
  memcpy(words, request->data, sizeof words);
  const picket_slot_t *const image = &slots_now()->image;
  picket_setup_t setup = {.module = {image->wasm, image->wasm_bytes, words[0], words[1]}};
  memcpy(setup.agent_id, BOARD_NAME, sizeof setup.agent_id);
  memcpy(setup.build_id, image->build_id, sizeof setup.build_id);
  if (CORE_IS_IN_SLOT && image->wasm == NULL) {
    answer_u32(request, (uint32_t)PICKET_E_CORE);
    answer_text(request, "no slot holds a core that runs");
    return STATUS_OK;
  }
  port.flash = words[2] == STORE_BOARD ? &store_flash : NULL;
  const int32_t closed = picket_close();
  answer_u32(request, (uint32_t)(closed == PICKET_OK ? picket_init(&port, &setup) : closed));
  answer_text(request, picket_trouble());
  return STATUS_OK;
}

/* Offered where they lie, at words as a driver would have them. */
uint16_t run_kit_packets(request_t *request) {
  uint32_t direction = 0;
  uint32_t at = sizeof direction;
  if (request->data_bytes < at) return STATUS_BAD_DATA;
  memcpy(&direction, request->data, sizeof direction);
  const uint32_t before = timer_ticks();
  while (at + PACKET_HEAD_BYTES <= request->data_bytes) {
    uint32_t bytes = 0;
    memcpy(&bytes, request->data + at, sizeof bytes);
    at += PACKET_HEAD_BYTES;
    if (bytes > request->data_bytes - at) return STATUS_BAD_DATA;
    picket_packet(direction, request->data + at, bytes, bytes);
    at += (bytes + 3u) & ~3u;
  }
  answer_u32(request, timer_ticks() - before);
  return STATUS_OK;
}

uint16_t run_kit_poll(request_t *request) {
  const uint32_t before = timer_ticks();
  const int32_t result = picket_poll();
  const uint32_t after = timer_ticks();
  answer_u32(request, (uint32_t)result);
  answer_u32(request, after - before);
  return STATUS_OK;
}

uint16_t run_kit_flush(request_t *request) {
  uint32_t priority = 0;
  if (request->data_bytes != sizeof priority) return STATUS_BAD_DATA;
  memcpy(&priority, request->data, sizeof priority);
  answer_u32(request, (uint32_t)picket_flush(priority));
  return STATUS_OK;
}

uint16_t run_kit_acknowledge(const request_t *request) {
  uint32_t id = 0;
  if (request->data_bytes != sizeof id) return STATUS_BAD_DATA;
  memcpy(&id, request->data, sizeof id);
  picket_acknowledge(id, true);
  return STATUS_OK;
}
