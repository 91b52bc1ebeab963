#include "picket_sha256.h"

#include <string.h>

#define BLOCK_BYTES 64u
#define LENGTH_AT 56u

/* FIPS 180-4, 4.2.2 and 5.3.3. */
static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
static const uint32_t initial[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
    0x1f83d9ab, 0x5be0cd19,
};

static uint32_t rotate(uint32_t word, uint32_t by) { return (word >> by) | (word << (32u - by)); }

/* 6.2.2; the schedule is kept for the last 16 words. */
static void add_block(picket_sha256_t *hash) {
  uint32_t words[16];
  uint32_t now[8];
  memcpy(now, hash->state, sizeof now);
  for (uint32_t i = 0; i < 16u; i++) {
    const uint8_t *const at = hash->block + 4u * i;
    words[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
  }
  for (uint32_t i = 0; i < 64u; i++) {
    if (i >= 16u) {
      const uint32_t x = words[(i + 1u) % 16u];
      const uint32_t y = words[(i + 14u) % 16u];
      words[i % 16u] += (rotate(x, 7) ^ rotate(x, 18) ^ (x >> 3)) + words[(i + 9u) % 16u] +
                        (rotate(y, 17) ^ rotate(y, 19) ^ (y >> 10));
    }
    const uint32_t e = now[4];
    const uint32_t a = now[0];
    const uint32_t first = now[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                           ((e & now[5]) ^ (~e & now[6])) + constants[i] + words[i % 16u];
    const uint32_t second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                            ((a & now[1]) ^ (a & now[2]) ^ (now[1] & now[2]));
    memmove(now + 1, now, 7u * sizeof *now);
    now[4] += first;
    now[0] = first + second;
  }
  for (uint32_t i = 0; i < 8u; i++) hash->state[i] += now[i];
}

void picket_sha256_begin(picket_sha256_t *hash) {
  memcpy(hash->state, initial, sizeof initial);
  hash->bytes = 0;
}

void picket_sha256_add(picket_sha256_t *hash, const uint8_t *data, uint32_t bytes) {
  while (bytes > 0u) {
    const uint32_t at = hash->bytes % BLOCK_BYTES;
    const uint32_t room = BLOCK_BYTES - at;
    const uint32_t part = bytes < room ? bytes : room;
    memcpy(hash->block + at, data, part);
    hash->bytes += part;
    data += part;
    bytes -= part;
    if (part == room) add_block(hash);
  }
}

void picket_sha256_end(picket_sha256_t *hash, uint8_t digest[PICKET_SHA256_BYTES]) {
  static const uint8_t padding[BLOCK_BYTES] = {0x80};
  const uint32_t all = hash->bytes;
  const uint32_t at = all % BLOCK_BYTES;
  picket_sha256_add(hash, padding, (at < LENGTH_AT ? LENGTH_AT : LENGTH_AT + BLOCK_BYTES) - at);
  const uint8_t bits[8] = {0,
                           0,
                           0,
                           (uint8_t)(all >> 29),
                           (uint8_t)(all >> 21),
                           (uint8_t)(all >> 13),
                           (uint8_t)(all >> 5),
                           (uint8_t)(all << 3)};
  picket_sha256_add(hash, bits, sizeof bits);
  for (uint32_t i = 0; i < PICKET_SHA256_BYTES; i++) {
    digest[i] = (uint8_t)(hash->state[i / 4u] >> (24u - 8u * (i % 4u)));
  }
}
