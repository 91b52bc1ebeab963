#include "picket.h"

#include <stddef.h>
#include <string.h>

#include "picket_inbox.h"
#include "picket_ring.h"

/* Observations in one poll, so that it ends however many come meanwhile. */
#define OBSERVATIONS_MAX (PICKET_OBSERVATION_BYTES / 8u)
#define NOTHING_DUE_MS 0x7fffffffu

static struct {
  const picket_port_t *port;
  uint8_t *input;
  const char *trouble;
} kit;

const char *picket_trouble(void) { return kit.trouble == NULL ? "" : kit.trouble; }

static int32_t fail(const picket_port_t *port, int32_t result, const char *trouble) {
  kit.trouble = trouble;
  if (port->log != NULL) port->log(port->context, trouble);
  return result;
}

/* The core's result, or PICKET_E_CORE after a trap, with which the agent ends. */
static int32_t call(picket_core_export_t number, uint32_t a, uint32_t b, uint32_t c) {
  const uint32_t arguments[3] = {a, b, c};
  int32_t result = 0;
  if (kit.port == NULL) return PICKET_E_NOT_STARTED;
  if (kit.trouble != NULL) return PICKET_E_CORE;
  const char *const trap = picket_core_call(number, arguments, &result);
  return trap == NULL ? result : fail(kit.port, PICKET_E_CORE, trap);
}

/* What the core imports. */

static int32_t publish(void *context, uint32_t id, const uint8_t *data, uint32_t bytes,
                       uint32_t more) {
  const picket_port_t *const port = context;
  return port->publish(port->context, id, data, bytes, more != 0u);
}

static int32_t report(void *context, const uint8_t *data, uint32_t bytes, uint32_t more) {
  const picket_port_t *const port = context;
  if (port->report != NULL) port->report(port->context, data, bytes, more != 0u);
  return PICKET_OK;
}

static int32_t flash_read(void *context, uint32_t address, uint8_t *data, uint32_t bytes) {
  const picket_flash_t *const flash = ((const picket_port_t *)context)->flash;
  return flash == NULL ? PICKET_E_FLASH : flash->read(flash->context, address, data, bytes);
}

static int32_t flash_program(void *context, uint32_t address, const uint8_t *data,
                             uint32_t bytes) {
  const picket_flash_t *const flash = ((const picket_port_t *)context)->flash;
  return flash == NULL ? PICKET_E_FLASH : flash->program(flash->context, address, data, bytes);
}

static int32_t flash_erase(void *context, uint32_t address) {
  const picket_flash_t *const flash = ((const picket_port_t *)context)->flash;
  return flash == NULL ? PICKET_E_FLASH : flash->erase(flash->context, address);
}

static void put_u32(uint8_t *record, uint32_t offset, uint32_t value) {
  memcpy(record + offset, &value, sizeof value);
}

static void put_u16(uint8_t *record, uint32_t offset, uint16_t value) {
  memcpy(record + offset, &value, sizeof value);
}

static uint32_t wall_s(const picket_port_t *port) {
  return port->wall_s == NULL ? PICKET_WALL_UNKNOWN : port->wall_s(port->context);
}

static int32_t start(const picket_port_t *port, const picket_setup_t *setup) {
  uint8_t *const record = kit.input;
  const picket_flash_t *const flash = port->flash;
  memset(record, 0, PICKET_START_BYTES);
  memcpy(record + PICKET_START_AGENT_ID, setup->agent_id, sizeof setup->agent_id);
  memcpy(record + PICKET_START_BUILD_ID, setup->build_id, sizeof setup->build_id);
  put_u32(record, PICKET_START_SEED, port->entropy(port->context));
  put_u32(record, PICKET_START_HIGH_INTERVAL_S, setup->high_interval_s);
  put_u32(record, PICKET_START_LOW_INTERVAL_S, setup->low_interval_s);
  put_u32(record, PICKET_START_SNAPSHOT_INTERVAL_S, setup->snapshot_interval_s);
  if (flash != NULL) {
    put_u32(record, PICKET_START_FLASH_SECTOR_BYTES, flash->sector_bytes);
    put_u16(record, PICKET_START_FLASH_SECTORS, flash->sectors);
    put_u16(record, PICKET_START_FLASH_PROGRAM_BYTES, flash->program_bytes);
  }
  return call(PICKET_CORE_START, PICKET_START_BYTES, port->monotonic_ms(port->context),
              wall_s(port));
}

static bool is_complete(const picket_port_t *port) {
  const picket_flash_t *const flash = port->flash;
  const bool is_locked = PICKET_HAS_OWN_LOCK || (port->lock != NULL && port->unlock != NULL);
  if (port->publish == NULL || port->monotonic_ms == NULL || port->entropy == NULL) return false;
  if (flash != NULL && (flash->read == NULL || flash->program == NULL || flash->erase == NULL)) {
    return false;
  }
  return is_locked;
}

/* The core is open and no core but ours: where its input buffer and its ring are. */
static int32_t attach(const picket_port_t *port, uint8_t **ring) {
  uint32_t memory_bytes = 0;
  uint8_t *const memory = picket_core_memory(&memory_bytes);
  const int32_t version = call(PICKET_CORE_ABI_VERSION, 0, 0, 0);
  if (version < 0) return version;
  if ((uint32_t)version != PICKET_ABI_VERSION) {
    return fail(port, PICKET_E_CORE, "the core has another ABI version");
  }
  const int32_t used = call(PICKET_CORE_MEMORY_BYTES, 0, 0, 0);
  if (used < 0) return used;
  if ((uint32_t)used > memory_bytes) {
    return fail(port, PICKET_E_CORE, "the core needs more memory than it is given");
  }
  const int32_t input = call(PICKET_CORE_INPUT_ADDRESS, 0, 0, 0);
  if (input < 0) return input;
  const int32_t ring_address = call(PICKET_CORE_RING_ADDRESS, 0, 0, 0);
  if (ring_address < 0) return ring_address;
  kit.input = memory + input;
  *ring = memory + ring_address;
  return PICKET_OK;
}

int32_t picket_init(const picket_port_t *port, const picket_setup_t *setup) {
  if (kit.port != NULL) return PICKET_E_BUSY;
  memset(&kit, 0, sizeof kit);
  if (!is_complete(port)) return fail(port, PICKET_E_PORT, "the port table lacks a function");
  const picket_core_imports_t imports = {publish,       report,      flash_read,
                                         flash_program, flash_erase, (void *)(uintptr_t)port};
  const char *const error = picket_core_open(&setup->module, &imports);
  if (error != NULL) return fail(port, PICKET_E_CORE, error);
  uint8_t *ring = NULL;
  kit.port = port;
  int32_t result = attach(port, &ring);
  if (result == PICKET_OK) result = start(port, setup);
  picket_core_forget(); /* What starts the core is not needed again. */
  if (result == PICKET_OK) {
    picket_inbox_open(port);
    picket_ring_open(port, ring);
    return PICKET_OK;
  }
  if (result == PICKET_E_BAD_RECORD) (void)fail(port, result, "the core refuses its settings");
  if (result == PICKET_E_FLASH) (void)fail(port, result, "the flash partition does not answer");
  kit.port = NULL;
  picket_core_close();
  return result;
}

int32_t picket_close(void) {
  if (kit.port == NULL) return PICKET_OK;
  if (!picket_ring_close()) return PICKET_E_BUSY;
  picket_inbox_open(NULL);
  picket_core_close();
  kit.port = NULL;
  return PICKET_OK;
}

int32_t picket_item(const void *record, uint32_t bytes) {
  if (kit.port == NULL) return PICKET_E_NOT_STARTED;
  if (bytes > PICKET_INPUT_BYTES) return PICKET_E_BAD_RECORD;
  memcpy(kit.input, record, bytes);
  return call(PICKET_CORE_OBSERVE, bytes, 0, 0);
}

int32_t picket_items_end(uint16_t kind) {
  const uint16_t head[2] = {kind, 0};
  return picket_item(head, sizeof head);
}

int32_t picket_poll(void) {
  const picket_port_t *const port = kit.port;
  if (port == NULL) return PICKET_E_NOT_STARTED;
  if (kit.trouble != NULL) return PICKET_E_CORE;
  int32_t status = 0;
  picket_acknowledgement_t taken;
  if (picket_inbox_flash_done(&status)) {
    (void)call(PICKET_CORE_FLASH_DONE, (uint32_t)status, 0, 0);
  }
  while (picket_inbox_acknowledgement(&taken)) {
    (void)call(PICKET_CORE_PUBLISHED, taken.id, (uint32_t)taken.status, 0);
  }
  for (uint32_t i = 0; i < OBSERVATIONS_MAX; i++) {
    const uint32_t bytes = picket_inbox_observation(kit.input);
    if (bytes == 0u) break;
    (void)call(PICKET_CORE_OBSERVE, bytes, 0, 0);
  }
  return call(PICKET_CORE_POLL, port->monotonic_ms(port->context), wall_s(port), 0);
}

uint32_t picket_next_ms(void) {
  const int32_t result = call(PICKET_CORE_NEXT_MS, 0, 0, 0);
  if (result < 0) return NOTHING_DUE_MS;
  return picket_inbox_is_empty() ? (uint32_t)result : 0u;
}

/* A document is rare and takes much code: what else has run makes room for it, and it for the rest. */
int32_t picket_twin_begin(bool is_patch) {
  if (kit.port != NULL) picket_core_forget();
  return call(PICKET_CORE_TWIN_BEGIN, is_patch ? 1u : 0u, 0, 0);
}

int32_t picket_twin_chunk(const void *json, uint32_t bytes) {
  const uint8_t *from = json;
  if (kit.port == NULL) return PICKET_E_NOT_STARTED;
  while (bytes > 0u) {
    const uint32_t part = bytes < PICKET_INPUT_BYTES ? bytes : PICKET_INPUT_BYTES;
    memcpy(kit.input, from, part);
    const int32_t result = call(PICKET_CORE_TWIN_CHUNK, part, 0, 0);
    if (result < 0) return result;
    from += part;
    bytes -= part;
  }
  return PICKET_OK;
}

int32_t picket_twin_end(void) {
  const int32_t result = call(PICKET_CORE_TWIN_END, 0, 0, 0);
  if (kit.port != NULL) picket_core_forget();
  return result;
}

int32_t picket_flush(uint32_t priority) { return call(PICKET_CORE_FLUSH, priority, 0, 0); }
