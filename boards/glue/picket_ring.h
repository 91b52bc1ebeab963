/* The producers' side of the packet ring: within the kit. */
#ifndef PICKET_RING_H
#define PICKET_RING_H

#include <stdbool.h>

#include "picket.h"

typedef uint32_t __attribute__((__may_alias__)) picket_word_t; /* the core's memory is bytes */

/* Where packets go; `ring` is NULL while no agent runs. */
typedef struct {
  const picket_port_t *port;
  picket_word_t *ring;
  uint32_t mask;       /* slots - 1 */
  uint32_t slot_bytes; /* distance of two slots */
  uint32_t head_bytes_max;
  uint32_t wake_at; /* waiting packets */
} picket_ring_t;

extern picket_ring_t picket_ring;

/* From now on packets are taken. `ring` is the core's, started. */
void picket_ring_open(const picket_port_t *port, uint8_t *ring);

/* No further packets are taken. False: a producer is still copying into a slot. */
bool picket_ring_close(void);

#if defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M' && !defined(PICKET_LOCK_BY_PORT)
#define PICKET_HAS_OWN_LOCK 1
static inline uint32_t picket_lock(const picket_port_t *port) {
  uint32_t state;
  (void)port;
  __asm__ volatile("mrs %0, primask\n cpsid i" : "=r"(state)::"memory");
  return state;
}
static inline void picket_unlock(const picket_port_t *port, uint32_t state) {
  (void)port;
  __asm__ volatile("msr primask, %0" ::"r"(state) : "memory");
}
#else
#define PICKET_HAS_OWN_LOCK 0
static inline uint32_t picket_lock(const picket_port_t *port) { return port->lock(port->context); }
static inline void picket_unlock(const picket_port_t *port, uint32_t state) {
  port->unlock(port->context, state);
}
#endif

#endif
