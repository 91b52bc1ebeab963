/*
 * The core on one of two back ends, wasm3 (core-wasm3.c) or translated to C (core-aot.c): exactly
 * one of the files belongs into an image. One core per image; callers see to it that only one
 * thread is in here.
 */
#ifndef PICKET_CORE_H
#define PICKET_CORE_H

#include <stdint.h>

#include "picket_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PICKET_CORE_NUMBER(number, name) PICKET_CORE_##number,
typedef enum { PICKET_CORE_EXPORTS(PICKET_CORE_NUMBER) PICKET_CORE_EXPORT_COUNT } picket_core_export_t;
#undef PICKET_CORE_NUMBER

/* What the core imports; see assembly/host.ts. Data lies in the core's memory. */
typedef struct {
  int32_t (*publish)(void *context, uint32_t id, const uint8_t *data, uint32_t bytes,
                     uint32_t more);
  int32_t (*report)(void *context, const uint8_t *data, uint32_t bytes, uint32_t more);
  int32_t (*flash_read)(void *context, uint32_t address, uint8_t *data, uint32_t bytes);
  int32_t (*flash_program)(void *context, uint32_t address, const uint8_t *data, uint32_t bytes);
  int32_t (*flash_erase)(void *context, uint32_t address);
  void *context;
} picket_core_imports_t;

/* A module for wasm3; the other back end has its own and ignores this. */
typedef struct {
  const uint8_t *wasm; /* stays in place as long as the core is open */
  uint32_t wasm_bytes;
  uint32_t memory_bytes; /* linear memory, at least what the core's memory_bytes() tells */
  uint32_t stack_bytes;  /* wasm3's own stack: as much as the core was made with */
} picket_core_module_t;

/*
 * Loads the core with its memory as at power-on. All imports must be there. NULL, or what is
 * wrong, in a few words.
 */
const char *picket_core_open(const picket_core_module_t *module,
                             const picket_core_imports_t *imports);

/*
 * Calls an export with as many of the arguments as it takes.
 *
 * Returns NULL and sets `*result` (0 for an export without one), or returns the trap's name. After a
 * trap the core must be opened anew.
 */
const char *picket_core_call(picket_core_export_t number, const uint32_t arguments[3],
                             int32_t *result);

/*
 * Gives back memory of code that ran so far: with wasm3, which compiles what is called, all of it.
 * Later calls compile anew what they need.
 */
void picket_core_forget(void);

/* Linear memory; NULL while no core is open. */
uint8_t *picket_core_memory(uint32_t *bytes);

void picket_core_close(void);

#ifdef __cplusplus
}
#endif

#endif
