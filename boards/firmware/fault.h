/* What the firmware does about a fault. */
#ifndef FAULT_H
#define FAULT_H

#include <stdint.h>

/* Tells the host. `status` is CFSR. */
void fault_report(uint32_t program_counter, uint32_t status);

#endif
