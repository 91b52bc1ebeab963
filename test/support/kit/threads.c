/*
 * Producers on several threads while one thread polls. Prints what is published, then how many
 * packets and observations were offered, and how many observations found no room.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "system.h"

#define THREADS 4
#define PACKETS 20000u
#define OBSERVATIONS 500u
#define PACKET_BYTES 40u

static uint32_t running = THREADS;
static uint32_t refused;

static void *produce(void *argument) {
  uint8_t packet[PACKET_BYTES] = {0x45, 0, 0, PACKET_BYTES, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 2, 10, 0, 0, 9};
  const uint32_t number = (uint32_t)(uintptr_t)argument;
  packet[32] = 0x50;
  for (uint32_t i = 0; i < PACKETS; i++) {
    packet[21] = (uint8_t)number; /* local port: a flow of its own */
    packet[23] = 7;
    if (i % 2u == 0u) {
      picket_packet(PICKET_OUT, packet, PACKET_BYTES, PACKET_BYTES);
    } else {
      const picket_part_t parts[3] = {{packet, 11}, {packet + 11, 20}, {packet + 31, 9}};
      picket_packet_parts(PICKET_OUT, parts, 3, PACKET_BYTES);
    }
    if (i % (PACKETS / OBSERVATIONS) == 0u && picket_count_cloud_to_device(1) != PICKET_OK) {
      __atomic_fetch_add(&refused, 1u, __ATOMIC_RELAXED);
    }
  }
  __atomic_fetch_sub(&running, 1u, __ATOMIC_RELEASE);
  return NULL;
}

static void quiet(void *context) { (void)context; }

int main(void) {
  pthread_t threads[THREADS];
  picket_setup_t setup = {.high_interval_s = 1000, .low_interval_s = 1000};
  memset(setup.agent_id, 1, sizeof setup.agent_id);
  system_port.wake = quiet;
  if (picket_init(&system_port, &setup) != PICKET_OK) return 2;
  for (uintptr_t i = 0; i < THREADS; i++) {
    if (pthread_create(&threads[i], NULL, produce, (void *)i) != 0) return 3;
  }
  do {
    system_ms += 1u;
    if (picket_poll() < 0) return 4;
  } while (__atomic_load_n(&running, __ATOMIC_ACQUIRE) > 0u);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  for (uint32_t i = 0; i < THREADS * OBSERVATIONS && picket_next_ms() == 0u; i++) {
    if (picket_poll() < 0) return 7;
  }
  for (uint32_t i = 0; i < 3u; i++) {
    if (picket_poll() < 0 || picket_flush(i % 2u) < 0 || picket_poll() < 0) return 5;
    picket_acknowledge(1u + i, true);
  }
  while (picket_close() != PICKET_OK) return 6;
  printf("offered %u %u %u\n", THREADS * PACKETS, THREADS * OBSERVATIONS, refused);
  return 0;
}
