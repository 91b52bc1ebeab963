#include <string.h>

#include "commands-core.h"
#include "commands-kit.h"
#include "info.h"
#include "session.h"
#include "timer.h"
#include "usage.h"

void answer_u32(request_t *request, uint32_t value) {
  memcpy(request->answer + request->answer_bytes, &value, sizeof value);
  request->answer_bytes += (uint32_t)sizeof value;
}

static uint16_t run_echo(request_t *request) {
  memcpy(request->answer, request->data, request->data_bytes);
  request->answer_bytes = request->data_bytes;
  return STATUS_OK;
}

static uint16_t run_ticks(request_t *request) {
  answer_u32(request, timer_ticks());
  answer_u32(request, session_damaged_count());
  return STATUS_OK;
}

static uint16_t run_fault(const request_t *request) {
  uint32_t what = 0;
  if (request->data_bytes != sizeof what) return STATUS_BAD_DATA;
  memcpy(&what, request->data, sizeof what);
  if (what == FAULT_BAD_ADDRESS) *(volatile uint32_t *)0xfffffff0u = 0;
  if (what == FAULT_STACK) __asm__ volatile("1: push {r0-r7}\n b 1b");
  return STATUS_BAD_DATA;
}

uint16_t commands_run(uint16_t command, request_t *request) {
  switch (command) {
    case COMMAND_INFO:
      request->answer_bytes = info_write(request->answer);
      return STATUS_OK;
    case COMMAND_ECHO:
      return run_echo(request);
    case COMMAND_TICKS:
      return run_ticks(request);
    case COMMAND_FAULT:
      return run_fault(request);
    case COMMAND_CORE_OPEN:
      return run_core_open(request);
    case COMMAND_CORE_CALL:
      return run_core_call(request);
    case COMMAND_MEMORY_READ:
      return run_memory_read(request);
    case COMMAND_MEMORY_WRITE:
      return run_memory_write(request);
    case COMMAND_USAGE:
      answer_u32(request, heap_high_bytes());
      answer_u32(request, stack_high_bytes());
      return STATUS_OK;
    case COMMAND_STORE_READ:
      return run_store_read(request);
    case COMMAND_KIT_INIT:
      return run_kit_init(request);
    case COMMAND_KIT_PACKETS:
      return run_kit_packets(request);
    case COMMAND_KIT_POLL:
      return run_kit_poll(request);
    case COMMAND_KIT_FLUSH:
      return run_kit_flush(request);
    case COMMAND_KIT_ACKNOWLEDGE:
      return run_kit_acknowledge(request);
    default:
      return STATUS_UNKNOWN_COMMAND;
  }
}
