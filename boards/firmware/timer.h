/* CMSDK timer 0 as a free-running counter at BOARD_CLOCK_HZ. */
#ifndef TIMER_H
#define TIMER_H

#include <stdint.h>

void timer_open(void);

/* Ticks since timer_open; wraps at 2^32. */
uint32_t timer_ticks(void);

#endif
