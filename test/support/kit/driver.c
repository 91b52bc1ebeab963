/*
 * Runs the kit from a script on standard input, a command a line: numbers are decimal, data
 * hexadecimal or "-" for none. A result is printed as "= result".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "picket_ram.h"
#include "system.h"

#define LINE_BYTES_MAX 200000

static char line[LINE_BYTES_MAX];
static picket_setup_t setup;

/* The next word as a number; 0 when there is none. */
static uint32_t number(void) {
  const char *const word = strtok(NULL, " \n");
  return word == NULL ? 0u : (uint32_t)strtoul(word, NULL, 10);
}

/* The next word as data, in a block of its own: a sanitizer sees an access beyond its end. */
static uint8_t *data(uint32_t *bytes) {
  const char *const word = strtok(NULL, " \n");
  *bytes = word == NULL || *word == '-' ? 0u : (uint32_t)strlen(word) / 2u;
  uint8_t *const block = malloc(*bytes > 0u ? *bytes : 1u);
  for (uint32_t i = 0; i < *bytes; i++) {
    const char digits[3] = {word[2u * i], word[2u * i + 1u], 0};
    block[i] = (uint8_t)strtoul(digits, NULL, 16);
  }
  return block;
}

static uint8_t *file(const char *path, uint32_t *bytes) {
  FILE *const from = fopen(path, "rb");
  uint8_t *const block = malloc(1u << 20);
  if (from == NULL) exit(2);
  *bytes = (uint32_t)fread(block, 1, 1u << 20, from);
  fclose(from);
  return block;
}

static void result(int32_t value) { printf("= %" PRId32 "\n", value); }

static void run_init(void) {
  static picket_ram_t ram;
  static picket_flash_t flash;
  static uint8_t region[16384];
  const uint32_t sector_bytes = number();
  for (uint32_t i = 0; i < sizeof setup.agent_id; i++) setup.agent_id[i] = (uint8_t)(17u * i);
  uint32_t id_bytes = 0;
  uint8_t *const id = data(&id_bytes);
  memcpy(setup.build_id, id, id_bytes < sizeof setup.build_id ? id_bytes : sizeof setup.build_id);
  free(id);
  setup.high_interval_s = 5;
  setup.low_interval_s = 9;
  memset(region, 0xff, sizeof region);
  ram = (picket_ram_t){.memory = region, .bytes = sizeof region};
  system_port.flash = picket_ram_open(&flash, &ram, sector_bytes) == PICKET_OK ? &flash : NULL;
  result(picket_init(&system_port, &setup));
}

/* A packet at an address that is `offset` beyond an aligned one. */
static void run_packet(void) {
  const uint32_t direction = number();
  const uint32_t offset = number();
  const uint32_t packet_bytes = number();
  uint32_t bytes = 0;
  uint8_t *const head = data(&bytes);
  uint8_t *const block = malloc(offset + bytes + 1u);
  uint8_t *const exact = realloc(block, offset + bytes > 0u ? offset + bytes : 1u);
  memcpy(exact + offset, head, bytes);
  picket_packet(direction, exact + offset, bytes, packet_bytes);
  free(head);
  free(exact);
}

static void run_parts(void) {
  picket_part_t parts[16];
  const uint32_t direction = number();
  const uint32_t packet_bytes = number();
  const uint32_t count = number();
  for (uint32_t i = 0; i < count; i++) parts[i].data = data(&parts[i].bytes);
  picket_packet_parts(direction, parts, count, packet_bytes);
  for (uint32_t i = 0; i < count; i++) free((void *)(uintptr_t)parts[i].data);
}

static void run_record(int32_t (*take)(const void *, uint32_t)) {
  uint32_t bytes = 0;
  uint8_t *const record = data(&bytes);
  result(take(record, bytes));
  free(record);
}

static void run_without(const char *what) {
  picket_port_t port = system_port;
  if (strcmp(what, "publish") == 0) port.publish = NULL;
  if (strcmp(what, "monotonic_ms") == 0) port.monotonic_ms = NULL;
  if (strcmp(what, "entropy") == 0) port.entropy = NULL;
  if (strcmp(what, "lock") == 0) port.lock = NULL;
  if (strcmp(what, "unlock") == 0) port.unlock = NULL;
  result(picket_init(&port, &setup));
}

static void run(const char *command) {
  if (strcmp(command, "time") == 0) {
    system_ms = number();
    system_wall_s = number();
  } else if (strcmp(command, "init") == 0) {
    run_init();
  } else if (strcmp(command, "without") == 0) {
    run_without(strtok(NULL, " \n"));
  } else if (strcmp(command, "packet") == 0) {
    run_packet();
  } else if (strcmp(command, "parts") == 0) {
    run_parts();
  } else if (strcmp(command, "observe") == 0) {
    run_record(picket_observe);
  } else if (strcmp(command, "item") == 0) {
    run_record(picket_item);
  } else if (strcmp(command, "end") == 0) {
    result(picket_items_end((uint16_t)number()));
  } else if (strcmp(command, "c2d") == 0) {
    result(picket_count_cloud_to_device(number()));
  } else if (strcmp(command, "ack") == 0) {
    const uint32_t id = number();
    picket_acknowledge(id, number() == 1u);
  } else if (strcmp(command, "busy") == 0) {
    system_publish_result = number() == 1u ? PICKET_E_BUSY : PICKET_OK;
  } else if (strcmp(command, "poll") == 0) {
    result(picket_poll());
  } else if (strcmp(command, "next") == 0) {
    printf("= %" PRIu32 "\n", picket_next_ms());
  } else if (strcmp(command, "flush") == 0) {
    result(picket_flush(number()));
  } else if (strcmp(command, "twin") == 0) {
    result(picket_twin_begin(number() == 1u));
  } else if (strcmp(command, "chunk") == 0) {
    run_record(picket_twin_chunk);
  } else if (strcmp(command, "twin-end") == 0) {
    result(picket_twin_end());
  } else if (strcmp(command, "flash-done") == 0) {
    picket_flash_done((int32_t)number());
  } else if (strcmp(command, "close") == 0) {
    result(picket_close());
  } else if (strcmp(command, "memory") == 0) {
    uint32_t bytes = 0;
    const uint8_t *const memory = picket_core_memory(&bytes);
    system_print("memory", memory, bytes);
  } else if (strcmp(command, "trouble") == 0) {
    printf("trouble %s\n", picket_trouble());
  } else {
    printf("? %s\n", command);
  }
}

/* Arguments: a module and the bytes of its memory, for wasm3. */
int main(int count, char **arguments) {
  if (count == 3) {
    setup.module.wasm = file(arguments[1], &setup.module.wasm_bytes);
    setup.module.memory_bytes = (uint32_t)strtoul(arguments[2], NULL, 10);
    setup.module.stack_bytes = 4096;
  }
  while (fgets(line, sizeof line, stdin) != NULL) {
    const char *const command = strtok(line, " \n");
    if (command != NULL) run(command);
  }
  return 0;
}
