/* The Node-API side. `index.js` is the only caller: it checks modules and option ranges, this file
 * checks every value that decides about memory. */
#include <stdlib.h>
#include <string.h>

#include "handle.h"
#include "memory.h"
#include "values.h"

/* A trap that stands for a JavaScript exception, which is pending already. */
static const char exception_in_import[] = "exception in an import";

typedef struct {
  napi_env env;
  Handle *handle;
  napi_value functions; /* the imports, in the order of their indices */
} Call;

/* wasm3 calls this for every import. */
static m3ApiRawFunction(call_import) {
  const Import *import = _ctx->userdata;
  const Call *call = import->instance->context;
  const IM3Function function = _ctx->function;
  const uint32_t result_count = m3_GetRetCount(function);
  const uint32_t argument_count = m3_GetArgCount(function);
  napi_value arguments[INSTANCE_ARGS_MAX];
  napi_value callee = NULL, receiver = NULL, returned = NULL;
  napi_handle_scope scope = NULL;
  const char *trap = exception_in_import;
  (void)runtime;
  (void)_mem;

  if (napi_open_handle_scope(call->env, &scope) != napi_ok) return exception_in_import;
  for (uint32_t i = 0; i < argument_count; i++) {
    arguments[i] = value_to_js(call->env, m3_GetArgType(function, i), &_sp[result_count + i]);
  }
  napi_get_undefined(call->env, &receiver);
  memory_check(call->env, call->handle);
  if (napi_get_element(call->env, call->functions, import->index, &callee) == napi_ok &&
      napi_call_function(call->env, receiver, callee, argument_count, arguments, &returned) ==
          napi_ok &&
      (result_count == 0 ||
       value_from_js(call->env, returned, m3_GetRetType(function, 0), &_sp[0]))) {
    trap = m3Err_none;
  }
  napi_close_handle_scope(call->env, scope);
  return trap;
}

/* create(wasm, memoryBytes, stackBytes, importCount) -> handle */
static napi_value create(napi_env env, napi_callback_info info) {
  napi_value argv[4], external = NULL;
  size_t argc = 4, wasm_bytes = 0, offset = 0;
  uint32_t memory_bytes = 0, stack_bytes = 0, import_count = 0;
  napi_typedarray_type type;
  void *wasm = NULL;
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  if (napi_get_typedarray_info(env, argv[0], &type, &wasm_bytes, &wasm, NULL, &offset) !=
          napi_ok || type != napi_uint8_array || wasm_bytes == 0 || wasm_bytes > INT32_MAX ||
      napi_get_value_uint32(env, argv[1], &memory_bytes) != napi_ok ||
      napi_get_value_uint32(env, argv[2], &stack_bytes) != napi_ok ||
      napi_get_value_uint32(env, argv[3], &import_count) != napi_ok || import_count > 4096) {
    return wrong_argument(env, "wasm3: create(Uint8Array, number, number, number)");
  }
  Handle *handle = calloc(1, sizeof *handle);
  if (handle == NULL) return fail(env, NULL, "wasm3", "out of memory");
  handle->instance = instance_create(wasm, wasm_bytes, import_count);
  if (handle->instance == NULL) {
    free(handle);
    return fail(env, NULL, "wasm3", "out of memory");
  }
  const M3Result result = instance_load(handle->instance, wasm_bytes, memory_bytes, stack_bytes);
  if (result != m3Err_none) {
    fail(env, "ERR_WASM3_LOAD", "wasm3", result);
  } else if ((external = handle_wrap(env, handle)) != NULL) {
    handle_account(env, handle, (int64_t)memory_bytes + stack_bytes);
    return external;
  }
  instance_release(handle->instance);
  free(handle);
  return NULL;
}

/* link(handle, index, module, name, signature) */
static napi_value link_import(napi_env env, napi_callback_info info) {
  napi_value argv[5];
  size_t argc = 5;
  uint32_t index = 0;
  char module[TEXT_BYTES_MAX], name[TEXT_BYTES_MAX], signature[TEXT_BYTES_MAX];
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  Handle *handle = handle_get(env, argv[0], false);
  if (handle == NULL) return NULL;
  if (napi_get_value_uint32(env, argv[1], &index) != napi_ok ||
      index >= handle->instance->import_count) {
    return wrong_argument(env, "wasm3: link: no such import");
  }
  if (!text_get(env, argv[2], module) || !text_get(env, argv[3], name) ||
      !text_get(env, argv[4], signature)) {
    return NULL;
  }
  if (strlen(signature) > INSTANCE_ARGS_MAX + 3) {
    return fail(env, "ERR_WASM3_LOAD", name, "more than 16 arguments");
  }
  const M3Result result =
      instance_link(handle->instance, index, module, name, signature, call_import);
  return result == m3Err_none ? NULL : fail(env, "ERR_WASM3_LOAD", name, result);
}

/* find(handle, name) -> [index, signature], the signature as "iI:i" */
static napi_value find(napi_env env, napi_callback_info info) {
  napi_value argv[2], pair = NULL, item = NULL;
  size_t argc = 2;
  uint32_t index = 0;
  char name[TEXT_BYTES_MAX], signature[INSTANCE_ARGS_MAX + 4];
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  Handle *handle = handle_get(env, argv[0], false);
  if (handle == NULL || !text_get(env, argv[1], name)) return NULL;
  const M3Result result = instance_find(handle->instance, name, &index);
  if (result != m3Err_none) return fail(env, "ERR_WASM3_LOAD", name, result);

  const IM3Function function = handle->instance->functions[index];
  size_t length = 0;
  const uint32_t argument_count = m3_GetArgCount(function);
  for (uint32_t i = 0; i < argument_count; i++) {
    signature[length++] = value_letter(m3_GetArgType(function, i));
  }
  signature[length++] = ':';
  if (m3_GetRetCount(function) > 0) signature[length++] = value_letter(m3_GetRetType(function, 0));
  napi_create_array_with_length(env, 2, &pair);
  napi_create_uint32(env, index, &item);
  napi_set_element(env, pair, 0, item);
  napi_create_string_utf8(env, signature, length, &item);
  napi_set_element(env, pair, 1, item);
  return pair;
}

/* Runs one function with `slots` as arguments and result. NULL or the trap. */
static M3Result run(napi_env env, Handle *handle, napi_value functions, IM3Function function,
                    uint64_t slots[INSTANCE_ARGS_MAX]) {
  Instance *instance = handle->instance;
  Call call = {env, handle, functions};
  const void *pointers[INSTANCE_ARGS_MAX];
  M3Result result;
  for (uint32_t i = 0; i < INSTANCE_ARGS_MAX; i++) pointers[i] = &slots[i];
  instance->context = &call;
  instance->running = 1;
  if (function == NULL) {
    result = m3_RunStart(instance->module);
  } else {
    result = m3_Call(function, m3_GetArgCount(function), pointers);
    if (result == m3Err_none && m3_GetRetCount(function) > 0) {
      slots[0] = 0;
      result = m3_GetResults(function, 1, pointers);
    }
  }
  instance->running = 0;
  instance->context = NULL;
  memory_check(env, handle);
  return result;
}

/* call(handle, name, imports, index, ...arguments); index -1 runs the start function */
static napi_value call(napi_env env, napi_callback_info info) {
  napi_value argv[4 + INSTANCE_ARGS_MAX];
  size_t argc = 4 + INSTANCE_ARGS_MAX;
  int32_t index = 0;
  uint64_t slots[INSTANCE_ARGS_MAX] = {0};
  char name[TEXT_BYTES_MAX];
  IM3Function function = NULL;
  bool is_array = false, pending = false;
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  Handle *handle = handle_get(env, argv[0], false);
  if (handle == NULL) return NULL;
  if (napi_is_array(env, argv[2], &is_array) != napi_ok || !is_array ||
      napi_get_value_int32(env, argv[3], &index) != napi_ok || index < -1 ||
      index >= (int64_t)handle->instance->function_count) {
    return wrong_argument(env, "wasm3: call(handle, name, imports, index, ...)");
  }
  if (index >= 0) {
    function = handle->instance->functions[index];
    if (argc != 4 + (size_t)m3_GetArgCount(function)) {
      return wrong_argument(env, "wasm3: wrong number of arguments");
    }
    for (uint32_t i = 0; i + 4 < argc; i++) {
      if (!value_from_js(env, argv[4 + i], m3_GetArgType(function, i), &slots[i])) return NULL;
    }
  }
  if (handle->instance->running) {
    return fail(env, "ERR_WASM3_BUSY", "wasm3", "an import may not call back into its module");
  }
  const M3Result result = run(env, handle, argv[2], function, slots);
  napi_is_exception_pending(env, &pending);
  if (pending) return NULL;
  if (result != m3Err_none) {
    return text_get(env, argv[1], name) ? fail(env, "ERR_WASM3_TRAP", name, result) : NULL;
  }
  const bool returns = function != NULL && m3_GetRetCount(function) > 0;
  return returns ? value_to_js(env, m3_GetRetType(function, 0), &slots[0]) : NULL;
}

/* memory(handle) -> ArrayBuffer */
static napi_value memory(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  size_t argc = 1;
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  Handle *handle = handle_get(env, argv[0], false);
  return handle == NULL ? NULL : memory_view(env, handle);
}

/* global(handle, name) -> number or bigint */
static napi_value global(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  size_t argc = 2;
  char name[TEXT_BYTES_MAX];
  M3TaggedValue tagged = {0};
  uint64_t slot = 0;
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  Handle *handle = handle_get(env, argv[0], false);
  if (handle == NULL || !text_get(env, argv[1], name)) return NULL;
  const M3Result result = m3_GetGlobal(m3_FindGlobal(handle->instance->module, name), &tagged);
  if (result != m3Err_none) return fail(env, "ERR_WASM3_LOAD", name, result);
  memcpy(&slot, &tagged.value, sizeof slot);
  return value_to_js(env, tagged.type, &slot);
}

/* dispose(handle) */
static napi_value dispose(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  size_t argc = 1;
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL);
  Handle *handle = handle_get(env, argv[0], true);
  if (handle == NULL) return NULL;
  if (handle->instance->running) {
    return fail(env, "ERR_WASM3_BUSY", "wasm3", "an import may not dispose of its module");
  }
  memory_detach(env, handle);
  instance_close(handle->instance);
  handle_account(env, handle, 0);
  return NULL;
}

#define METHOD(name, function) {name, NULL, function, NULL, NULL, NULL, napi_default, NULL}

NAPI_MODULE_INIT() {
  const napi_property_descriptor properties[] = {
      METHOD("create", create), METHOD("link", link_import), METHOD("find", find),
      METHOD("call", call),     METHOD("memory", memory),    METHOD("global", global),
      METHOD("dispose", dispose),
  };
  napi_value version = NULL;
  napi_define_properties(env, exports, sizeof properties / sizeof properties[0], properties);
  napi_create_string_utf8(env, M3_VERSION, NAPI_AUTO_LENGTH, &version);
  napi_set_named_property(env, exports, "version", version);
  return exports;
}
