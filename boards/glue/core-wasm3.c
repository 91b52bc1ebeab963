#include <stddef.h>

#include "picket_core.h"
#include "wasm3-compat.h"

static struct {
  picket_core_imports_t imports;
  IM3Environment environment;
  IM3Runtime runtime;
  IM3Module module;
  IM3Function functions[PICKET_CORE_EXPORT_COUNT];
} core;

#define NAME(number, name) #name,
static const char *const export_names[PICKET_CORE_EXPORT_COUNT] = {PICKET_CORE_EXPORTS(NAME)};
#undef NAME

/* i32 publish(u32 id, usize pointer, u32 bytes, u32 more) */
static const void *call_publish(IM3Runtime runtime, IM3ImportContext context, uint64_t *values,
                                void *memory) {
  uint32_t bytes_all = 0;
  const uint8_t *const start = picket_core_memory(&bytes_all);
  const uint32_t pointer = (uint32_t)values[2];
  const uint32_t bytes = (uint32_t)values[3];
  (void)runtime;
  (void)context;
  (void)memory;
  if (pointer > bytes_all || bytes > bytes_all - pointer) return m3Err_trapOutOfBoundsMemoryAccess;
  const int32_t result = core.imports.publish(core.imports.context, (uint32_t)values[1],
                                              start + pointer, bytes, (uint32_t)values[4]);
  values[0] = (uint32_t)result;
  return m3Err_none;
}

static const char *open_module(const picket_core_module_t *module) {
  core.environment = m3_NewEnvironment();
  if (core.environment == NULL) return m3Err_mallocFailed;
  core.runtime = m3_NewRuntime(core.environment, module->stack_bytes, NULL);
  if (core.runtime == NULL) return m3Err_mallocFailed;
  wasm3_limit_memory(core.runtime, module->memory_bytes);
  IM3Module parsed = NULL;
  const char *error = m3_ParseModule(core.environment, &parsed, module->wasm, module->wasm_bytes);
  if (error != m3Err_none) return error;
  error = m3_LoadModule(core.runtime, parsed);
  if (error != m3Err_none) {
    if (!wasm3_owns_refused_module()) m3_FreeModule(parsed);
    return error;
  }
  core.module = parsed;
  error = m3_LinkRawFunction(parsed, "host", "publish", "i(iiii)", call_publish);
  if (error != m3Err_none && error != m3Err_functionLookupFailed) return error;
  for (uint32_t i = 0; i < PICKET_CORE_EXPORT_COUNT; i++) {
    error = m3_FindFunction(&core.functions[i], core.runtime, export_names[i]);
    if (error != m3Err_none) return error;
    if (m3_GetArgCount(core.functions[i]) > 3u) return m3Err_argumentCountMismatch;
  }
  return NULL;
}

const char *picket_core_open(const picket_core_module_t *module,
                             const picket_core_imports_t *imports) {
  picket_core_close();
  core.imports = *imports;
  const char *const error = open_module(module);
  if (error != NULL) picket_core_close();
  return error;
}

const char *picket_core_call(picket_core_export_t number, const uint32_t arguments[3],
                             int32_t *result) {
  const void *const pointers[3] = {&arguments[0], &arguments[1], &arguments[2]};
  const void *const results[1] = {result};
  *result = 0;
  if (core.module == NULL) return "not open";
  const IM3Function function = core.functions[number];
  const char *const trap = m3_Call(function, m3_GetArgCount(function), (const void **)pointers);
  if (trap != m3Err_none || m3_GetRetCount(function) == 0u) return trap;
  return m3_GetResults(function, 1, (const void **)results);
}

uint8_t *picket_core_memory(uint32_t *bytes) {
  size_t size = 0;
  *bytes = 0;
  if (core.module == NULL) return NULL;
  uint8_t *const memory = wasm3_memory(core.runtime, core.module, &size);
  *bytes = (uint32_t)size;
  return memory;
}

void picket_core_close(void) {
  core.module = NULL;
  if (core.runtime != NULL) m3_FreeRuntime(core.runtime);
  if (core.environment != NULL) m3_FreeEnvironment(core.environment);
  core.runtime = NULL;
  core.environment = NULL;
}
