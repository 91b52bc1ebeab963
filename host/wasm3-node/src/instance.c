#include "instance.h"

#include <stdlib.h>
#include <string.h>

static const char out_of_memory[] = "out of memory";

Instance *instance_create(const uint8_t *wasm, size_t wasm_bytes, uint32_t import_count) {
  Instance *instance = calloc(1, sizeof *instance);
  if (instance == NULL) return NULL;
  instance->references = 1;
  instance->import_count = import_count;
  instance->wasm = malloc(wasm_bytes);
  instance->imports = calloc((size_t)import_count + 1, sizeof *instance->imports);
  if (instance->wasm == NULL || instance->imports == NULL) {
    instance_release(instance);
    return NULL;
  }
  memcpy(instance->wasm, wasm, wasm_bytes);
  return instance;
}

M3Result instance_load(Instance *instance, size_t wasm_bytes, uint32_t memory_bytes,
                       uint32_t stack_bytes) {
  instance->environment = m3_NewEnvironment();
  if (instance->environment == NULL) return out_of_memory;
  instance->runtime = m3_NewRuntime(instance->environment, stack_bytes, instance);
  if (instance->runtime == NULL) return out_of_memory;
  wasm3_limit_memory(instance->runtime, memory_bytes);

  IM3Module module = NULL;
  M3Result result =
      m3_ParseModule(instance->environment, &module, instance->wasm, (uint32_t)wasm_bytes);
  if (result != m3Err_none) return result;
  result = m3_LoadModule(instance->runtime, module);
  if (result != m3Err_none) {
    if (!wasm3_owns_refused_module()) m3_FreeModule(module);
    return result;
  }
  instance->module = module;
  return m3Err_none;
}

M3Result instance_link(Instance *instance, uint32_t index, const char *module, const char *name,
                       const char *signature, M3RawCall call) {
  Import *import = &instance->imports[index];
  import->instance = instance;
  import->index = index;
  return m3_LinkRawFunctionEx(instance->module, module, name, signature, call, import);
}

M3Result instance_find(Instance *instance, const char *name, uint32_t *index) {
  IM3Function function = NULL;
  M3Result result = m3_FindFunction(&function, instance->runtime, name);
  if (result != m3Err_none) return result;
  if (m3_GetArgCount(function) > INSTANCE_ARGS_MAX || m3_GetRetCount(function) > 1) {
    return "more than 16 arguments or more than 1 result";
  }
  const size_t bytes = ((size_t)instance->function_count + 1) * sizeof *instance->functions;
  IM3Function *grown = realloc(instance->functions, bytes);
  if (grown == NULL) return out_of_memory;
  instance->functions = grown;
  *index = instance->function_count++;
  grown[*index] = function;
  return m3Err_none;
}

void instance_close(Instance *instance) {
  if (instance->runtime != NULL) m3_FreeRuntime(instance->runtime);
  if (instance->environment != NULL) m3_FreeEnvironment(instance->environment);
  free(instance->functions);
  free(instance->imports);
  free(instance->wasm);
  instance->runtime = NULL;
  instance->environment = NULL;
  instance->module = NULL;
  instance->functions = NULL;
  instance->function_count = 0;
  instance->imports = NULL;
  instance->import_count = 0;
  instance->wasm = NULL;
}

void instance_release(Instance *instance) {
  if (--instance->references > 0) return;
  instance_close(instance);
  free(instance);
}
