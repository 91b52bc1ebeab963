/* The store partition: memory that behaves as flash. */
#ifndef STORE_H
#define STORE_H

#include "picket.h"

extern const picket_flash_t store_flash;

#endif
