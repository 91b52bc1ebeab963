/* The module's linear memory as an ArrayBuffer that never outlives or misses a move of it. */
#ifndef MEMORY_H
#define MEMORY_H

#include "handle.h"

/* The ArrayBuffer over the memory as it is now. NULL: thrown. */
napi_value memory_view(napi_env env, Handle *handle);

/* Detaches the ArrayBuffer when wasm has moved or grown the memory. */
void memory_check(napi_env env, Handle *handle);

/* Detaches the ArrayBuffer. */
void memory_detach(napi_env env, Handle *handle);

#endif
