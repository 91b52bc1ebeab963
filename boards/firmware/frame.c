#include "frame.h"

#include <stddef.h>

#define CRC_POLYNOMIAL 0xedb88320u
#define CRC_START 0xffffffffu

/* Four bits at a time: 64 bytes of table instead of 1,024. */
static uint32_t crc_update(uint32_t crc, uint8_t byte) {
  static const uint32_t table[16] = {
      0x00000000u, 0x1db71064u, 0x3b6e20c8u, 0x26d930acu, 0x76dc4190u, 0x6b6b51f4u,
      0x4db26158u, 0x5005713cu, CRC_POLYNOMIAL, 0xf00f9344u, 0xd6d6a3e8u, 0xcb61b38cu,
      0x9b64c2b0u, 0x86d3d2d4u, 0xa00ae278u, 0xbdbdf21cu};
  crc = (crc >> 4) ^ table[(crc ^ byte) & 15u];
  return (crc >> 4) ^ table[(crc ^ (uint32_t)(byte >> 4)) & 15u];
}

static bool frame_complete(frame_reader_t *reader, frame_header_t *header, uint32_t *data_bytes) {
  const uint32_t length = reader->length;
  bool is_damaged = reader->is_damaged || reader->is_escaped;
  reader->length = 0;
  reader->is_escaped = false;
  reader->is_damaged = false;
  if (length == 0u && !is_damaged) return false; /* between two frames */
  if (length < HEADER_BYTES + CRC_BYTES) is_damaged = true;
  if (!is_damaged) {
    uint32_t crc = CRC_START;
    uint32_t sent = 0;
    for (uint32_t i = 0; i < length - CRC_BYTES; i++) crc = crc_update(crc, reader->bytes[i]);
    for (uint32_t i = 0; i < CRC_BYTES; i++) {
      sent |= (uint32_t)reader->bytes[length - CRC_BYTES + i] << (8u * i);
    }
    is_damaged = sent != ~crc;
  }
  if (is_damaged) {
    reader->damaged_count += 1u;
    return false;
  }
  header->kind = reader->bytes[0];
  header->sequence = reader->bytes[1];
  header->code = (uint16_t)(reader->bytes[2] | (reader->bytes[3] << 8));
  *data_bytes = length - HEADER_BYTES - CRC_BYTES;
  return true;
}

bool frame_read(frame_reader_t *reader, uint8_t byte, frame_header_t *header,
                uint32_t *data_bytes) {
  if (byte == SLIP_END) return frame_complete(reader, header, data_bytes);
  if (reader->is_escaped) {
    reader->is_escaped = false;
    if (byte == SLIP_ESC_END) {
      byte = SLIP_END;
    } else if (byte == SLIP_ESC_ESC) {
      byte = SLIP_ESC;
    } else {
      reader->is_damaged = true;
    }
  } else if (byte == SLIP_ESC) {
    reader->is_escaped = true;
    return false;
  }
  if (reader->length >= sizeof reader->bytes) {
    reader->is_damaged = true;
  } else {
    reader->bytes[reader->length++] = byte;
  }
  return false;
}

static void write_escaped(const frame_writer_t *writer, uint8_t byte) {
  if (byte == SLIP_END || byte == SLIP_ESC) {
    writer->write(SLIP_ESC);
    byte = byte == SLIP_END ? SLIP_ESC_END : SLIP_ESC_ESC;
  }
  writer->write(byte);
}

void frame_data(frame_writer_t *writer, const void *data, uint32_t bytes) {
  const uint8_t *from = data;
  for (uint32_t i = 0; i < bytes; i++) {
    writer->crc = crc_update(writer->crc, from[i]);
    write_escaped(writer, from[i]);
  }
}

void frame_begin(frame_writer_t *writer, frame_header_t header) {
  const uint8_t bytes[HEADER_BYTES] = {header.kind, header.sequence, (uint8_t)header.code,
                                       (uint8_t)(header.code >> 8)};
  writer->crc = CRC_START;
  writer->write(SLIP_END); /* ends whatever noise came before */
  frame_data(writer, bytes, HEADER_BYTES);
}

void frame_end(frame_writer_t *writer) {
  const uint32_t crc = ~writer->crc;
  for (uint32_t i = 0; i < CRC_BYTES; i++) write_escaped(writer, (uint8_t)(crc >> (8u * i)));
  writer->write(SLIP_END);
}
