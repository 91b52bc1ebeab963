/* The little that newlib's malloc asks of a system. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>

extern uint8_t heap_begin[], heap_end[];

void *_sbrk(ptrdiff_t bytes);
uint32_t heap_high_bytes(void);

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

/* Most heap ever in use, bytes: newlib gives nothing back. */
uint32_t heap_high_bytes(void) { return (uint32_t)(heap_top - heap_begin); }
