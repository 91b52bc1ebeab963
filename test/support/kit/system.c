#include "system.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

uint32_t system_ms;
uint32_t system_wall_s;
int32_t system_publish_result;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

void system_print(const char *what, const uint8_t *data, uint32_t bytes) {
  printf("%s ", what);
  for (uint32_t i = 0; i < bytes; i++) printf("%02x", data[i]);
  printf("\n");
}

static int32_t on_publish(void *context, uint32_t id, const uint8_t *data, uint32_t bytes,
                          bool more) {
  char what[64];
  (void)context;
  if (system_publish_result != PICKET_OK) return system_publish_result;
  snprintf(what, sizeof what, "publish %" PRIu32 " %d", id, more);
  system_print(what, data, bytes);
  return PICKET_OK;
}

static void on_report(void *context, const uint8_t *json, uint32_t bytes, bool more) {
  (void)context;
  system_print(more ? "report 1" : "report 0", json, bytes);
}

static uint32_t now_ms(void *context) {
  (void)context;
  return system_ms;
}

static uint32_t now_wall_s(void *context) {
  (void)context;
  return system_wall_s;
}

static uint32_t draw(void *context) {
  (void)context;
  return 0x12345678;
}

static void on_log(void *context, const char *text) {
  (void)context;
  printf("log %s\n", text);
}

static void on_wake(void *context) {
  (void)context;
  printf("wake\n");
}

static uint32_t lock(void *context) {
  (void)context;
  pthread_mutex_lock(&mutex);
  return 77;
}

static void unlock(void *context, uint32_t state) {
  (void)context;
  if (state != 77) printf("unlock with %" PRIu32 "\n", state);
  pthread_mutex_unlock(&mutex);
}

picket_port_t system_port = {
    .publish = on_publish,
    .monotonic_ms = now_ms,
    .entropy = draw,
    .report = on_report,
    .wall_s = now_wall_s,
    .log = on_log,
    .wake = on_wake,
    .lock = lock,
    .unlock = unlock,
};
