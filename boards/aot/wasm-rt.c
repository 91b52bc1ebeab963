/* Traps without libc's setjmp: the few registers that a called function must keep. */
#include "wasm-rt.h"

#include <stdint.h>

#if defined(__arm__)

#if !defined(__thumb2__)
#error "wasm-rt: needs Thumb-2 (Cortex-M3 or later)"
#endif

/* sp, r4 to r11 and lr; with a hardware FPU s16 to s31 too (AAPCS 5.1.1, 5.1.2.1). */
typedef struct {
  uint32_t core[10];
#if defined(__ARM_FP)
  uint32_t floating[16];
#endif
} frame_t;

#if defined(__ARM_FP)
#define SAVE_FLOATING "adds r0, #40\n vstmia r0, {s16-s31}\n"
#define RESTORE_FLOATING "add r3, r0, #40\n vldmia r3, {s16-s31}\n"
#else
#define SAVE_FLOATING ""
#define RESTORE_FLOATING ""
#endif

__attribute__((naked, noinline, returns_twice)) static int frame_save(frame_t *frame) {
  (void)frame;
  __asm__ volatile(
      "mov r1, sp\n"
      "stmia r0, {r1, r4-r11, lr}\n" SAVE_FLOATING
      "movs r0, #0\n"
      "bx lr\n");
}

__attribute__((naked, noinline, noreturn)) static void frame_restore(frame_t *frame) {
  (void)frame;
  __asm__ volatile(RESTORE_FLOATING
                   "ldmia r0, {r2, r4-r11, lr}\n"
                   "mov sp, r2\n"
                   "movs r0, #1\n"
                   "bx lr\n");
}

#define FRAME_SAVE(frame) frame_save(frame)
#define FRAME_RESTORE(frame) frame_restore(frame)

#else

/* Other targets, as the host that tests run on: the compiler's own. */
typedef struct {
  void *words[5];
} frame_t;

#define FRAME_SAVE(frame) __builtin_setjmp((frame)->words)
#define FRAME_RESTORE(frame) __builtin_longjmp((frame)->words, 1)

#endif

typedef struct catch_t {
  frame_t frame;
  struct catch_t *outer;
  volatile wasm_rt_trap_t trap;
} catch_t;

static catch_t *innermost;

__attribute__((noinline)) wasm_rt_trap_t wasm_rt_catch(void (*call)(void *context),
                                                       void *context) {
  catch_t here;
  here.outer = innermost;
  here.trap = WASM_RT_TRAP_NONE;
  innermost = &here;
  if (FRAME_SAVE(&here.frame) == 0) call(context);
  innermost = here.outer;
  return here.trap;
}

__attribute__((noinline)) void wasm_rt_trap(wasm_rt_trap_t trap) {
  if (innermost == NULL) {
    for (;;) {
    }
  }
  innermost->trap = trap;
  FRAME_RESTORE(&innermost->frame);
}

/* Keeps the compiler from making a loop a call of memmove, which boards without libc lack. */
#define KEEP_LOOP() __asm__ volatile("" ::: "memory")

void *wasm_rt_memmove(void *to, const void *from, size_t bytes) {
  uint8_t *target = to;
  const uint8_t *source = from;
  const uintptr_t ahead = (uintptr_t)target - (uintptr_t)source;
  const uintptr_t behind = (uintptr_t)source - (uintptr_t)target;
  if (ahead >= bytes && behind >= bytes) {
    memcpy(target, source, bytes);
  } else if (behind < bytes) {
    for (size_t i = 0; i < bytes; i++) {
      target[i] = source[i];
      KEEP_LOOP();
    }
  } else {
    for (size_t i = bytes; i > 0; i--) {
      target[i - 1] = source[i - 1];
      KEEP_LOOP();
    }
  }
  return to;
}
