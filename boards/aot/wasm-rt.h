/*
 * The runtime under a module that `wasm2c` translated to C, for boards: one static memory of exactly
 * WASM_RT_MEMORY_BYTES (not a multiple of a page), every access checked, traps returned to the
 * caller, no heap, and of libc only memcpy and memset.
 *
 * The generated header defines WASM_RT_MEMORY_BYTES and then includes this file; code that only
 * catches traps may include it alone. Source of the names: wabt 1.0.39, wasm2c's output.
 */
#ifndef WASM_RT_H
#define WASM_RT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "wasm-rt: only for little-endian targets"
#endif
#define WABT_BIG_ENDIAN 0

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Translated modules have no recursion (boards/aot/translate.ts refuses it): nothing to count. */
#define WASM_RT_STACK_DEPTH_COUNT 0
#define WASM_RT_MEMCHECK_GUARD_PAGES 0
#define WASM_RT_USE_SEGUE 0
#define WASM_RT_SANITY_CHECKS 0

#define wasm_rt_memcpy memcpy
#define memmove wasm_rt_memmove

typedef enum {
  WASM_RT_TRAP_NONE = 0,
  WASM_RT_TRAP_OOB = 1,
  WASM_RT_TRAP_INT_OVERFLOW = 2,
  WASM_RT_TRAP_DIV_BY_ZERO = 3,
  WASM_RT_TRAP_INVALID_CONVERSION = 4,
  WASM_RT_TRAP_UNREACHABLE = 5,
  WASM_RT_TRAP_CALL_INDIRECT = 6,
  WASM_RT_TRAP_EXHAUSTION = 7
} wasm_rt_trap_t;

/*
 * Runs call(context) and returns WASM_RT_TRAP_NONE, or the trap that ended it. Calls nest; they must
 * not be interleaved between threads (the core's lock sees to that).
 */
wasm_rt_trap_t wasm_rt_catch(void (*call)(void *context), void *context);

/* Ends the innermost wasm_rt_catch. Outside of any: stops in an endless loop, for the watchdog. */
__attribute__((noreturn, cold)) void wasm_rt_trap(wasm_rt_trap_t trap);

/* As memmove, which boards without libc lack. */
void *wasm_rt_memmove(void *to, const void *from, size_t bytes);

static inline bool wasm_rt_is_initialized(void) { return true; }

/* What wasm2c's helpers for tables name; no translated module has one. */
typedef enum {
  WASM_RT_I32,
  WASM_RT_I64,
  WASM_RT_F32,
  WASM_RT_F64,
  WASM_RT_V128,
  WASM_RT_FUNCREF,
  WASM_RT_EXTERNREF,
  WASM_RT_EXNREF
} wasm_rt_type_t;
typedef const char *wasm_rt_func_type_t;
typedef void (*wasm_rt_function_ptr_t)(void);
typedef struct wasm_rt_tailcallee_t {
  void (*fn)(void **, void *, struct wasm_rt_tailcallee_t *);
} wasm_rt_tailcallee_t;
typedef struct {
  wasm_rt_func_type_t func_type;
  wasm_rt_function_ptr_t func;
  wasm_rt_tailcallee_t func_tailcallee;
  void *module_instance;
} wasm_rt_funcref_t;
typedef void *wasm_rt_externref_t;
typedef struct {
  wasm_rt_funcref_t *data;
  uint32_t max_size;
  uint32_t size;
} wasm_rt_funcref_table_t;
typedef struct {
  wasm_rt_externref_t *data;
  uint32_t max_size;
  uint32_t size;
} wasm_rt_externref_table_t;
static const wasm_rt_funcref_t wasm_rt_funcref_null_value __attribute__((unused));
static const wasm_rt_externref_t wasm_rt_externref_null_value __attribute__((unused));

#ifdef WASM_RT_MEMORY_BYTES

typedef struct {
  uint32_t size;  /* bytes */
  uint32_t pages; /* as the module declares them: what memory.size tells */
  uint8_t data[WASM_RT_MEMORY_BYTES] __attribute__((aligned(8)));
} wasm_rt_memory_t;

static inline void wasm_rt_allocate_memory(wasm_rt_memory_t *memory, uint64_t initial_pages,
                                           uint64_t max_pages, bool is64, uint32_t page_bytes) {
  (void)max_pages;
  (void)is64;
  (void)page_bytes;
  memset(memory->data, 0, sizeof memory->data);
  memory->size = WASM_RT_MEMORY_BYTES;
  memory->pages = (uint32_t)initial_pages;
}

static inline uint64_t wasm_rt_grow_memory(wasm_rt_memory_t *memory, uint64_t pages) {
  return pages == 0 ? memory->pages : UINT32_MAX;
}

static inline void wasm_rt_free_memory(wasm_rt_memory_t *memory) { (void)memory; }

/*
 * Loads and stores. `offset` is a constant of the instruction, so the check is one comparison with a
 * constant. `_default32` takes an address that is already summed.
 */
#define WASM_RT_CHECK_AT(type, base, offset)                                             \
  if (UNLIKELY((uint64_t)(offset) + sizeof(type) > WASM_RT_MEMORY_BYTES ||               \
               (base) > (uint32_t)(WASM_RT_MEMORY_BYTES - sizeof(type) - (offset))))     \
  wasm_rt_trap(WASM_RT_TRAP_OOB)

#define WASM_RT_CHECK_ADDRESS(type, address)                                             \
  if (UNLIKELY((address) > WASM_RT_MEMORY_BYTES ||                                       \
               (address) + sizeof(type) > WASM_RT_MEMORY_BYTES))                         \
  wasm_rt_trap(WASM_RT_TRAP_OOB)

#define WASM_RT_INLINE static inline __attribute__((always_inline, unused))

#define WASM_RT_DEFINE_LOAD(name, memory_type, extended_type, value_type)                \
  WASM_RT_INLINE value_type name##_from(const uint8_t *from) {                           \
    memory_type result;                                                                  \
    memcpy(&result, from, sizeof result);                                                \
    return (value_type)(extended_type)result;                                            \
  }                                                                                      \
  WASM_RT_INLINE value_type name##_at(const wasm_rt_memory_t *memory, uint32_t base,     \
                                      uint32_t offset) {                                 \
    WASM_RT_CHECK_AT(memory_type, base, offset);                                         \
    return name##_from(&memory->data[base] + offset);                                    \
  }                                                                                      \
  WASM_RT_INLINE value_type name##_default32(const wasm_rt_memory_t *memory,             \
                                             uint64_t address) {                         \
    WASM_RT_CHECK_ADDRESS(memory_type, address);                                         \
    return name##_from(&memory->data[address]);                                          \
  }

#define WASM_RT_DEFINE_STORE(name, memory_type, value_type)                              \
  WASM_RT_INLINE void name##_to(uint8_t *to, value_type value) {                         \
    const memory_type wrapped = (memory_type)value;                                      \
    memcpy(to, &wrapped, sizeof wrapped);                                                \
  }                                                                                      \
  WASM_RT_INLINE void name##_at(wasm_rt_memory_t *memory, uint32_t base, uint32_t offset, \
                                value_type value) {                                      \
    WASM_RT_CHECK_AT(memory_type, base, offset);                                         \
    name##_to(&memory->data[base] + offset, value);                                      \
  }                                                                                      \
  WASM_RT_INLINE void name##_default32(wasm_rt_memory_t *memory, uint64_t address,       \
                                       value_type value) {                               \
    WASM_RT_CHECK_ADDRESS(memory_type, address);                                         \
    name##_to(&memory->data[address], value);                                            \
  }

#endif /* WASM_RT_MEMORY_BYTES */

#ifdef __cplusplus
}
#endif

#endif
