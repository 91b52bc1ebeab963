/* Commands that drive the core itself. */
#ifndef COMMANDS_CORE_H
#define COMMANDS_CORE_H

#include "session.h"

/* Puts a text, or nothing for NULL, at the end of the answer. */
void answer_text(request_t *request, const char *text);

uint16_t run_core_open(request_t *request);
uint16_t run_core_call(request_t *request);
uint16_t run_memory_read(request_t *request);
uint16_t run_store_read(request_t *request);
uint16_t run_memory_write(const request_t *request);

#endif
