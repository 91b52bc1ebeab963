/*
 * Picket's agent for C programs: hand it a port table, offer it packets, call picket_poll from one
 * thread. Static memory only; with the wasm3 back end wasm3 itself allocates.
 *
 * Results: PICKET_OK or a positive count, else negative PICKET_E_* (picket_abi.h).
 *
 * Any thread, and interrupt handlers: picket_packet, picket_packet_parts, picket_observe,
 * picket_count_cloud_to_device, picket_acknowledge, picket_flash_done. All others: one thread, the
 * agent's. None of the functions of the port table may call back into Picket, but for the ones
 * that any thread may call.
 */
#ifndef PICKET_H
#define PICKET_H

#include <stdbool.h>
#include <stdint.h>

#include "picket_core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The core could not be loaded, has another ABI or has trapped: picket_trouble tells. */
#define PICKET_E_CORE (-100)
/* The port table lacks a function that is needed. */
#define PICKET_E_PORT (-101)

/* Bytes for observations that wait for the next picket_poll, and acknowledgements that do. */
#ifndef PICKET_OBSERVATION_BYTES
#define PICKET_OBSERVATION_BYTES 512u
#endif
#ifndef PICKET_ACKNOWLEDGEMENTS
#define PICKET_ACKNOWLEDGEMENTS 4u
#endif

/* A flash partition, or a RAM region that behaves as one (picket_ram.h). */
typedef struct {
  void *context;
  uint32_t sector_bytes;  /* what is erased at once */
  uint16_t sectors;       /* 2 or more */
  uint16_t program_bytes; /* program unit: 1, 2, 4, 8, 16 or 32 */
  /* Addresses are within the partition. PICKET_OK, PICKET_E_FLASH or, not for `read`,
     PICKET_PENDING: goes on, picket_flash_done will tell, until then the bytes stay in place. */
  int32_t (*read)(void *context, uint32_t address, uint8_t *to, uint32_t bytes);
  int32_t (*program)(void *context, uint32_t address, const uint8_t *from, uint32_t bytes);
  int32_t (*erase)(void *context, uint32_t address);
} picket_flash_t;

/* What Picket asks of the system. Functions get `context` first. It must stay in place. */
typedef struct {
  void *context;
  /* Takes one part of a message, in order; copies before it returns. The message is complete when
     `more` is false; then send it with QoS 1 and tell picket_acknowledge. PICKET_E_BUSY: the whole
     message is offered again later. */
  int32_t (*publish)(void *context, uint32_t id, const uint8_t *data, uint32_t bytes, bool more);
  /* Milliseconds since any time; wraps at 2^32. */
  uint32_t (*monotonic_ms)(void *context);
  /* A random number, at best from hardware; asked for once at every start. */
  uint32_t (*entropy)(void *context);

  /* The others may be NULL. */

  /* Takes one part of the module twin's reported properties, JSON. */
  void (*report)(void *context, const uint8_t *json, uint32_t bytes, bool more);
  /* Seconds since 1970 UTC, 0 when not known. */
  uint32_t (*wall_s)(void *context);
  /* Takes a line about something that should not be. */
  void (*log)(void *context, const char *text);
  /* Packets fill half of the ring: picket_poll should be called soon. On the packet path. */
  void (*wake)(void *context);
  /* A short critical section against all callers, interrupts included; `unlock` gets what `lock`
     returned. Not used on Cortex-M, where interrupts are disabled, unless PICKET_LOCK_BY_PORT is
     defined; needed everywhere else. */
  uint32_t (*lock)(void *context);
  void (*unlock)(void *context, uint32_t state);
  /* NULL: events wait in the core's memory. */
  const picket_flash_t *flash;
} picket_port_t;

typedef struct {
  uint8_t agent_id[8]; /* random, the same for the life of the device */
  uint8_t build_id[4]; /* the first bytes of the core module's SHA-256 */
  /* Collection and snapshots, s; 0: the documented defaults. The module twin overrides them. */
  uint32_t high_interval_s;
  uint32_t low_interval_s;
  uint32_t snapshot_interval_s;
  picket_core_module_t module; /* for wasm3 only */
} picket_setup_t;

/* Loads and starts the core. `port` must stay in place until picket_close. */
int32_t picket_init(const picket_port_t *port, const picket_setup_t *setup);

#define PICKET_OUT 0u
#define PICKET_IN 1u

/*
 * Copies the head of an IP packet into the ring and returns. A packet that finds the ring full is
 * counted; without a running agent the call does nothing.
 *
 * `direction`: PICKET_OUT or PICKET_IN. `head_bytes`: bytes at `packet`, from the IP header on.
 * `packet_bytes`: length of the whole IP packet.
 */
void picket_packet(uint32_t direction, const void *packet, uint32_t head_bytes,
                   uint32_t packet_bytes);

typedef struct {
  const void *data;
  uint32_t bytes;
} picket_part_t;

/* The same for a packet in parts, in order; those beyond what the ring keeps are not touched. */
void picket_packet_parts(uint32_t direction, const picket_part_t *parts, uint32_t count,
                         uint32_t packet_bytes);

/*
 * Tells the agent what happened (records: picket_abi.h): the record waits for the next picket_poll.
 * PICKET_E_FULL when there is no room; then the core counts one refused observation.
 */
int32_t picket_observe(const void *record, uint32_t bytes);

/* The application received cloud-to-device messages. */
int32_t picket_count_cloud_to_device(uint32_t count);

/* A message was delivered and acknowledged, or has failed. The next picket_poll acts on it. */
void picket_acknowledge(uint32_t id, bool is_delivered);

/* A flash operation that was PICKET_PENDING has ended, with PICKET_OK or PICKET_E_FLASH. */
void picket_flash_done(int32_t status);

/*
 * Drains the ring, collects, sends what is due. 0, or the snapshots that are due: bit n asks for
 * all records of kind n through picket_item, then picket_items_end.
 */
int32_t picket_poll(void);

/* Milliseconds until picket_poll has something to do beside packets; 0: at once. */
uint32_t picket_next_ms(void);

/* One record of a snapshot that picket_poll asked for, and their end. */
int32_t picket_item(const void *record, uint32_t bytes);
int32_t picket_items_end(uint16_t kind);

/* A module twin document {"desired":{...}}, or a patch of its desired properties, in any chunks. */
int32_t picket_twin_begin(bool is_patch);
int32_t picket_twin_chunk(const void *json, uint32_t bytes);
/* PICKET_OK, the count of faulty properties, or PICKET_E_BAD_RECORD: not JSON. */
int32_t picket_twin_end(void);

/* Ends the interval of a priority (0 high, 1 low) now; the next picket_poll sends. */
int32_t picket_flush(uint32_t priority);

/*
 * Ends the agent. PICKET_E_BUSY: someone is still copying a packet; no further packets are taken,
 * call again. Then picket_init may be called anew.
 */
int32_t picket_close(void);

/* Why the last call failed with PICKET_E_CORE or PICKET_E_PORT; "" when none did. */
const char *picket_trouble(void);

#ifdef __cplusplus
}
#endif

#endif
