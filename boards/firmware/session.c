#include "session.h"

#include <stdbool.h>
#include <stddef.h>

#include "uart.h"

static struct {
  frame_reader_t reader;
  request_t request;
  uint16_t status;
  uint8_t sequence; /* of the request that is being done or was done last */
  bool is_answered; /* `request` and `status` hold the answer to `sequence` */
} session;

void session_event_with(uint16_t event, const void *head, uint32_t head_bytes, const void *data,
                        uint32_t bytes) {
  frame_writer_t writer = {.write = uart_write};
  frame_begin(&writer, (frame_header_t){KIND_EVENT, session.sequence, event});
  frame_data(&writer, head, head_bytes);
  frame_data(&writer, data, bytes);
  frame_end(&writer);
}

void session_event(uint16_t event, const void *data, uint32_t bytes) {
  session_event_with(event, data, bytes, data, 0);
}

const uint8_t *session_ask(uint16_t event, const void *head, uint32_t head_bytes, const void *data,
                           uint32_t bytes, uint32_t bytes_min) {
  frame_header_t header;
  uint32_t data_bytes = 0;
  session_event_with(event, head, head_bytes, data, bytes);
  do {
    while (!frame_read(&session.reader, uart_read(), &header, &data_bytes)) {
    }
  } while (header.kind != KIND_REPLY || header.sequence != session.sequence);
  return data_bytes < bytes_min ? NULL : session.reader.bytes + HEADER_BYTES;
}

uint32_t session_damaged_count(void) { return session.reader.damaged_count; }

static void respond(void) {
  frame_writer_t writer = {.write = uart_write};
  frame_begin(&writer, (frame_header_t){KIND_RESPONSE, session.sequence, session.status});
  frame_data(&writer, session.request.answer, session.request.answer_bytes);
  frame_end(&writer);
}

static void serve(frame_header_t header, uint32_t data_bytes) {
  if (header.kind != KIND_REQUEST) return;
  if (!session.is_answered || header.sequence != session.sequence) {
    session.sequence = header.sequence;
    session.request.data = session.reader.bytes + HEADER_BYTES;
    session.request.data_bytes = data_bytes;
    session.request.answer_bytes = 0;
    session.status = commands_run(header.code, &session.request);
    if (session.status != STATUS_OK) session.request.answer_bytes = 0;
    session.is_answered = true;
  }
  respond();
}

void session_run(void) {
  for (;;) {
    frame_header_t header;
    uint32_t data_bytes = 0;
    if (frame_read(&session.reader, uart_read(), &header, &data_bytes)) serve(header, data_bytes);
  }
}
