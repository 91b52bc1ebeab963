#include "values.h"

#include <string.h>

static bool wrong(napi_env env, const char *message) {
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (!pending) napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message);
  return false;
}

bool value_from_js(napi_env env, napi_value value, M3ValueType type, uint64_t *slot) {
  *slot = 0;
  if (type == c_m3Type_i64) {
    bool lossless = false;
    int64_t big = 0;
    if (napi_get_value_bigint_int64(env, value, &big, &lossless) != napi_ok) {
      return wrong(env, "wasm3: an i64 is a bigint");
    }
    memcpy(slot, &big, sizeof big);
    return true;
  }
  double number = 0;
  if (napi_get_value_double(env, value, &number) != napi_ok) {
    return wrong(env, "wasm3: an i32, f32 or f64 is a number");
  }
  if (type == c_m3Type_i32) {
    int32_t integer = 0;
    napi_get_value_int32(env, value, &integer);
    memcpy(slot, &integer, sizeof integer);
  } else if (type == c_m3Type_f32) {
    const float single = (float)number;
    memcpy(slot, &single, sizeof single);
  } else {
    memcpy(slot, &number, sizeof number);
  }
  return true;
}

napi_value value_to_js(napi_env env, M3ValueType type, const uint64_t *slot) {
  napi_value value = NULL;
  int32_t integer;
  int64_t big;
  float single;
  double number;
  switch (type) {
    case c_m3Type_i32:
      memcpy(&integer, slot, sizeof integer);
      napi_create_int32(env, integer, &value);
      break;
    case c_m3Type_i64:
      memcpy(&big, slot, sizeof big);
      napi_create_bigint_int64(env, big, &value);
      break;
    case c_m3Type_f32:
      memcpy(&single, slot, sizeof single);
      napi_create_double(env, (double)single, &value);
      break;
    case c_m3Type_f64:
      memcpy(&number, slot, sizeof number);
      napi_create_double(env, number, &value);
      break;
    default:
      napi_get_undefined(env, &value);
  }
  return value;
}

char value_letter(M3ValueType type) {
  switch (type) {
    case c_m3Type_i32:
      return 'i';
    case c_m3Type_i64:
      return 'I';
    case c_m3Type_f32:
      return 'f';
    case c_m3Type_f64:
      return 'F';
    default:
      return '?';
  }
}
