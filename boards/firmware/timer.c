/* Registers: Arm Cortex-M System Design Kit TRM (DDI 0479), 4.4. */
#include "timer.h"

#include "board.h"

typedef struct {
  uint32_t control; /* bit 0: enable */
  uint32_t value;   /* counts down */
  uint32_t reload;
  uint32_t interrupt;
} cmsdk_timer_t;

#define TIMER ((volatile cmsdk_timer_t *)BOARD_TIMER)

void timer_open(void) {
  TIMER->control = 0;
  TIMER->reload = UINT32_MAX;
  TIMER->value = UINT32_MAX;
  TIMER->control = 1;
}

uint32_t timer_ticks(void) { return UINT32_MAX - TIMER->value; }
