#include <string.h>

#include "board.h"
#include "fault.h"
#include "info.h"
#include "session.h"
#include "timer.h"
#include "uart.h"
#include "usage.h"

uint32_t info_write(uint8_t *to) {
  static const char name[] = BOARD_NAME;
  const uint32_t words[2] = {PROTOCOL_VERSION, BOARD_CLOCK_HZ};
  memcpy(to, words, sizeof words);
  memcpy(to + sizeof words, name, sizeof name - 1u);
  return (uint32_t)(sizeof words + sizeof name) - 1u;
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
  session_event(EVENT_BOOT, info, info_write(info));
  session_run();
}
