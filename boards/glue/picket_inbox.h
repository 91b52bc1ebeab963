/* What any thread tells the agent waits here for the next poll: within the kit. */
#ifndef PICKET_INBOX_H
#define PICKET_INBOX_H

#include <stdbool.h>

#include "picket.h"

typedef struct {
  uint32_t id;
  int32_t status;
} picket_acknowledgement_t;

/* Empties it; with NULL it takes nothing. */
void picket_inbox_open(const picket_port_t *port);

/* The oldest observation, at most PICKET_INPUT_BYTES; returns its length, or 0. */
uint32_t picket_inbox_observation(uint8_t *to);
bool picket_inbox_acknowledgement(picket_acknowledgement_t *taken);
bool picket_inbox_flash_done(int32_t *status);

bool picket_inbox_is_empty(void);

#endif
