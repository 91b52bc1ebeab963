#include <stddef.h>
#include <string.h>

#include "picket_core.h"
#include "wasm3-compat.h"

static struct {
  picket_core_imports_t imports;
  IM3Environment environment;
  IM3Runtime runtime;
  IM3Module module;
  const char *trouble; /* after the code was forgotten */
  IM3Function functions[PICKET_CORE_EXPORT_COUNT]; /* NULL: not compiled now */
} core;

#define NAME(number, name) #name,
static const char *const export_names[PICKET_CORE_EXPORT_COUNT] = {PICKET_CORE_EXPORTS(NAME)};
#undef NAME

/* In the core's memory; NULL: it is not. */
static uint8_t *data_at(uint64_t pointer, uint64_t bytes) {
  uint32_t all = 0;
  uint8_t *const start = picket_core_memory(&all);
  const uint32_t at = (uint32_t)pointer;
  return at <= all && (uint32_t)bytes <= all - at ? start + at : NULL;
}

/* wasm3 hands over the result's place, then the arguments. */
#define IMPORT(name)                                                                       \
  static const void *call_##name(IM3Runtime runtime, IM3ImportContext context, uint64_t *values, \
                                 void *memory)
#define UNUSED ((void)runtime, (void)context, (void)memory)
#define CONTEXT core.imports.context

IMPORT(publish) {
  UNUSED;
  const uint32_t bytes = (uint32_t)values[3];
  const uint8_t *const data = data_at(values[2], bytes);
  if (data == NULL) return m3Err_trapOutOfBoundsMemoryAccess;
  values[0] = (uint32_t)core.imports.publish(CONTEXT, (uint32_t)values[1], data, bytes,
                                             (uint32_t)values[4]);
  return m3Err_none;
}

IMPORT(report) {
  UNUSED;
  const uint32_t bytes = (uint32_t)values[2];
  const uint8_t *const data = data_at(values[1], bytes);
  if (data == NULL) return m3Err_trapOutOfBoundsMemoryAccess;
  values[0] = (uint32_t)core.imports.report(CONTEXT, data, bytes, (uint32_t)values[3]);
  return m3Err_none;
}

IMPORT(flash_read) {
  UNUSED;
  const uint32_t bytes = (uint32_t)values[3];
  uint8_t *const data = data_at(values[2], bytes);
  if (data == NULL) return m3Err_trapOutOfBoundsMemoryAccess;
  values[0] = (uint32_t)core.imports.flash_read(CONTEXT, (uint32_t)values[1], data, bytes);
  return m3Err_none;
}

IMPORT(flash_program) {
  UNUSED;
  const uint32_t bytes = (uint32_t)values[3];
  const uint8_t *const data = data_at(values[2], bytes);
  if (data == NULL) return m3Err_trapOutOfBoundsMemoryAccess;
  values[0] = (uint32_t)core.imports.flash_program(CONTEXT, (uint32_t)values[1], data, bytes);
  return m3Err_none;
}

IMPORT(flash_erase) {
  UNUSED;
  values[0] = (uint32_t)core.imports.flash_erase(CONTEXT, (uint32_t)values[1]);
  return m3Err_none;
}

static const struct {
  const char *name;
  const char *signature;
  M3RawCall call;
} imports[] = {
    {"publish", "i(iiii)", call_publish},
    {"report", "i(iii)", call_report},
    {"flash_read", "i(iii)", call_flash_read},
    {"flash_program", "i(iii)", call_flash_program},
    {"flash_erase", "i(i)", call_flash_erase},
};

/* A core that lacks one of them was built without it. */
static const char *link_imports(void) {
  for (uint32_t i = 0; i < sizeof imports / sizeof *imports; i++) {
    const char *const error = m3_LinkRawFunction(core.module, "host", imports[i].name,
                                                 imports[i].signature, imports[i].call);
    if (error != m3Err_none && error != m3Err_functionLookupFailed) return error;
  }
  return NULL;
}

/* Looks it up and has it compiled. */
static const char *find_export(uint32_t number) {
  return m3_FindFunction(&core.functions[number], core.runtime, export_names[number]);
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
  error = link_imports();
  if (error != NULL) return error;
  for (uint32_t i = 0; i < PICKET_CORE_EXPORT_COUNT; i++) {
    error = find_export(i);
    if (error != NULL) return error;
    if (m3_GetArgCount(core.functions[i]) > 3u) return m3Err_argumentCountMismatch;
  }
  picket_core_forget(); /* All exports are there; most are not needed again. */
  return NULL;
}

void picket_core_forget(void) {
  if (core.module == NULL || !wasm3_forget_code(core.runtime, core.module)) return;
  memset(core.functions, 0, sizeof core.functions);
  core.trouble = link_imports();
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
  const char *error = core.trouble;
  if (error == NULL && core.functions[number] == NULL) error = find_export(number);
  if (error != NULL) return error;
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
  core.trouble = NULL;
  memset(core.functions, 0, sizeof core.functions);
  if (core.runtime != NULL) m3_FreeRuntime(core.runtime);
  if (core.environment != NULL) m3_FreeEnvironment(core.environment);
  core.runtime = NULL;
  core.environment = NULL;
}
