#include "usage.h"

#define PATTERN 0x5a5a5a5au
#define MARGIN_WORDS 64u /* of this function itself and what it may call */

extern uint32_t stack_guard_end[], stack_end[];

void stack_paint(void) {
  uint32_t *const here = __builtin_frame_address(0);
  for (uint32_t *word = stack_guard_end; word < here - MARGIN_WORDS; word++) *word = PATTERN;
}

uint32_t stack_high_bytes(void) {
  const uint32_t *word = stack_guard_end;
  while (word < stack_end && *word == PATTERN) word++;
  return (uint32_t)(stack_end - word) * (uint32_t)sizeof *word;
}
