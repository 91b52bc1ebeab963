/* Vectors, C start-up, faults. Sources: Armv7-M and Armv8-M architecture reference manuals, B1.5. */
#include <stdint.h>

#include "fault.h"

extern uint32_t data_load[], data_begin[], data_end[], bss_begin[], bss_end[];
extern uint32_t stack_begin[], stack_end[], fault_stack_end[];

int main(void);
void reset_handler(void);
void fault_handler(void);

#define VECTORS 16
#define VTOR (*(volatile uint32_t *)0xe000ed08u)
#define MPU_CONTROL (*(volatile uint32_t *)0xe000ed94u)
#define MPU_REGION_NUMBER (*(volatile uint32_t *)0xe000ed98u)
#define MPU_REGION_BASE (*(volatile uint32_t *)0xe000ed9cu)
#define MPU_REGION_ATTRIBUTES (*(volatile uint32_t *)0xe000eda0u)
#define MPU_ENABLE 1u
#define MPU_DEFAULT_MAP 4u
#define MPU_REGION_ENABLE 1u
#define MPU_256_BYTES (7u << 1)
/* CFSR: MSTKERR, MUNSTKERR, STKERR, UNSTKERR, STKOF */
#define NOT_STACKED 0x00101818u
#define CFSR (*(volatile uint32_t *)0xe000ed28u)

typedef union {
  void (*handler)(void);
  uint32_t *stack;
} vector_t;

__attribute__((section(".vectors"), used)) static const vector_t vectors[VECTORS] = {
    [0] = {.stack = fault_stack_end},
    [1] = {.handler = reset_handler},
    [2] = {.handler = fault_handler}, /* NMI */
    [3] = {.handler = fault_handler}, /* hard fault: the finer ones are left disabled */
    [4] = {.handler = fault_handler},
    [5] = {.handler = fault_handler},
    [6] = {.handler = fault_handler},
    [7] = {.handler = fault_handler},
    [11] = {.handler = fault_handler},
    [12] = {.handler = fault_handler},
    [14] = {.handler = fault_handler},
    [15] = {.handler = fault_handler},
};

/* The stack's low end is made inaccessible: an overflow faults whatever lies below RAM. */
static void guard_stack(void) {
#if defined(__ARM_ARCH_8M_MAIN__)
  __asm__ volatile("msr psplim, %0" ::"r"(stack_begin));
#else
  MPU_REGION_NUMBER = 0;
  MPU_REGION_BASE = (uint32_t)(uintptr_t)stack_begin;
  MPU_REGION_ATTRIBUTES = MPU_256_BYTES | MPU_REGION_ENABLE; /* access permission 0: none */
  MPU_CONTROL = MPU_ENABLE | MPU_DEFAULT_MAP;
  __asm__ volatile("dsb\n isb" ::: "memory");
#endif
}

__attribute__((used, noreturn)) static void start_program(void) {
  const uint32_t *from = data_load;
  VTOR = (uint32_t)(uintptr_t)vectors;
  guard_stack();
  for (uint32_t *to = data_begin; to < data_end; to++) *to = *from++;
  for (uint32_t *to = bss_begin; to < bss_end; to++) *to = 0;
  main();
  for (;;) {
  }
}

/* The program has the process stack, exceptions keep the main one. */
__attribute__((naked)) void reset_handler(void) {
  __asm__ volatile(
      "ldr r0, =stack_end\n"
      "msr psp, r0\n"
      "movs r0, #2\n"
      "msr control, r0\n"
      "isb\n"
      "b start_program\n");
}

/* `frame` holds the program counter in its seventh word, unless stacking failed. */
__attribute__((used, noreturn)) static void fault_stacked(const uint32_t *frame) {
  const uint32_t status = CFSR;
  const int is_stacked = (status & NOT_STACKED) == 0u;
  fault_report(is_stacked ? frame[6] : 0u, status);
  for (;;) __asm__ volatile("wfi");
}

__attribute__((naked)) void fault_handler(void) {
  __asm__ volatile(
      "mrs r0, psp\n"
      "b fault_stacked\n");
}
