#include "memory.h"

/* Keeps the memory alive for an ArrayBuffer that outlives its handle. */
static void buffer_finalize(napi_env env, void *data, void *hint) {
  (void)env;
  (void)data;
  instance_release(hint);
}

void memory_detach(napi_env env, Handle *handle) {
  if (handle->buffer == NULL) return;
  napi_value buffer = NULL;
  napi_get_reference_value(env, handle->buffer, &buffer);
  if (buffer != NULL) napi_detach_arraybuffer(env, buffer);
  napi_delete_reference(env, handle->buffer);
  handle->buffer = NULL;
}

void memory_check(napi_env env, Handle *handle) {
  if (handle->buffer == NULL) return;
  size_t bytes = 0;
  uint8_t *data = wasm3_memory(handle->instance->runtime, handle->instance->module, &bytes);
  if (data != handle->buffer_data || bytes != handle->buffer_bytes) memory_detach(env, handle);
}

napi_value memory_view(napi_env env, Handle *handle) {
  napi_value view = NULL;
  memory_check(env, handle);
  if (handle->buffer != NULL) {
    napi_get_reference_value(env, handle->buffer, &view);
    return view;
  }
  size_t bytes = 0;
  uint8_t *data = wasm3_memory(handle->instance->runtime, handle->instance->module, &bytes);
  if (bytes == 0) {
    napi_create_arraybuffer(env, 0, NULL, &view);
    return view;
  }
  handle->instance->references += 1;
  if (napi_create_external_arraybuffer(env, data, bytes, buffer_finalize, handle->instance,
                                       &view) != napi_ok) {
    handle->instance->references -= 1;
    napi_throw_error(env, NULL, "wasm3: this Node.js cannot share memory with an addon");
    return NULL;
  }
  napi_create_reference(env, view, 1, &handle->buffer);
  handle->buffer_data = data;
  handle->buffer_bytes = bytes;
  return view;
}
