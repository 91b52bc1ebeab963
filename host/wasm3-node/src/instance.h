/* One wasm module in one wasm3 runtime, without anything of Node. Results are NULL (fine) or a
 * static text of what is wrong. */
#ifndef INSTANCE_H
#define INSTANCE_H

#include "wasm3-compat.h"

#define INSTANCE_ARGS_MAX 16

typedef struct Instance Instance;

/* A host function that the module imports; `signature` in wasm3's notation, as "i(iI)". */
typedef struct {
  Instance *instance;
  uint32_t index;
} Import;

struct Instance {
  uint32_t references; /* the handle, and the ArrayBuffer over the memory */
  int running;         /* between entry and return of a call into wasm */
  void *context;       /* the caller's, during a call */
  uint8_t *wasm;       /* wasm3 keeps pointers into the module's bytes */
  IM3Environment environment;
  IM3Runtime runtime;
  IM3Module module;
  IM3Function *functions;
  uint32_t function_count;
  Import *imports;
  uint32_t import_count;
};

/* Allocates; NULL when memory is out. The caller holds one reference. */
Instance *instance_create(const uint8_t *wasm, size_t wasm_bytes, uint32_t import_count);

/* Parses and loads. The module must be valid: wasm3 0.5.0 does not check it. */
M3Result instance_load(Instance *instance, size_t wasm_bytes, uint32_t memory_bytes,
                       uint32_t stack_bytes);

/* Binds import `index`. */
M3Result instance_link(Instance *instance, uint32_t index, const char *module, const char *name,
                       const char *signature, M3RawCall call);

/* Finds an exported function and keeps it; its index is for `instance->functions`. */
M3Result instance_find(Instance *instance, const char *name, uint32_t *index);

/* Frees everything of wasm3's; the Instance itself lives until its last reference goes. */
void instance_close(Instance *instance);

void instance_release(Instance *instance);

#endif
