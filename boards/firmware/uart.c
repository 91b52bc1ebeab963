/* Registers: Arm Cortex-M System Design Kit TRM (DDI 0479), 4.3; NVIC: Armv7-M ARM B3.4. */
#include "uart.h"

#include "board.h"

typedef struct {
  uint32_t data;
  uint32_t state; /* bit 0: transmit buffer full, bit 1: receive buffer full */
  uint32_t control;
  uint32_t interrupt; /* write one to clear */
  uint32_t baud_divider; /* 16 at least */
} uart_t;

#define UART ((volatile uart_t *)BOARD_UART)
#define TRANSMIT_FULL 1u
#define RECEIVE_FULL 2u
#define ENABLE_TRANSMIT 1u
#define ENABLE_RECEIVE 2u
#define ENABLE_RECEIVE_INTERRUPT 8u
#define RECEIVED 2u
#define BAUD 115200u

#define NVIC_ENABLE ((volatile uint32_t *)0xe000e100u)
#define NVIC_CLEAR_PENDING ((volatile uint32_t *)0xe000e280u)
#define NVIC_WORD (BOARD_UART_INTERRUPT / 32u)
#define NVIC_BIT (1u << (BOARD_UART_INTERRUPT % 32u))

/* The interrupt only ends WFI: it stays masked, so there is no handler. */
void uart_open(void) {
  __asm__ volatile("cpsid i" ::: "memory");
  UART->baud_divider = BOARD_CLOCK_HZ / BAUD;
  UART->control = ENABLE_TRANSMIT | ENABLE_RECEIVE | ENABLE_RECEIVE_INTERRUPT;
  NVIC_ENABLE[NVIC_WORD] = NVIC_BIT;
}

uint8_t uart_read(void) {
  while ((UART->state & RECEIVE_FULL) == 0u) {
    UART->interrupt = RECEIVED;
    NVIC_CLEAR_PENDING[NVIC_WORD] = NVIC_BIT;
    if ((UART->state & RECEIVE_FULL) == 0u) __asm__ volatile("wfi" ::: "memory");
  }
  return (uint8_t)UART->data;
}

void uart_write(uint8_t byte) {
  while ((UART->state & TRANSMIT_FULL) != 0u) {
  }
  UART->data = byte;
}
