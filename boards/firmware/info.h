/* What the firmware tells about itself. */
#ifndef INFO_H
#define INFO_H

#include <stdint.h>

/* Writes the data of COMMAND_INFO, at most DATA_BYTES_MAX bytes; returns how many. */
uint32_t info_write(uint8_t *to);

#endif
