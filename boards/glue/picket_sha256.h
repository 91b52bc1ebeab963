/* SHA-256 (FIPS 180-4): within the kit. */
#ifndef PICKET_SHA256_H
#define PICKET_SHA256_H

#include <stdint.h>

#define PICKET_SHA256_BYTES 32u

typedef struct {
  uint32_t state[8];
  uint32_t bytes; /* so far */
  uint8_t block[64];
} picket_sha256_t;

void picket_sha256_begin(picket_sha256_t *hash);
void picket_sha256_add(picket_sha256_t *hash, const uint8_t *data, uint32_t bytes);
/* At most 512 MiB in all. */
void picket_sha256_end(picket_sha256_t *hash, uint8_t digest[PICKET_SHA256_BYTES]);

#endif
