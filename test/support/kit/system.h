/* A system for the kit's tests: what it is asked for goes to standard output, a line each. */
#ifndef SYSTEM_H
#define SYSTEM_H

#include "picket.h"

/* Clocks, as the test sets them. */
extern uint32_t system_ms;
extern uint32_t system_wall_s;
/* What `publish` answers. */
extern int32_t system_publish_result;

/* A port with everything in it; its lock is a mutex and counts. */
extern picket_port_t system_port;

void system_print(const char *what, const uint8_t *data, uint32_t bytes);

#endif
