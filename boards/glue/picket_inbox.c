#include "picket_inbox.h"

#include <stddef.h>
#include <string.h>

#include "picket_ring.h"

#define RECORD_HEAD_BYTES 4u
/* A kind that no record has: the core refuses and counts it. */
#define KIND_NONE 0xffffu

/* `port` apart, all is read and written in the critical section. */
static struct {
  const picket_port_t *port;
  picket_acknowledgement_t acknowledgements[PICKET_ACKNOWLEDGEMENTS];
  uint32_t acknowledged;
  int32_t flash_status;
  bool is_flash_done;
  uint32_t observations_lost;
  /* The records that wait, each after its length, u32. Begin and end go back when all is taken. */
  uint32_t begin;
  uint32_t end;
  uint8_t observations[PICKET_OBSERVATION_BYTES];
} inbox;

static const picket_port_t *port_now(void) {
  return __atomic_load_n(&inbox.port, __ATOMIC_ACQUIRE);
}

void picket_inbox_open(const picket_port_t *port) {
  if (port != NULL) {
    const uint32_t state = picket_lock(port);
    inbox.acknowledged = 0;
    inbox.is_flash_done = false;
    inbox.observations_lost = 0;
    inbox.begin = 0;
    inbox.end = 0;
    picket_unlock(port, state);
  }
  __atomic_store_n(&inbox.port, port, __ATOMIC_RELEASE);
}

int32_t picket_observe(const void *record, uint32_t bytes) {
  const picket_port_t *const port = port_now();
  if (port == NULL) return PICKET_E_NOT_STARTED;
  if (bytes < RECORD_HEAD_BYTES || bytes > PICKET_INPUT_BYTES) return PICKET_E_BAD_RECORD;
  const uint32_t state = picket_lock(port);
  const uint32_t at = inbox.end;
  const bool is_full = sizeof bytes + bytes > sizeof inbox.observations - at;
  if (is_full) {
    inbox.observations_lost += 1u;
  } else {
    memcpy(inbox.observations + at, &bytes, sizeof bytes);
    memcpy(inbox.observations + at + sizeof bytes, record, bytes);
    inbox.end = at + (uint32_t)sizeof bytes + bytes;
  }
  picket_unlock(port, state);
  return is_full ? PICKET_E_FULL : PICKET_OK;
}

int32_t picket_count_cloud_to_device(uint32_t count) {
  const uint32_t record[2] = {PICKET_OBSERVE_CLOUD_TO_DEVICE, count};
  return picket_observe(record, PICKET_OBSERVE_CLOUD_TO_DEVICE_BYTES);
}

void picket_acknowledge(uint32_t id, bool is_delivered) {
  const picket_port_t *const port = port_now();
  if (port == NULL) return;
  const uint32_t state = picket_lock(port);
  /* More than are in flight are no answers to ours. */
  if (inbox.acknowledged < PICKET_ACKNOWLEDGEMENTS) {
    inbox.acknowledgements[inbox.acknowledged++] =
        (picket_acknowledgement_t){id, is_delivered ? 0 : 1};
  }
  picket_unlock(port, state);
}

void picket_flash_done(int32_t status) {
  const picket_port_t *const port = port_now();
  if (port == NULL) return;
  const uint32_t state = picket_lock(port);
  inbox.flash_status = status;
  inbox.is_flash_done = true;
  picket_unlock(port, state);
}

uint32_t picket_inbox_observation(uint8_t *to) {
  const picket_port_t *const port = inbox.port;
  uint32_t bytes = 0;
  const uint32_t state = picket_lock(port);
  if (inbox.begin < inbox.end) {
    memcpy(&bytes, inbox.observations + inbox.begin, sizeof bytes);
    memcpy(to, inbox.observations + inbox.begin + sizeof bytes, bytes);
    inbox.begin += (uint32_t)sizeof bytes + bytes;
    if (inbox.begin == inbox.end) inbox.begin = inbox.end = 0;
  } else if (inbox.observations_lost > 0u) {
    inbox.observations_lost -= 1u;
    const uint16_t head[2] = {KIND_NONE, 0};
    memcpy(to, head, sizeof head);
    bytes = RECORD_HEAD_BYTES;
  }
  picket_unlock(port, state);
  return bytes;
}

bool picket_inbox_acknowledgement(picket_acknowledgement_t *taken) {
  const picket_port_t *const port = inbox.port;
  const uint32_t state = picket_lock(port);
  const bool is_there = inbox.acknowledged > 0u;
  if (is_there) {
    *taken = inbox.acknowledgements[0];
    inbox.acknowledged -= 1u;
    memmove(inbox.acknowledgements, inbox.acknowledgements + 1,
            inbox.acknowledged * sizeof *inbox.acknowledgements);
  }
  picket_unlock(port, state);
  return is_there;
}

bool picket_inbox_flash_done(int32_t *status) {
  const picket_port_t *const port = inbox.port;
  const uint32_t state = picket_lock(port);
  const bool is_there = inbox.is_flash_done;
  *status = inbox.flash_status;
  inbox.is_flash_done = false;
  picket_unlock(port, state);
  return is_there;
}

bool picket_inbox_is_empty(void) {
  const picket_port_t *const port = inbox.port;
  const uint32_t state = picket_lock(port);
  const bool is_empty = inbox.end == 0u && inbox.observations_lost == 0u &&
                        inbox.acknowledged == 0u && !inbox.is_flash_done;
  picket_unlock(port, state);
  return is_empty;
}
