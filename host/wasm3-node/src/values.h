/* JavaScript values to and from wasm's four number types. */
#ifndef VALUES_H
#define VALUES_H

#include <node_api.h>
#include <stdbool.h>
#include <stdint.h>

#include "wasm3-compat.h"

/* Converts as WebAssembly does (i32 wraps, i64 is a BigInt). False: thrown a TypeError. */
bool value_from_js(napi_env env, napi_value value, M3ValueType type, uint64_t *slot);

napi_value value_to_js(napi_env env, M3ValueType type, const uint64_t *slot);

/* The letter of a type in wasm3's signatures. */
char value_letter(M3ValueType type);

#endif
