/* What NetX knows, as observations. In the agent thread. */
#include <string.h>

#include "picket_netx_parts.h"

#define SEVERITY_WARNING 2u
#define PROTOCOL_TCP 6u
#define PROTOCOL_UDP 17u
#define DIGITS_MAX 10u

/* Counters of errors: field of NX_IP, then what it is called in messages. */
#define COUNTERS(X)                                                                           \
  X(nx_ip_invalid_packets, "ip-invalid")                                                      \
  X(nx_ip_receive_packets_dropped, "ip-receive-dropped")                                      \
  X(nx_ip_receive_checksum_errors, "ip-checksum")                                             \
  X(nx_ip_send_packets_dropped, "ip-send-dropped")                                            \
  X(nx_ip_unknown_protocols_received, "ip-unknown-protocol")                                  \
  X(nx_ip_reassembly_failures, "ip-reassembly")                                               \
  X(nx_ip_tcp_invalid_packets, "tcp-invalid")                                                 \
  X(nx_ip_tcp_receive_packets_dropped, "tcp-dropped")                                         \
  X(nx_ip_tcp_checksum_errors, "tcp-checksum")                                                \
  X(nx_ip_tcp_connections_dropped, "tcp-connections-dropped")                                 \
  X(nx_ip_udp_invalid_packets, "udp-invalid")                                                 \
  X(nx_ip_udp_no_port_for_delivery, "udp-no-port")                                            \
  X(nx_ip_udp_receive_packets_dropped, "udp-dropped")                                         \
  X(nx_ip_udp_checksum_errors, "udp-checksum")                                                \
  X(nx_ip_icmp_invalid_packets, "icmp-invalid")                                               \
  X(nx_ip_icmp_checksum_errors, "icmp-checksum")

#define ONE(field, name) +1
#define COUNT (0 COUNTERS(ONE))
#define NAME(field, name) name,
static const CHAR *const names[COUNT] = {COUNTERS(NAME)};

static ULONG told[PICKET_NETX_IPS][COUNT];

static VOID read_counters(const NX_IP *ip, ULONG *values) {
#define READ(field, name) *values++ = ip->field;
  COUNTERS(READ)
#undef READ
}

static ULONG length_of(const CHAR *text) { return text == NX_NULL ? 0u : (ULONG)strlen(text); }

/* Appends as much of the text as there is room. */
static ULONG append(CHAR *to, ULONG at, ULONG room, const CHAR *text, ULONG bytes) {
  if (bytes > room - at) bytes = room - at;
  memcpy(to + at, text, bytes);
  return at + bytes;
}

static ULONG append_number(CHAR *to, ULONG at, ULONG room, ULONG value) {
  CHAR digits[DIGITS_MAX * 2u];
  ULONG first = sizeof digits;
  do {
    digits[--first] = (CHAR)('0' + value % 10u);
    value /= 10u;
  } while (value > 0u);
  return append(to, at, room, digits + first, (ULONG)sizeof digits - first);
}

static VOID begin(picket_diagnostic_t *record, const NX_IP *ip, ULONG *at) {
  static const CHAR head[] = "NetX ";
  const ULONG room = sizeof record->message;
  const ULONG name_bytes = length_of(ip->nx_ip_name);
  memset(record, 0, sizeof *record);
  record->kind = PICKET_KIND_DIAGNOSTIC;
  record->severity = SEVERITY_WARNING;
  *at = append(record->message, 0, room, head, sizeof head - 1u);
  *at = append(record->message, *at, room, ip->nx_ip_name, name_bytes < 24u ? name_bytes : 24u);
}

static VOID tell(NX_IP *ip, UINT number) {
  picket_diagnostic_t record;
  ULONG now[COUNT];
  ULONG at = 0;
  read_counters(ip, now);
  for (UINT i = 0; i < COUNT; i++) {
    const ULONG risen = now[i] - told[number][i];
    const ULONG name_bytes = length_of(names[i]);
    told[number][i] = now[i];
    if (risen == 0u) continue;
    if (at > 0u && at + name_bytes + DIGITS_MAX + 2u > sizeof record.message) {
      (void)picket_item(&record, sizeof record);
      at = 0;
    }
    if (at == 0u) begin(&record, ip, &at);
    at = append(record.message, at, sizeof record.message, " ", 1);
    at = append(record.message, at, sizeof record.message, names[i], name_bytes);
    at = append(record.message, at, sizeof record.message, " ", 1);
    at = append_number(record.message, at, sizeof record.message, risen);
  }
  if (at > 0u) (void)picket_item(&record, sizeof record);
}

VOID picket_netx_tell_counters(VOID) { picket_netx_each(tell); }

VOID picket_netx_skip_counters(NX_IP *ip, UINT number) { read_counters(ip, told[number]); }

static VOID tell_port(UINT port, uint8_t protocol) {
  picket_listening_ports_t record;
  memset(&record, 0, sizeof record);
  record.kind = PICKET_KIND_LISTENING_PORTS;
  record.local_port = (uint16_t)port;
  record.protocol = protocol;
  (void)picket_item(&record, sizeof record);
}

/* NetX's own lists are rings; its mutex guards them. */
static VOID tell_ports_of(NX_IP *ip, UINT number) {
  (void)number;
  if (tx_mutex_get(&ip->nx_ip_protection, TX_WAIT_FOREVER) != TX_SUCCESS) return;
  const NX_TCP_LISTEN *listen = ip->nx_ip_tcp_active_listen_requests;
  if (listen != NX_NULL) {
    do {
      tell_port(listen->nx_tcp_listen_port, PROTOCOL_TCP);
      listen = listen->nx_tcp_listen_next;
    } while (listen != ip->nx_ip_tcp_active_listen_requests);
  }
  const NX_UDP_SOCKET *socket = ip->nx_ip_udp_created_sockets_ptr;
  for (ULONG i = 0; i < ip->nx_ip_udp_created_sockets_count && socket != NX_NULL; i++) {
    if (socket->nx_udp_socket_bound_next != NX_NULL) {
      tell_port(socket->nx_udp_socket_port, PROTOCOL_UDP);
    }
    socket = socket->nx_udp_socket_created_next;
  }
  (void)tx_mutex_put(&ip->nx_ip_protection);
}

VOID picket_netx_tell_ports(VOID) {
  picket_netx_each(tell_ports_of);
  (void)picket_items_end(PICKET_KIND_LISTENING_PORTS);
}
