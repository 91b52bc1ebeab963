/* What a JavaScript handle points to, and how arguments are checked. */
#ifndef HANDLE_H
#define HANDLE_H

#include <node_api.h>
#include <stdbool.h>

#include "instance.h"

#define TEXT_BYTES_MAX 256

typedef struct {
  Instance *instance;
  napi_ref buffer; /* the ArrayBuffer handed out, or NULL */
  uint8_t *buffer_data;
  size_t buffer_bytes;
  int64_t external_bytes; /* told to the garbage collector */
} Handle;

/* The JavaScript handle, which frees `handle` when it is collected. NULL: not made. */
napi_value handle_wrap(napi_env env, Handle *handle);

/* The handle in `value`; open unless `closed_too`. NULL: thrown. */
Handle *handle_get(napi_env env, napi_value value, bool closed_too);

/* Tells the garbage collector what freeing the handle would give back, bytes. */
void handle_account(napi_env env, Handle *handle, int64_t bytes);

/* False: thrown, `value` is not a string of at most 255 bytes. */
bool text_get(napi_env env, napi_value value, char text[TEXT_BYTES_MAX]);

/* Throws Error "name: reason". Always NULL. */
napi_value fail(napi_env env, const char *code, const char *name, const char *reason);

/* Throws TypeError. Always NULL. */
napi_value wrong_argument(napi_env env, const char *what);

#endif
