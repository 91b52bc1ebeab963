/*
 * Picket on ThreadX and NetX Duo: packets of every NX_IP through the IP packet filter, an agent
 * thread, and an uplink that the application supplies.
 *
 * NetX Duo must be built with NX_ENABLE_IP_PACKET_FILTER in nx_user.h.
 */
#ifndef PICKET_NETX_H
#define PICKET_NETX_H

#include "nx_api.h"

#ifndef NX_ENABLE_IP_PACKET_FILTER
#error "Picket: define NX_ENABLE_IP_PACKET_FILTER in nx_user.h, for NetX Duo and the application"
#endif

#include "picket.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Stack of the agent thread, bytes: up to 2,480 for Picket under wasm3, 800 ahead of time, measured
 * on a Cortex-M4 (docs/porting.md); the rest is for `send` and what interrupts push.
 */
#ifndef PICKET_NETX_STACK_BYTES
#define PICKET_NETX_STACK_BYTES 4096
#endif
/* NX_IP instances that can be hooked. */
#ifndef PICKET_NETX_IPS
#define PICKET_NETX_IPS 2
#endif
/* The agent looks for packets at least so often; they also wake it. */
#ifndef PICKET_NETX_POLL_MS
#define PICKET_NETX_POLL_MS 200
#endif
/* After a trap of the core, the agent starts anew so much later. */
#ifndef PICKET_NETX_RESTART_MS
#define PICKET_NETX_RESTART_MS 60000
#endif
/* NX_PACKETs of a chain that headers may be spread over. */
#ifndef PICKET_NETX_PARTS
#define PICKET_NETX_PARTS 8
#endif

/* What the port asks of the application. Functions get `context` first, in the agent thread. */
typedef struct {
  VOID *context;

  /*
   * Sends one message with QoS 1 to the module's telemetry topic, and returns without waiting for
   * the answer; that is told with picket_acknowledge(id, ...), from any thread. NX_SUCCESS: taken.
   * Anything else: not now, the message is offered again.
   */
  UINT (*send)(VOID *context, ULONG id, UCHAR *message, ULONG bytes);
  /* Where a message is put together, and its size: the core's MESSAGE_BYTES_MAX. */
  UCHAR *message;
  ULONG message_bytes;

  /* May be NULL: the reported properties of the module twin, JSON, in parts. */
  VOID (*report)(VOID *context, const UCHAR *json, ULONG bytes, UINT more);
  /* May be NULL: seconds since 1970 UTC, 0 when not known. */
  ULONG (*wall_s)(VOID *context);
  /* May be NULL: a random number; else NX_RAND is asked, which is only as good as its seed. */
  ULONG (*entropy)(VOID *context);
  /* May be NULL: takes a line about something that should not be. */
  VOID (*log)(VOID *context, const CHAR *text);
  /* May be NULL: snapshots that are due beside ListeningPorts, bit n for records of kind n, to be
     answered with picket_item and picket_items_end before it returns. */
  VOID (*snapshot)(VOID *context, ULONG due);

  picket_setup_t setup;
  /* NULL: events wait in the core's memory. */
  const picket_flash_t *flash;
  /* Of the agent thread; below the IP threads'. */
  UINT priority;
  /* NetX error counters that have risen are told as Diagnostic so often, s; 0: never. */
  ULONG counters_interval_s;
} picket_netx_t;

/*
 * Starts the agent thread and hooks every NX_IP; those that are created later are found. Call it
 * from a thread. `settings` must stay in place until picket_netx_stop.
 *
 * NX_SUCCESS, NX_ALREADY_ENABLED, NX_INVALID_PARAMETERS, NX_NOT_SUCCESSFUL (picket_trouble tells).
 */
UINT picket_netx_start(const picket_netx_t *settings);

/*
 * Puts all packet filters back as they were, ends agent and thread. Call it from another thread.
 * NX_SUCCESS, NX_NOT_ENABLED.
 */
UINT picket_netx_stop(VOID);

/* A module twin document or a patch of its desired properties, JSON, from any other thread. */
INT picket_netx_twin(const UCHAR *json, ULONG bytes, UINT is_patch);

/* Has the agent end both intervals and send, soon; as before an orderly power-off. */
UINT picket_netx_flush(VOID);

#ifdef __cplusplus
}
#endif

#endif
