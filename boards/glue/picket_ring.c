#include "picket_ring.h"

#include <stddef.h>
#include <string.h>

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Picket: little-endian targets only"
#endif

#define WORD 4u
#define RESERVED (PICKET_RING_RESERVED / WORD)
#define DRAINED (PICKET_RING_DRAINED / WORD)
#define DROPPED (PICKET_RING_DROPPED / WORD)
#define FIRST_SLOT (PICKET_RING_SLOTS / WORD)
#define PACKET_BYTES_MAX 0xffffu

picket_ring_t picket_ring;

void picket_ring_open(const picket_port_t *port, uint8_t *ring) {
  uint16_t slots = 0;
  uint16_t head_bytes_max = 0;
  memcpy(&slots, ring + PICKET_RING_SLOTS_COUNT, sizeof slots);
  memcpy(&head_bytes_max, ring + PICKET_RING_HEAD_BYTES_MAX, sizeof head_bytes_max);
  const uint32_t state = picket_lock(port);
  __atomic_store_n(&picket_ring.port, port, __ATOMIC_RELEASE);
  picket_ring.mask = slots - 1u;
  picket_ring.slot_bytes = PICKET_SLOT_HEAD + head_bytes_max;
  picket_ring.head_bytes_max = head_bytes_max;
  picket_ring.wake_at = slots / 2u;
  picket_ring.ring = (picket_word_t *)(void *)ring;
  picket_unlock(port, state);
}

static inline picket_word_t *slot_of(picket_word_t *ring, uint32_t number) {
  uint8_t *const slots = (uint8_t *)(ring + FIRST_SLOT);
  return (picket_word_t *)(void *)(slots + (number & picket_ring.mask) * picket_ring.slot_bytes);
}

/* A slot is reserved and not handed over exactly while a producer is copying. */
bool picket_ring_close(void) {
  static picket_word_t *closing;
  const picket_port_t *const port = picket_ring.port;
  if (port == NULL) return true;
  const uint32_t state = picket_lock(port);
  if (picket_ring.ring != NULL) closing = picket_ring.ring;
  picket_ring.ring = NULL;
  picket_unlock(port, state);
  const uint32_t reserved = closing[RESERVED];
  for (uint32_t slot = closing[DRAINED]; slot != reserved; slot++) {
    picket_word_t *const at = slot_of(closing, slot);
    if ((__atomic_load_n(at, __ATOMIC_ACQUIRE) & PICKET_SLOT_READY) == 0u) return false;
  }
  __atomic_store_n(&picket_ring.port, NULL, __ATOMIC_RELEASE);
  return true;
}

/* NULL: no agent, or no room. */
__attribute__((always_inline)) static inline picket_word_t *reserve(void) {
  const picket_port_t *const port = __atomic_load_n(&picket_ring.port, __ATOMIC_RELAXED);
  if (!PICKET_HAS_OWN_LOCK && port == NULL) return NULL;
  const uint32_t state = picket_lock(port);
  picket_word_t *const ring = picket_ring.ring;
  if (ring == NULL) {
    picket_unlock(port, state);
    return NULL;
  }
  const uint32_t reserved = ring[RESERVED];
  const uint32_t waiting = reserved - ring[DRAINED];
  if (waiting > picket_ring.mask) {
    ring[DROPPED] += 1u;
    picket_unlock(port, state);
    return NULL;
  }
  ring[RESERVED] = reserved + 1u;
  picket_unlock(port, state);
  if (waiting == picket_ring.wake_at && port->wake != NULL) port->wake(port->context);
  picket_word_t *const slot = slot_of(ring, reserved);
#if defined(__SANITIZE_THREAD__)
  (void)__atomic_load_n(slot, __ATOMIC_ACQUIRE); /* The core, which freed it, is not instrumented. */
#endif
  return slot;
}

/* Both aligned. */
static inline void copy_aligned(uint8_t *to, const uint8_t *from, uint32_t bytes) {
#if defined(__thumb2__)
  /* Four registers at once, words, bytes: what the compilers make of C takes twice as many. */
  __asm__ volatile(
      "subs %[bytes], #16\n"
      "bmi 2f\n"
      "1: ldmia %[from]!, {r3, r4, r5, r6}\n"
      "stmia %[to]!, {r3, r4, r5, r6}\n"
      "subs %[bytes], #16\n"
      "bpl 1b\n"
      "2: adds %[bytes], #12\n"
      "bmi 4f\n"
      "3: ldr r3, [%[from]], #4\n"
      "str r3, [%[to]], #4\n"
      "subs %[bytes], #4\n"
      "bpl 3b\n"
      "4: adds %[bytes], #4\n"
      "beq 6f\n"
      "5: ldrb r3, [%[from]], #1\n"
      "strb r3, [%[to]], #1\n"
      "subs %[bytes], #1\n"
      "bne 5b\n"
      "6:\n"
      : [to] "+l"(to), [from] "+l"(from), [bytes] "+l"(bytes)
      :
      : "r3", "r4", "r5", "r6", "cc", "memory");
#else
  for (; bytes >= WORD; bytes -= WORD) {
    memcpy(__builtin_assume_aligned(to, WORD), __builtin_assume_aligned(from, WORD), WORD);
    to += WORD;
    from += WORD;
  }
  for (; bytes > 0u; bytes--) *to++ = *from++;
#endif
}

/* The processor reads unaligned words, which registers in blocks do not take. */
static inline void copy_unaligned(uint8_t *to, const uint8_t *from, uint32_t bytes) {
  for (; bytes >= WORD; bytes -= WORD) {
    memcpy(__builtin_assume_aligned(to, WORD), from, WORD);
    to += WORD;
    from += WORD;
  }
  for (; bytes > 0u; bytes--) *to++ = *from++;
}

/* The first word last: it makes the slot the core's. */
static inline void hand_over(picket_word_t *slot, uint32_t direction, uint32_t head_bytes,
                             uint32_t packet_bytes) {
#if defined(__thumb2__)
  __asm__("usat %0, #16, %0" : "+r"(packet_bytes)); /* PACKET_BYTES_MAX */
#else
  if (packet_bytes > PACKET_BYTES_MAX) packet_bytes = PACKET_BYTES_MAX;
#endif
  const uint32_t word = (packet_bytes << PICKET_SLOT_PACKET_SHIFT) |
                        (head_bytes << PICKET_SLOT_HEAD_SHIFT) | (direction * PICKET_SLOT_IN) |
                        PICKET_SLOT_READY;
  __atomic_store_n(slot, word, __ATOMIC_RELEASE);
}

void picket_packet(uint32_t direction, const void *packet, uint32_t head_bytes,
                   uint32_t packet_bytes) {
  picket_word_t *const slot = reserve();
  if (slot == NULL) return;
  if (head_bytes > picket_ring.head_bytes_max) head_bytes = picket_ring.head_bytes_max;
  uint8_t *const head = (uint8_t *)(slot + PICKET_SLOT_HEAD / WORD);
  if ((uintptr_t)packet % WORD == 0u) {
    copy_aligned(head, packet, head_bytes);
  } else {
    copy_unaligned(head, packet, head_bytes);
  }
  hand_over(slot, direction & 1u, head_bytes, packet_bytes);
}

void picket_packet_parts(uint32_t direction, const picket_part_t *parts, uint32_t count,
                         uint32_t packet_bytes) {
  picket_word_t *const slot = reserve();
  if (slot == NULL) return;
  uint8_t *const head = (uint8_t *)(slot + PICKET_SLOT_HEAD / WORD);
  uint32_t head_bytes = 0;
  for (uint32_t i = 0; i < count && head_bytes < picket_ring.head_bytes_max; i++) {
    const uint32_t room = picket_ring.head_bytes_max - head_bytes;
    const uint32_t bytes = parts[i].bytes < room ? parts[i].bytes : room;
    if (bytes > 0u) memcpy(head + head_bytes, parts[i].data, bytes);
    head_bytes += bytes;
  }
  hand_over(slot, direction & 1u, head_bytes, packet_bytes);
}
