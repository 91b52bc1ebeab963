/*
 * One view of wasm3 over its versions 0.5.0 to 0.9.x, whose interfaces differ in where the memory
 * hangs (runtime or module) and in the type of its size. Used by the Node addon and by firmware.
 */
#ifndef WASM3_COMPAT_H
#define WASM3_COMPAT_H

#include <stddef.h>
#include <stdint.h>

/* A guarded memory ends on a page of the host; ours end at the byte that the board's end at. */
#ifndef d_m3GuardedMemory
#define d_m3GuardedMemory 0
#endif

#include "m3_env.h"
#include "wasm3.h"

typedef void (*Wasm3AnyFunction)(void);
typedef uint8_t *(*Wasm3MemoryOfRuntime)(IM3Runtime, uint32_t *, uint32_t);
typedef uint8_t *(*Wasm3MemoryOfModule)(IM3Module, size_t *, uint32_t);

static inline uint8_t *wasm3_memory_of_runtime(Wasm3AnyFunction get, IM3Runtime runtime,
                                               IM3Module module, size_t *bytes) {
  uint32_t size = 0;
  uint8_t *memory = ((Wasm3MemoryOfRuntime)get)(runtime, &size, 0);
  (void)module;
  *bytes = size;
  return memory;
}

static inline uint8_t *wasm3_memory_of_module(Wasm3AnyFunction get, IM3Runtime runtime,
                                              IM3Module module, size_t *bytes) {
  (void)runtime;
  return ((Wasm3MemoryOfModule)get)(module, bytes, 0);
}

/* The module's linear memory (NULL when it has none) and its size in bytes, as allocated. */
static inline uint8_t *wasm3_memory(IM3Runtime runtime, IM3Module module, size_t *bytes) {
  *bytes = 0;
  return _Generic(&m3_GetMemory, Wasm3MemoryOfRuntime: wasm3_memory_of_runtime,
                  default: wasm3_memory_of_module)((Wasm3AnyFunction)m3_GetMemory, runtime, module,
                                                   bytes);
}

/* Caps what wasm3 allocates for linear memory, in bytes; to be called before m3_LoadModule. */
static inline void wasm3_limit_memory(IM3Runtime runtime, uint32_t bytes) {
  runtime->memoryLimit = bytes;
}

/* From 0.9 on, a module handed to m3_LoadModule belongs to the runtime even when that failed. */
static inline int wasm3_owns_refused_module(void) {
  return M3_VERSION_MAJOR > 0 || M3_VERSION_MINOR >= 9;
}

/*
 * Frees what wasm3 has compiled, only between calls: exports must be looked up and host functions
 * linked again. 0, and nothing is done: a version whose inside is not known here.
 */
static inline int wasm3_forget_code(IM3Runtime runtime, IM3Module module) {
#if M3_VERSION_MAJOR == 0 && M3_VERSION_MINOR == 5
  for (uint32_t i = 0; i < module->numFunctions; i++) {
    M3Function *const function = &module->functions[i];
    function->compiled = NULL;
    function->numConstantBytes = 0;
    m3_Free(function->constants);
  }
  FreeCodePages(&runtime->pagesOpen);
  FreeCodePages(&runtime->pagesFull);
  runtime->numCodePages = 0;
  return 1;
#else
  (void)runtime;
  (void)module;
  return 0;
#endif
}

#endif
