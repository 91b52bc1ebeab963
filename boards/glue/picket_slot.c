#include "picket_slot.h"

#include <stddef.h>
#include <string.h>

#include "picket_sha256.h"

#define ERASED 0xffffffffu

static uint32_t word_at(const uint8_t *from) {
  uint32_t word = 0;
  memcpy(&word, from, sizeof word);
  return word;
}

static uint32_t half_at(const uint8_t *from) {
  uint16_t half = 0;
  memcpy(&half, from, sizeof half);
  return half;
}

static int is_whole(const uint8_t *slot, uint32_t length) {
  picket_sha256_t hash;
  uint8_t digest[PICKET_SHA256_BYTES];
  picket_sha256_begin(&hash);
  picket_sha256_add(&hash, slot, PICKET_IMAGE_AT_DIGEST);
  picket_sha256_add(&hash, slot + PICKET_IMAGE_HEAD_BYTES, length);
  picket_sha256_end(&hash, digest);
  return memcmp(digest, slot + PICKET_IMAGE_AT_DIGEST, sizeof digest) == 0;
}

uint32_t picket_slot_read(const uint8_t *slot, uint32_t bytes, picket_slot_t *image) {
  if (bytes < PICKET_IMAGE_HEAD_BYTES) return PICKET_IMAGE_NO_MAGIC;
  const uint32_t magic = word_at(slot + PICKET_IMAGE_AT_MAGIC);
  if (magic == ERASED) return PICKET_IMAGE_EMPTY;
  if (magic != PICKET_IMAGE_MAGIC) return PICKET_IMAGE_NO_MAGIC;
  if (half_at(slot + PICKET_IMAGE_AT_FORMAT) != PICKET_IMAGE_FORMAT) {
    return PICKET_IMAGE_OTHER_FORMAT;
  }
  if (half_at(slot + PICKET_IMAGE_AT_ABI) != PICKET_ABI_VERSION) return PICKET_IMAGE_OTHER_ABI;
  const uint32_t length = word_at(slot + PICKET_IMAGE_AT_LENGTH);
  if (length == 0u || length > bytes - PICKET_IMAGE_HEAD_BYTES) return PICKET_IMAGE_BAD_LENGTH;
  if (!is_whole(slot, length)) return PICKET_IMAGE_BAD_DIGEST;
  image->wasm = slot + PICKET_IMAGE_HEAD_BYTES;
  image->wasm_bytes = length;
  image->sequence = word_at(slot + PICKET_IMAGE_AT_SEQUENCE);
  memcpy(image->build_id, slot + PICKET_IMAGE_AT_BUILD_ID, sizeof image->build_id);
  return PICKET_IMAGE_VALID;
}

uint32_t picket_slot_choose(const uint8_t *const slots[2], uint32_t bytes, picket_slot_t *image,
                            uint32_t found[2]) {
  uint32_t active = PICKET_SLOT_NONE;
  for (uint32_t i = 0; i < 2u; i++) {
    picket_slot_t candidate = {NULL, 0, 0, {0}};
    found[i] = picket_slot_read(slots[i], bytes, &candidate);
    if (found[i] != PICKET_IMAGE_VALID) continue;
    const int is_later = (int32_t)(candidate.sequence - image->sequence) > 0;
    if (active != PICKET_SLOT_NONE && !is_later) continue;
    *image = candidate;
    active = i;
  }
  return active;
}
