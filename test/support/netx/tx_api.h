/* A thin double of ThreadX over POSIX threads: only what the port uses. */
#ifndef TX_API_H
#define TX_API_H

#include <pthread.h>

#define VOID void
typedef char CHAR;
typedef unsigned char UCHAR;
typedef int INT;
typedef unsigned int UINT;
typedef unsigned int ULONG;

#define TX_SUCCESS 0u
#define TX_NO_INSTANCE 0x0du
#define TX_WAIT_FOREVER 0xffffffffu
#define TX_NO_TIME_SLICE 0u
#define TX_AUTO_START 1u
#define TX_INHERIT 1u
#define TX_INT_DISABLE 1u
#define TX_INT_ENABLE 0u
#define TX_TIMER_TICKS_PER_SECOND 100u

typedef struct {
  pthread_t thread;
  VOID (*entry)(ULONG);
} TX_THREAD;
typedef struct {
  pthread_mutex_t mutex;
} TX_MUTEX;
typedef struct {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  ULONG count;
} TX_SEMAPHORE;

UINT tx_thread_create(TX_THREAD *thread, CHAR *name, VOID (*entry)(ULONG), ULONG input,
                      VOID *stack, ULONG stack_bytes, UINT priority, UINT threshold,
                      ULONG time_slice, UINT auto_start);
UINT tx_thread_terminate(TX_THREAD *thread);
UINT tx_thread_delete(TX_THREAD *thread);
UINT tx_thread_sleep(ULONG ticks);
UINT tx_mutex_create(TX_MUTEX *mutex, CHAR *name, UINT inherit);
UINT tx_mutex_get(TX_MUTEX *mutex, ULONG wait);
UINT tx_mutex_put(TX_MUTEX *mutex);
UINT tx_mutex_delete(TX_MUTEX *mutex);
UINT tx_semaphore_create(TX_SEMAPHORE *semaphore, CHAR *name, ULONG count);
UINT tx_semaphore_get(TX_SEMAPHORE *semaphore, ULONG wait);
UINT tx_semaphore_put(TX_SEMAPHORE *semaphore);
UINT tx_semaphore_ceiling_put(TX_SEMAPHORE *semaphore, ULONG ceiling);
UINT tx_semaphore_delete(TX_SEMAPHORE *semaphore);
UINT tx_interrupt_control(UINT posture);
ULONG tx_time_get(VOID);

/* For tests: threads, mutexes and semaphores that exist; time that is added to the clock. */
extern int doubles_alive;
extern ULONG doubles_ticks;
/* Objects to be created before one is refused; negative: none is. */
extern int doubles_refuse_after;

#endif
