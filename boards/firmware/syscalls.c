/* The little that newlib's malloc asks of a system. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include "usage.h"

extern uint8_t heap_begin[], heap_end[];

void *_sbrk(ptrdiff_t bytes);

static uint8_t *heap_top = heap_begin;

/* The heap ends with RAM; the stack is elsewhere. */
void *_sbrk(ptrdiff_t bytes) {
  uint8_t *const old = heap_top;
  if (bytes > heap_end - old || bytes < heap_begin - old) {
    errno = ENOMEM;
    return (void *)-1; /* NOLINT: what sbrk returns */
  }
  heap_top = old + bytes;
  return old;
}

/* newlib gives nothing back: the top is the most that was ever asked for. */
uint32_t heap_high_bytes(void) { return (uint32_t)(heap_top - heap_begin); }
