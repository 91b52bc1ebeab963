/* CMSDK UART 0, polled. */
#ifndef UART_H
#define UART_H

#include <stdint.h>

void uart_open(void);

/* The next byte, waiting for it. */
uint8_t uart_read(void);

void uart_write(uint8_t byte);

#endif
