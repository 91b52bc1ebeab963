/* Requests in, events and responses out, over the UART. */
#ifndef SESSION_H
#define SESSION_H

#include <stdint.h>

#include "frame.h"

/* What a command reads and answers. */
typedef struct {
  const uint8_t *data;
  uint32_t data_bytes;
  uint8_t answer[DATA_BYTES_MAX];
  uint32_t answer_bytes;
} request_t;

/* Puts a word at the end of the answer. */
void answer_u32(request_t *request, uint32_t value);

/* Does a command and returns STATUS_*. */
uint16_t commands_run(uint16_t command, request_t *request);

/* Sends an event in the request that is being done. */
void session_event(uint16_t event, const void *data, uint32_t bytes);

/* An event in two pieces, for a header before data that lies elsewhere. */
void session_event_with(uint16_t event, const void *head, uint32_t head_bytes, const void *data,
                        uint32_t bytes);

/*
 * Sends an event and waits for the host's reply; its data stay until the next frame. NULL: the
 * reply has fewer than `bytes_min` bytes. The request's own data are gone then.
 */
const uint8_t *session_ask(uint16_t event, const void *head, uint32_t head_bytes, const void *data,
                           uint32_t bytes, uint32_t bytes_min);

/* Frames dropped so far. */
uint32_t session_damaged_count(void);

/* Serves for ever. */
__attribute__((noreturn)) void session_run(void);

#endif
