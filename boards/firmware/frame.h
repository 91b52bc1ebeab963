/* SLIP frames with a CRC-32 over any byte stream; see host/qemu/protocol.ts. */
#ifndef FRAME_H
#define FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol.h"

typedef struct {
  uint8_t kind;
  uint8_t sequence;
  uint16_t code;
} frame_header_t;

typedef struct {
  uint8_t bytes[HEADER_BYTES + DATA_BYTES_MAX + CRC_BYTES];
  uint32_t length;
  bool is_escaped;
  bool is_damaged;
  uint32_t damaged_count; /* frames dropped for their length, escapes or CRC */
} frame_reader_t;

/*
 * Takes one byte. True: a whole frame stands in `reader->bytes`, of which `*data_bytes` data bytes
 * after the header; it lasts until the next call.
 */
bool frame_read(frame_reader_t *reader, uint8_t byte, frame_header_t *header,
                uint32_t *data_bytes);

/* A frame is written in parts, so that data need not be in one piece: begin, data..., end. */
typedef struct {
  void (*write)(uint8_t byte);
  uint32_t crc;
} frame_writer_t;

void frame_begin(frame_writer_t *writer, frame_header_t header);
void frame_data(frame_writer_t *writer, const void *data, uint32_t bytes);
void frame_end(frame_writer_t *writer);

#endif
