/* How much memory has ever been in use, bytes. */
#ifndef USAGE_H
#define USAGE_H

#include <stdint.h>

uint32_t heap_high_bytes(void);
uint32_t stack_high_bytes(void);

/* Fills the unused stack with a pattern, so that its use can be told later. */
void stack_paint(void);

#endif
