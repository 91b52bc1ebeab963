/* The agent thread. */
#include "picket_netx.h"

#include <stdlib.h>
#include <string.h>

#include "picket_netx_parts.h"

#define MS_PER_S 1000u
#define STACK_WORDS ((PICKET_NETX_STACK_BYTES + sizeof(ULONG) - 1u) / sizeof(ULONG))

static struct {
  const picket_netx_t *settings; /* NX_NULL: not started */
  picket_port_t port;
  TX_THREAD thread;
  TX_MUTEX mutex; /* one caller of the core at a time */
  TX_SEMAPHORE wake;
  TX_SEMAPHORE ended;
  volatile UINT is_ending;
  volatile UINT is_flush_due;
  ULONG message_bytes; /* put together so far */
  UINT is_too_long;
  /* The monotonic clock: ticks seen last, milliseconds then, and the rest. */
  ULONG ticks;
  ULONG rest;
  uint32_t ms;
  uint32_t counted_ms;
  uint32_t trapped_ms;
  UINT is_trapped;
} agent;

static ULONG agent_stack[STACK_WORDS];

static VOID say(const CHAR *text) {
  const picket_netx_t *const settings = agent.settings;
  if (settings->log != NX_NULL) settings->log(settings->context, text);
}

/* The port table. */

static int32_t publish(void *context, uint32_t id, const uint8_t *data, uint32_t bytes, bool more) {
  const picket_netx_t *const settings = context;
  if (bytes > settings->message_bytes - agent.message_bytes) agent.is_too_long = NX_TRUE;
  if (agent.is_too_long == NX_FALSE) {
    memcpy(settings->message + agent.message_bytes, data, bytes);
    agent.message_bytes += bytes;
  }
  if (more) return PICKET_OK;
  const ULONG whole = agent.message_bytes;
  const UINT is_too_long = agent.is_too_long;
  agent.message_bytes = 0;
  agent.is_too_long = NX_FALSE;
  if (is_too_long != NX_FALSE) {
    say("a message is longer than message_bytes: give the core's MESSAGE_BYTES_MAX");
    return PICKET_E_BUSY;
  }
  const UINT status = settings->send(settings->context, id, settings->message, whole);
  return status == NX_SUCCESS ? PICKET_OK : PICKET_E_BUSY;
}

static void report(void *context, const uint8_t *json, uint32_t bytes, bool more) {
  const picket_netx_t *const settings = context;
  if (settings->report != NX_NULL) settings->report(settings->context, json, bytes, more);
}

/* Ticks wrap at 2^32 and need not divide a second. */
static uint32_t monotonic_ms(void *context) {
  (void)context;
  const ULONG now = tx_time_get();
  uint64_t passed = (uint64_t)(uint32_t)(now - agent.ticks) * MS_PER_S + agent.rest;
  agent.ticks = now;
  agent.ms += (uint32_t)(passed / TX_TIMER_TICKS_PER_SECOND);
  agent.rest = (ULONG)(passed % TX_TIMER_TICKS_PER_SECOND);
  return agent.ms;
}

static uint32_t wall_s(void *context) {
  const picket_netx_t *const settings = context;
  if (settings->wall_s == NX_NULL) return PICKET_WALL_UNKNOWN;
  return (uint32_t)settings->wall_s(settings->context);
}

static uint32_t entropy(void *context) {
  const picket_netx_t *const settings = context;
  if (settings->entropy != NX_NULL) return (uint32_t)settings->entropy(settings->context);
  return ((uint32_t)NX_RAND() << 16) ^ (uint32_t)NX_RAND();
}

static void log_text(void *context, const char *text) {
  (void)context;
  say(text);
}

static void wake(void *context) {
  (void)context;
  (void)tx_semaphore_ceiling_put(&agent.wake, 1);
}

static uint32_t lock(void *context) {
  (void)context;
  return tx_interrupt_control(TX_INT_DISABLE);
}

static void unlock(void *context, uint32_t state) {
  (void)context;
  (void)tx_interrupt_control(state);
}

/* The thread. */

static ULONG ticks_of(uint32_t ms) {
  const uint64_t ticks = (uint64_t)ms * TX_TIMER_TICKS_PER_SECOND / MS_PER_S;
  return ticks > 0u ? (ULONG)ticks : 1u;
}

static VOID give_snapshots(ULONG due) {
  const picket_netx_t *const settings = agent.settings;
  const ULONG ports = (ULONG)1 << PICKET_KIND_LISTENING_PORTS;
  if ((due & ports) != 0u) picket_netx_tell_ports();
  if ((due & ~ports) != 0u && settings->snapshot != NX_NULL) {
    settings->snapshot(settings->context, due & ~ports);
  }
}

static VOID tell_counters(VOID) {
  const ULONG interval_s = agent.settings->counters_interval_s;
  if (interval_s == 0u || agent.ms - agent.counted_ms < interval_s * MS_PER_S) return;
  agent.counted_ms = agent.ms;
  picket_netx_tell_counters();
}

/* After a trap: the core is opened anew, later, so that a trap at each start is no busy loop. */
static VOID restart(VOID) {
  (void)monotonic_ms(NX_NULL);
  if (agent.is_trapped == NX_FALSE) {
    agent.is_trapped = NX_TRUE;
    agent.trapped_ms = agent.ms;
  }
  if (agent.ms - agent.trapped_ms < PICKET_NETX_RESTART_MS) return;
  agent.trapped_ms = agent.ms;
  if (picket_close() != PICKET_OK) return;
  if (picket_init(&agent.port, &agent.settings->setup) == PICKET_OK) agent.is_trapped = NX_FALSE;
}

/* After a poll: what waited in the ring belongs to the interval that ends. */
static VOID flush(VOID) {
  agent.is_flush_due = NX_FALSE;
  for (uint32_t priority = 0; priority < PICKET_PRIORITIES; priority++) {
    (void)picket_flush(priority);
  }
}

static VOID work(VOID) {
  picket_netx_hook_all();
  const int32_t due = picket_poll();
  if (due < 0) {
    restart();
    return;
  }
  if (due > 0) give_snapshots((ULONG)due);
  tell_counters();
  if (agent.is_flush_due != NX_FALSE) {
    flush();
    (void)tx_semaphore_ceiling_put(&agent.wake, 1); /* the next poll sends */
  }
}

static VOID run(ULONG input) {
  (void)input;
  while (agent.is_ending == NX_FALSE) {
    (void)tx_mutex_get(&agent.mutex, TX_WAIT_FOREVER);
    work();
    uint32_t ms = picket_next_ms();
    (void)tx_mutex_put(&agent.mutex);
    if (ms > PICKET_NETX_POLL_MS) ms = PICKET_NETX_POLL_MS;
    (void)tx_semaphore_get(&agent.wake, ticks_of(ms));
  }
  picket_netx_unhook_all();
  /* Someone may still be copying a packet. */
  while (picket_close() != PICKET_OK) (void)tx_thread_sleep(1);
  (void)tx_semaphore_put(&agent.ended);
}

static UINT create_all(const picket_netx_t *settings) {
  static CHAR name[] = "picket";
  UINT status = tx_mutex_create(&agent.mutex, name, TX_INHERIT);
  if (status != TX_SUCCESS) return status;
  status = tx_semaphore_create(&agent.wake, name, 0);
  if (status == TX_SUCCESS) {
    status = tx_semaphore_create(&agent.ended, name, 0);
    if (status == TX_SUCCESS) {
      status = tx_thread_create(&agent.thread, name, run, 0, agent_stack, sizeof agent_stack,
                                settings->priority, settings->priority, TX_NO_TIME_SLICE,
                                TX_AUTO_START);
      if (status == TX_SUCCESS) return status;
      (void)tx_semaphore_delete(&agent.ended);
    }
    (void)tx_semaphore_delete(&agent.wake);
  }
  (void)tx_mutex_delete(&agent.mutex);
  return status;
}

UINT picket_netx_start(const picket_netx_t *settings) {
  if (agent.settings != NX_NULL) return NX_ALREADY_ENABLED;
  if (settings == NX_NULL || settings->send == NX_NULL || settings->message == NX_NULL) {
    return NX_INVALID_PARAMETERS;
  }
  memset(&agent, 0, sizeof agent);
  agent.settings = settings;
  agent.ticks = tx_time_get();
  agent.port = (picket_port_t){
      .context = (void *)(uintptr_t)settings,
      .publish = publish,
      .monotonic_ms = monotonic_ms,
      .entropy = entropy,
      .report = report,
      .wall_s = wall_s,
      .log = log_text,
      .wake = wake,
      .lock = lock,
      .unlock = unlock,
      .flash = settings->flash,
  };
  if (picket_init(&agent.port, &settings->setup) != PICKET_OK) {
    agent.settings = NX_NULL;
    return NX_NOT_SUCCESSFUL;
  }
  if (create_all(settings) != TX_SUCCESS) {
    (void)picket_close();
    agent.settings = NX_NULL;
    return NX_NOT_SUCCESSFUL;
  }
  return NX_SUCCESS;
}

UINT picket_netx_stop(VOID) {
  if (agent.settings == NX_NULL) return NX_NOT_ENABLED;
  agent.is_ending = NX_TRUE;
  (void)tx_semaphore_ceiling_put(&agent.wake, 1);
  (void)tx_semaphore_get(&agent.ended, TX_WAIT_FOREVER);
  (void)tx_thread_terminate(&agent.thread);
  (void)tx_thread_delete(&agent.thread);
  (void)tx_semaphore_delete(&agent.ended);
  (void)tx_semaphore_delete(&agent.wake);
  (void)tx_mutex_delete(&agent.mutex);
  agent.settings = NX_NULL;
  return NX_SUCCESS;
}

INT picket_netx_twin(const UCHAR *json, ULONG bytes, UINT is_patch) {
  if (agent.settings == NX_NULL) return PICKET_E_NOT_STARTED;
  if (tx_mutex_get(&agent.mutex, TX_WAIT_FOREVER) != TX_SUCCESS) return PICKET_E_NOT_STARTED;
  int32_t result = picket_twin_begin(is_patch != NX_FALSE);
  if (result == PICKET_OK) result = picket_twin_chunk(json, bytes);
  if (result == PICKET_OK) result = picket_twin_end();
  (void)tx_mutex_put(&agent.mutex);
  (void)tx_semaphore_ceiling_put(&agent.wake, 1);
  return result;
}

UINT picket_netx_flush(VOID) {
  if (agent.settings == NX_NULL) return NX_NOT_ENABLED;
  agent.is_flush_due = NX_TRUE;
  (void)tx_semaphore_ceiling_put(&agent.wake, 1);
  return NX_SUCCESS;
}
