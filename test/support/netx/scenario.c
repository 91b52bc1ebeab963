/*
 * The NetX port from start to stop, over the doubles. Prints "ok" or "FAIL" for each check, and
 * what is sent: "publish", id, 0, bytes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "picket_netx.h"

#include "nx_ip.h"

#define REFUSED 0x77u
#define IPV4_HEADER 20u
#define WAIT_TICKS 1000

static UCHAR message[8192];
static UINT own_calls;
static UINT later_calls;
static UINT plain_calls;
static int reports;

static void check(int is_fine, const char *what) { printf("%s %s\n", is_fine ? "ok" : "FAIL", what); }

/* The application. */

static UINT send(VOID *context, ULONG id, UCHAR *data, ULONG bytes) {
  (void)context;
  printf("publish %" PRIu32 " 0 ", id);
  for (ULONG i = 0; i < bytes; i++) printf("%02x", data[i]);
  printf("\n");
  fflush(stdout);
  picket_acknowledge(id, true);
  return NX_SUCCESS;
}

static VOID on_report(VOID *context, const UCHAR *json, ULONG bytes, UINT more) {
  (void)context, (void)json, (void)bytes, (void)more;
  reports++;
}

static VOID on_log(VOID *context, const CHAR *text) {
  (void)context;
  printf("log %s\n", text);
}

/* Refuses by the second byte of the header. */
static UINT own_filter(NX_IP *ip, NX_PACKET *packet, UINT direction) {
  (void)ip, (void)direction;
  own_calls++;
  return packet->nx_packet_prepend_ptr[1] == 0xffu ? REFUSED : NX_SUCCESS;
}

static UINT plain_filter(VOID *packet, UINT direction) {
  (void)packet, (void)direction;
  plain_calls++;
  return NX_SUCCESS;
}

static UINT (*under_later)(NX_IP *, NX_PACKET *, UINT);
static UINT later_filter(NX_IP *ip, NX_PACKET *packet, UINT direction) {
  later_calls++;
  return under_later == NX_NULL ? NX_SUCCESS : under_later(ip, packet, direction);
}

/* NetX. */

static void create(NX_IP *ip, CHAR *name) {
  memset(ip, 0, sizeof *ip);
  ip->nx_ip_name = name;
  tx_mutex_create(&ip->nx_ip_protection, name, TX_INHERIT);
  if (_nx_ip_created_ptr == NX_NULL) {
    ip->nx_ip_created_next = ip;
    ip->nx_ip_created_previous = ip;
    _nx_ip_created_ptr = ip;
  } else {
    ip->nx_ip_created_next = _nx_ip_created_ptr;
    ip->nx_ip_created_previous = _nx_ip_created_ptr->nx_ip_created_previous;
    ip->nx_ip_created_previous->nx_ip_created_next = ip;
    _nx_ip_created_ptr->nx_ip_created_previous = ip;
  }
  _nx_ip_created_count++;
}

/* What NetX does with a packet before it works on it, or sends it. */
static UINT pass(NX_IP *ip, NX_PACKET *packet, UINT direction) {
  if (direction == NX_IP_PACKET_IN) ip->nx_ip_total_packets_received++;
  if (direction == NX_IP_PACKET_OUT) ip->nx_ip_total_packet_send_requests++;
  if (ip->nx_ip_packet_filter != NX_NULL) {
    const UINT verdict = ip->nx_ip_packet_filter(packet->nx_packet_prepend_ptr, direction);
    if (verdict != NX_SUCCESS) return verdict;
  }
  if (ip->nx_ip_packet_filter_extended == NX_NULL) return NX_SUCCESS;
  return ip->nx_ip_packet_filter_extended(ip, packet, direction);
}

static NX_PACKET whole(UCHAR *data, ULONG bytes) {
  return (NX_PACKET){
      .nx_packet_prepend_ptr = data, .nx_packet_append_ptr = data + bytes, .nx_packet_length = bytes};
}

/* An IPv4 packet: the device is 10.0.0.2, its peer 10.0.0.9. */
static ULONG ipv4(UCHAR *to, UINT direction, UCHAR protocol, UINT local_port, UINT remote_port,
                  ULONG payload) {
  const ULONG header = protocol == 6u ? 20u : 8u;
  const ULONG bytes = IPV4_HEADER + header + payload;
  const int is_out = direction == NX_IP_PACKET_OUT;
  const UINT from = is_out ? local_port : remote_port;
  const UINT towards = is_out ? remote_port : local_port;
  memset(to, 0, bytes);
  to[0] = 0x45;
  to[2] = (UCHAR)(bytes >> 8);
  to[3] = (UCHAR)bytes;
  to[8] = 64;
  to[9] = protocol;
  to[12] = to[16] = 10;
  to[15] = is_out ? 2 : 9;
  to[19] = is_out ? 9 : 2;
  if (protocol == 1u) {
    to[20] = is_out ? 8 : 0;
    return bytes;
  }
  to[20] = (UCHAR)(from >> 8);
  to[21] = (UCHAR)from;
  to[22] = (UCHAR)(towards >> 8);
  to[23] = (UCHAR)towards;
  if (protocol == 6u) to[32] = 0x50;
  if (protocol == 6u) to[33] = 0x10;
  if (protocol == 17u) to[25] = (UCHAR)(8u + payload);
  return bytes;
}

/* ICMPv6 echo, fd00::2 to fd00::9 or back. */
static ULONG icmpv6(UCHAR *to, UINT direction) {
  const int is_out = direction == NX_IP_PACKET_OUT;
  memset(to, 0, 48);
  to[0] = 0x60;
  to[5] = 8;
  to[6] = 58;
  to[7] = 64;
  to[8] = to[24] = 0xfd;
  to[23] = is_out ? 2 : 9;
  to[39] = is_out ? 9 : 2;
  to[40] = is_out ? 128 : 129;
  return 48;
}

/* Waits until the agent has taken what is in the ring: it is awake several times a second. */
static void settle(void) {
  picket_netx_flush();
  tx_thread_sleep(30);
}

static UINT one(NX_IP *ip, UINT direction, UCHAR protocol, UINT port, UCHAR second) {
  UCHAR data[128];
  NX_PACKET packet = whole(data, ipv4(data, direction, protocol, port, 443, 10));
  data[1] = second;
  return pass(ip, &packet, direction);
}

#ifndef NX_DISABLE_PACKET_CHAIN
/* Headers split at each place over two and three packets. */
static void chains(NX_IP *ip) {
  for (ULONG cut = 1; cut < 44u; cut++) {
    UCHAR data[128];
    const ULONG bytes = ipv4(data, NX_IP_PACKET_IN, 6, 4000, 8883, 10);
    NX_PACKET third = whole(data + cut + 3u, bytes - cut - 3u);
    NX_PACKET second = whole(data + cut, 3);
    NX_PACKET first = whole(data, cut);
    first.nx_packet_next = &second;
    second.nx_packet_next = &third;
    first.nx_packet_length = bytes;
    (void)pass(ip, &first, NX_IP_PACKET_IN);
    if (cut % 8u == 0u) settle();
  }
}
#endif

static void traffic(NX_IP *ip) {
  for (int i = 0; i < 3; i++) (void)one(ip, NX_IP_PACKET_OUT, 6, 2000, 0);
  for (int i = 0; i < 2; i++) (void)one(ip, NX_IP_PACKET_IN, 6, 2000, 0);
  (void)one(ip, NX_IP_PACKET_OUT, 17, 3000, 0);
  (void)one(ip, NX_IP_PACKET_OUT, 1, 0, 0);
  settle();
  (void)one(ip, NX_IP_PACKET_IN, 1, 0, 0);
  for (UINT direction = NX_IP_PACKET_IN; direction <= NX_IP_PACKET_OUT; direction++) {
    UCHAR data[64];
    NX_PACKET packet = whole(data, icmpv6(data, direction));
    (void)pass(ip, &packet, direction);
  }
  check(one(ip, NX_IP_PACKET_IN, 6, 2999, 0xff) == REFUSED, "the own filter's verdict is obeyed");
  settle();
}

static void starts_that_fail(picket_netx_t *settings) {
  picket_netx_t broken = *settings;
  broken.send = NX_NULL;
  check(picket_netx_start(&broken) == NX_INVALID_PARAMETERS, "no send: refused");
  check(picket_netx_start(NX_NULL) == NX_INVALID_PARAMETERS, "no settings: refused");
  check(picket_netx_stop() == NX_NOT_ENABLED, "stop without start");
  const int alive = doubles_alive;
  for (int objects = 0; objects < 4; objects++) {
    doubles_refuse_after = objects;
    check(picket_netx_start(settings) == NX_NOT_SUCCESSFUL, "no memory for an object: refused");
    check(doubles_alive == alive, "nothing is left of it");
  }
  doubles_refuse_after = -1;
}

static void filters_of_others(picket_netx_t *settings, NX_IP *ip, NX_IP *other) {
  check(picket_netx_start(settings) == NX_SUCCESS, "start again");
  settle();
  under_later = ip->nx_ip_packet_filter_extended;
  ip->nx_ip_packet_filter_extended = later_filter;
  (void)one(ip, NX_IP_PACKET_OUT, 6, 5000, 0);
  settle();
  (void)one(ip, NX_IP_PACKET_OUT, 6, 5000, 0);
  settle();
  check(ip->nx_ip_packet_filter_extended == later_filter, "a filter over ours that passes on stays");
  other->nx_ip_packet_filter_extended = own_filter;
  (void)one(other, NX_IP_PACKET_OUT, 6, 5001, 0);
  settle();
  check(other->nx_ip_packet_filter_extended != own_filter, "a filter that replaced ours is under it");
  const UINT calls = own_calls;
  (void)one(other, NX_IP_PACKET_OUT, 6, 5002, 0);
  check(own_calls == calls + 1u, "and is asked once");
  settle();
  check(picket_netx_stop() == NX_SUCCESS, "stop again");
  check(ip->nx_ip_packet_filter_extended == later_filter, "a filter over ours is left");
  check(other->nx_ip_packet_filter_extended == own_filter, "the one under ours is put back");
  const UINT later = later_calls;
  const UINT own = own_calls;
  (void)one(ip, NX_IP_PACKET_OUT, 6, 5003, 0);
  check(later_calls == later + 1u && own_calls == own + 1u, "filters go on without us");
}

int main(void) {
  static CHAR names[2][8] = {"nic0", "nic1"};
  static NX_IP first;
  static NX_IP second;
  static NX_TCP_LISTEN listen = {.nx_tcp_listen_port = 8080};
  static NX_UDP_SOCKET sockets[2];
  static picket_netx_t settings = {
      .send = send,
      .message = message,
      .message_bytes = sizeof message,
      .report = on_report,
      .log = on_log,
      .setup = {.high_interval_s = 1000, .low_interval_s = 1000, .snapshot_interval_s = 1000},
      .priority = 20,
      .counters_interval_s = 1,
  };
  memcpy(settings.setup.agent_id, "netxduo", 8);
  create(&first, names[0]);
  listen.nx_tcp_listen_next = &listen;
  first.nx_ip_tcp_active_listen_requests = &listen;
  sockets[0] = (NX_UDP_SOCKET){5353, &sockets[0], &sockets[0], &sockets[1], &sockets[1]};
  sockets[1] = (NX_UDP_SOCKET){9, NX_NULL, NX_NULL, &sockets[0], &sockets[0]};
  first.nx_ip_udp_created_sockets_ptr = sockets;
  first.nx_ip_udp_created_sockets_count = 2;
  first.nx_ip_packet_filter = plain_filter;
  first.nx_ip_packet_filter_extended = own_filter;
  starts_that_fail(&settings);

  check(picket_netx_start(&settings) == NX_SUCCESS, "start");
  check(picket_netx_start(&settings) == NX_ALREADY_ENABLED, "start once only");
  settle();
  check(first.nx_ip_packet_filter_extended != own_filter, "the filter is in place");
  check(first.nx_ip_packet_filter == plain_filter, "the plain filter is not ours");
  traffic(&first);
  create(&second, names[1]);
  settle();
  check(second.nx_ip_packet_filter_extended != NX_NULL, "an instance created later is found");
  (void)one(&second, NX_IP_PACKET_OUT, 6, 2500, 0);
#ifndef NX_DISABLE_PACKET_CHAIN
  chains(&second);
#endif
  static const UCHAR twin[] =
      "{\"desired\":{\"ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration\":"
      "{\"eventPriorityDiagnostic\":{\"value\":\"High\"}}}}";
  check(picket_netx_twin(twin, sizeof twin - 1u, NX_FALSE) == 0, "a twin document from any thread");
  settle();
  first.nx_ip_tcp_checksum_errors += 7;
  first.nx_ip_receive_packets_dropped += 2;
  doubles_ticks += 2 * TX_TIMER_TICKS_PER_SECOND;
  settle();
  settle();
  check(picket_netx_stop() == NX_SUCCESS, "stop");
  check(first.nx_ip_packet_filter_extended == own_filter, "the own filter is back in its field");
  check(second.nx_ip_packet_filter_extended == NX_NULL, "no filter where none was");
  check(first.nx_ip_packet_filter == plain_filter, "the plain filter is as it was");
  check(plain_calls > 0u && own_calls == plain_calls, "the own filter saw every packet");
  (void)one(&first, NX_IP_PACKET_OUT, 6, 2998, 0);
  check(picket_netx_stop() == NX_NOT_ENABLED, "stop once only");
  check(reports > 0, "the twin's result is reported");
  filters_of_others(&settings, &first, &second);
  check(doubles_alive == 2, "all objects are deleted"); /* the two mutexes of NetX */
  return 0;
}
