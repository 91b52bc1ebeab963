/* What the core imports: messages go to the host, flash is the host's or this board's. */
#ifndef IMPORTS_H
#define IMPORTS_H

#include "picket_core.h"

/* `store`: STORE_HOST or STORE_BOARD. */
picket_core_imports_t imports_of(uint32_t store);

/* A part of a message, for any caller; the host's result. */
int32_t publish_part(uint32_t id, const uint8_t *data, uint32_t bytes, uint32_t more);
int32_t report_part(const uint8_t *data, uint32_t bytes, uint32_t more);

#endif
