#include "handle.h"

#include <stdio.h>
#include <stdlib.h>

#include "memory.h"

static const napi_type_tag HANDLE_TAG = {0x8d6f9c1b52e74a03u, 0xa3c1f0972be84d55u};

napi_value fail(napi_env env, const char *code, const char *name, const char *reason) {
  char text[2 * TEXT_BYTES_MAX];
  snprintf(text, sizeof text, "%s: %s", name, reason);
  napi_throw_error(env, code, text);
  return NULL;
}

napi_value wrong_argument(napi_env env, const char *what) {
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", what);
  return NULL;
}

void handle_account(napi_env env, Handle *handle, int64_t bytes) {
  int64_t total = 0;
  napi_adjust_external_memory(env, bytes - handle->external_bytes, &total);
  handle->external_bytes = bytes;
}

static void handle_finalize(napi_env env, void *data, void *hint) {
  Handle *handle = data;
  (void)hint;
  handle_account(env, handle, 0);
  if (handle->buffer != NULL) napi_delete_reference(env, handle->buffer);
  instance_release(handle->instance);
  free(handle);
}

napi_value handle_wrap(napi_env env, Handle *handle) {
  napi_value external = NULL;
  if (napi_create_external(env, handle, handle_finalize, NULL, &external) != napi_ok) return NULL;
  napi_type_tag_object(env, external, &HANDLE_TAG);
  return external;
}

Handle *handle_get(napi_env env, napi_value value, bool closed_too) {
  bool tagged = false;
  Handle *handle = NULL;
  if (napi_check_object_type_tag(env, value, &HANDLE_TAG, &tagged) != napi_ok || !tagged ||
      napi_get_value_external(env, value, (void **)&handle) != napi_ok) {
    wrong_argument(env, "wasm3: not an instance");
    return NULL;
  }
  if (!closed_too && handle->instance->module == NULL) {
    fail(env, "ERR_WASM3_DISPOSED", "wasm3", "the instance is disposed of");
    return NULL;
  }
  return handle;
}

bool text_get(napi_env env, napi_value value, char text[TEXT_BYTES_MAX]) {
  size_t bytes = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &bytes) != napi_ok ||
      bytes >= TEXT_BYTES_MAX) {
    wrong_argument(env, "wasm3: a name is a string of at most 255 bytes");
    return false;
  }
  napi_get_value_string_utf8(env, value, text, TEXT_BYTES_MAX, &bytes);
  return true;
}
