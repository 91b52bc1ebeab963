/* Commands that drive the C kit, as an application would. */
#ifndef COMMANDS_KIT_H
#define COMMANDS_KIT_H

#include "session.h"

uint16_t run_kit_init(request_t *request);
uint16_t run_kit_packets(request_t *request);
uint16_t run_kit_poll(request_t *request);
uint16_t run_kit_flush(request_t *request);
uint16_t run_kit_acknowledge(const request_t *request);

#endif
