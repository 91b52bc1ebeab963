#include <errno.h>
#include <string.h>
#include <time.h>

#include "nx_api.h"
#include "nx_ip.h"

NX_IP *_nx_ip_created_ptr;
ULONG _nx_ip_created_count;
int doubles_alive;
ULONG doubles_ticks;
int doubles_refuse_after = -1;

static pthread_mutex_t interrupts = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local UINT interrupts_depth;

static int is_refused(void) {
  if (doubles_refuse_after == 0) return 1;
  if (doubles_refuse_after > 0) doubles_refuse_after--;
  __atomic_fetch_add(&doubles_alive, 1, __ATOMIC_RELAXED);
  return 0;
}

static void gone(void) { __atomic_fetch_sub(&doubles_alive, 1, __ATOMIC_RELAXED); }

UINT tx_interrupt_control(UINT posture) {
  const UINT before = interrupts_depth > 0u ? TX_INT_DISABLE : TX_INT_ENABLE;
  if (posture == TX_INT_DISABLE && interrupts_depth++ == 0u) pthread_mutex_lock(&interrupts);
  if (posture == TX_INT_ENABLE && interrupts_depth > 0u) {
    interrupts_depth = 0;
    pthread_mutex_unlock(&interrupts);
  }
  return before;
}

ULONG tx_time_get(VOID) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  const ULONG ticks = (ULONG)(now.tv_sec * 100 + now.tv_nsec / 10000000);
  return ticks + __atomic_load_n(&doubles_ticks, __ATOMIC_RELAXED);
}

static void *run(void *argument) {
  ((TX_THREAD *)argument)->entry(0);
  return NULL;
}

UINT tx_thread_create(TX_THREAD *thread, CHAR *name, VOID (*entry)(ULONG), ULONG input,
                      VOID *stack, ULONG stack_bytes, UINT priority, UINT threshold,
                      ULONG time_slice, UINT auto_start) {
  (void)name, (void)input, (void)stack, (void)stack_bytes, (void)priority, (void)threshold;
  (void)time_slice, (void)auto_start;
  if (is_refused()) return 1;
  thread->entry = entry;
  return pthread_create(&thread->thread, NULL, run, thread) == 0 ? TX_SUCCESS : 1u;
}

/* Of a thread that has ended, or is about to. */
UINT tx_thread_terminate(TX_THREAD *thread) {
  pthread_join(thread->thread, NULL);
  return TX_SUCCESS;
}

UINT tx_thread_delete(TX_THREAD *thread) {
  (void)thread;
  gone();
  return TX_SUCCESS;
}

UINT tx_thread_sleep(ULONG ticks) {
  const struct timespec time = {ticks / 100u, (long)(ticks % 100u) * 10000000};
  nanosleep(&time, NULL);
  return TX_SUCCESS;
}

UINT tx_mutex_create(TX_MUTEX *mutex, CHAR *name, UINT inherit) {
  pthread_mutexattr_t attributes;
  (void)name, (void)inherit;
  if (is_refused()) return 1;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  return pthread_mutex_init(&mutex->mutex, &attributes) == 0 ? TX_SUCCESS : 1u;
}

UINT tx_mutex_get(TX_MUTEX *mutex, ULONG wait) {
  (void)wait;
  return pthread_mutex_lock(&mutex->mutex) == 0 ? TX_SUCCESS : 1u;
}

UINT tx_mutex_put(TX_MUTEX *mutex) {
  return pthread_mutex_unlock(&mutex->mutex) == 0 ? TX_SUCCESS : 1u;
}

UINT tx_mutex_delete(TX_MUTEX *mutex) {
  gone();
  return pthread_mutex_destroy(&mutex->mutex) == 0 ? TX_SUCCESS : 1u;
}

UINT tx_semaphore_create(TX_SEMAPHORE *semaphore, CHAR *name, ULONG count) {
  (void)name;
  if (is_refused()) return 1;
  pthread_mutex_init(&semaphore->mutex, NULL);
  pthread_cond_init(&semaphore->changed, NULL);
  semaphore->count = count;
  return TX_SUCCESS;
}

UINT tx_semaphore_get(TX_SEMAPHORE *semaphore, ULONG wait) {
  struct timespec end;
  int result = 0;
  clock_gettime(CLOCK_REALTIME, &end);
  const long nanoseconds = end.tv_nsec + (long)(wait % 100u) * 10000000;
  end.tv_sec += wait / 100u + nanoseconds / 1000000000;
  end.tv_nsec = nanoseconds % 1000000000;
  pthread_mutex_lock(&semaphore->mutex);
  while (semaphore->count == 0u && result != ETIMEDOUT) {
    result = wait == TX_WAIT_FOREVER
                 ? pthread_cond_wait(&semaphore->changed, &semaphore->mutex)
                 : pthread_cond_timedwait(&semaphore->changed, &semaphore->mutex, &end);
  }
  const UINT is_there = semaphore->count > 0u;
  if (is_there) semaphore->count--;
  pthread_mutex_unlock(&semaphore->mutex);
  return is_there ? TX_SUCCESS : TX_NO_INSTANCE;
}

UINT tx_semaphore_ceiling_put(TX_SEMAPHORE *semaphore, ULONG ceiling) {
  pthread_mutex_lock(&semaphore->mutex);
  if (semaphore->count < ceiling) semaphore->count++;
  pthread_cond_signal(&semaphore->changed);
  pthread_mutex_unlock(&semaphore->mutex);
  return TX_SUCCESS;
}

UINT tx_semaphore_put(TX_SEMAPHORE *semaphore) {
  return tx_semaphore_ceiling_put(semaphore, 0xffffffffu);
}

UINT tx_semaphore_delete(TX_SEMAPHORE *semaphore) {
  gone();
  pthread_mutex_destroy(&semaphore->mutex);
  pthread_cond_destroy(&semaphore->changed);
  return TX_SUCCESS;
}
