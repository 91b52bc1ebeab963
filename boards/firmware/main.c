#include <string.h>

#include "board.h"
#include "fault.h"
#include "info.h"
#include "session.h"
#include "slots.h"
#include "timer.h"
#include "uart.h"
#include "usage.h"

uint32_t info_write(uint8_t *to) {
  static const char name[] = BOARD_NAME;
  const slots_t *const slots = slots_now();
  const uint32_t words[3] = {PROTOCOL_VERSION, BOARD_CLOCK_HZ, slots->active};
  uint32_t at = 0;
  memcpy(to, words, sizeof words);
  at += (uint32_t)sizeof words;
  memcpy(to + at, slots->image.build_id, sizeof slots->image.build_id);
  at += (uint32_t)sizeof slots->image.build_id;
  memcpy(to + at, slots->found, sizeof slots->found);
  at += (uint32_t)sizeof slots->found;
  memcpy(to + at, name, sizeof name - 1u);
  return at + (uint32_t)sizeof name - 1u;
}

void fault_report(uint32_t program_counter, uint32_t status) {
  const uint32_t words[2] = {program_counter, status};
  session_event(EVENT_FAULT, words, sizeof words);
}

int main(void) {
  uint8_t info[64];
  stack_paint();
  uart_open();
  timer_open();
  slots_choose();
  session_event(EVENT_BOOT, info, info_write(info));
  session_run();
}
