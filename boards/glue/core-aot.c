#include <stdbool.h>
#include <stddef.h>

#include "picket_core.h"
#include "core.h" /* translated: boards/aot/translate.ts, name "core" */

static struct {
  picket_core_imports_t imports;
  bool is_open;
  w2c_core instance;
} core;

typedef struct {
  picket_core_export_t number;
  const uint32_t *arguments;
  int32_t result;
} call_t;

/* In the core's memory, or a trap. */
static u8 *data_at(u32 pointer, u32 bytes) {
  wasm_rt_memory_t *const memory = &core.instance.w2c_memory;
  if (pointer > memory->size || bytes > memory->size - pointer) wasm_rt_trap(WASM_RT_TRAP_OOB);
  return memory->data + pointer;
}

/* The header declares those that this core imports. */
u32 w2c_host_publish(struct w2c_host *host, u32 id, u32 pointer, u32 bytes, u32 more);
u32 w2c_host_report(struct w2c_host *host, u32 pointer, u32 bytes, u32 more);
u32 w2c_host_flash_read(struct w2c_host *host, u32 address, u32 pointer, u32 bytes);
u32 w2c_host_flash_program(struct w2c_host *host, u32 address, u32 pointer, u32 bytes);
u32 w2c_host_flash_erase(struct w2c_host *host, u32 address);

u32 w2c_host_publish(struct w2c_host *host, u32 id, u32 pointer, u32 bytes, u32 more) {
  (void)host;
  const u8 *const data = data_at(pointer, bytes);
  return (u32)core.imports.publish(core.imports.context, id, data, bytes, more);
}

u32 w2c_host_report(struct w2c_host *host, u32 pointer, u32 bytes, u32 more) {
  (void)host;
  return (u32)core.imports.report(core.imports.context, data_at(pointer, bytes), bytes, more);
}

u32 w2c_host_flash_read(struct w2c_host *host, u32 address, u32 pointer, u32 bytes) {
  (void)host;
  u8 *const data = data_at(pointer, bytes);
  return (u32)core.imports.flash_read(core.imports.context, address, data, bytes);
}

u32 w2c_host_flash_program(struct w2c_host *host, u32 address, u32 pointer, u32 bytes) {
  (void)host;
  const u8 *const data = data_at(pointer, bytes);
  return (u32)core.imports.flash_program(core.imports.context, address, data, bytes);
}

u32 w2c_host_flash_erase(struct w2c_host *host, u32 address) {
  (void)host;
  return (u32)core.imports.flash_erase(core.imports.context, address);
}

static const char *trap_name(wasm_rt_trap_t trap) {
  switch (trap) {
    case WASM_RT_TRAP_NONE:
      return NULL;
    case WASM_RT_TRAP_OOB:
      return "[trap] out of bounds memory access";
    case WASM_RT_TRAP_INT_OVERFLOW:
      return "[trap] integer overflow";
    case WASM_RT_TRAP_DIV_BY_ZERO:
      return "[trap] integer divide by zero";
    case WASM_RT_TRAP_UNREACHABLE:
      return "[trap] unreachable executed";
    default:
      return "[trap]";
  }
}

static void run_open(void *context) {
  (void)context;
  wasm2c_core_instantiate(&core.instance, NULL);
}

const char *picket_core_open(const picket_core_module_t *module,
                             const picket_core_imports_t *imports) {
  (void)module;
  core.imports = *imports;
  const wasm_rt_trap_t trap = wasm_rt_catch(run_open, NULL);
  core.is_open = trap == WASM_RT_TRAP_NONE;
  return trap_name(trap);
}

/* Calls with the number of arguments that the export's C type has; resolved when compiling. */
typedef void (*any_t)(void);
typedef u32 (*zero_t)(w2c_core *);
typedef u32 (*one_t)(w2c_core *, u32);
typedef u32 (*two_t)(w2c_core *, u32, u32);
typedef u32 (*three_t)(w2c_core *, u32, u32, u32);

static inline u32 call_0(any_t f, const uint32_t *a) {
  (void)a;
  return ((zero_t)f)(&core.instance);
}
static inline u32 call_1(any_t f, const uint32_t *a) { return ((one_t)f)(&core.instance, a[0]); }
static inline u32 call_2(any_t f, const uint32_t *a) {
  return ((two_t)f)(&core.instance, a[0], a[1]);
}
static inline u32 call_3(any_t f, const uint32_t *a) {
  return ((three_t)f)(&core.instance, a[0], a[1], a[2]);
}
#define CALL(f, a) \
  _Generic(&(f), zero_t: call_0, one_t: call_1, two_t: call_2, three_t: call_3)((any_t)(f), a)

static void run_call(void *context) {
  call_t *const call = context;
  switch (call->number) {
#define CASE(number, name)                                         \
  case PICKET_CORE_##number:                                       \
    call->result = (int32_t)CALL(w2c_core_##name, call->arguments); \
    break;
    PICKET_CORE_EXPORTS(CASE)
#undef CASE
    case PICKET_CORE_EXPORT_COUNT:
      break;
  }
}

const char *picket_core_call(picket_core_export_t number, const uint32_t arguments[3],
                             int32_t *result) {
  call_t call = {number, arguments, 0};
  *result = 0;
  if (!core.is_open) return "not open";
  const wasm_rt_trap_t trap = wasm_rt_catch(run_call, &call);
  *result = call.result;
  return trap_name(trap);
}

uint8_t *picket_core_memory(uint32_t *bytes) {
  *bytes = core.is_open ? core.instance.w2c_memory.size : 0u;
  return core.is_open ? core.instance.w2c_memory.data : NULL;
}

void picket_core_forget(void) {}

void picket_core_close(void) { core.is_open = false; }
