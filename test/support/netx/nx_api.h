/* A thin double of NetX Duo: only the types, fields and values that the port uses. */
#ifndef NX_API_H
#define NX_API_H

#include "tx_api.h"

#define NX_NULL ((void *)0)
#define NX_TRUE 1u
#define NX_FALSE 0u
#define NX_SUCCESS 0x00u
#define NX_NOT_ENABLED 0x14u
#define NX_ALREADY_ENABLED 0x15u
#define NX_NOT_SUCCESSFUL 0x43u
#define NX_INVALID_PARAMETERS 0x4du
#define NX_RAND rand

#ifdef NX_ENABLE_IP_PACKET_FILTER
#define NX_IP_PACKET_IN 0
#define NX_IP_PACKET_OUT 1
#endif

typedef struct NX_PACKET_STRUCT {
#ifndef NX_DISABLE_PACKET_CHAIN
  struct NX_PACKET_STRUCT *nx_packet_next;
#endif
  UCHAR *nx_packet_prepend_ptr;
  UCHAR *nx_packet_append_ptr;
  ULONG nx_packet_length;
} NX_PACKET;

typedef struct NX_TCP_LISTEN_STRUCT {
  UINT nx_tcp_listen_port;
  struct NX_TCP_LISTEN_STRUCT *nx_tcp_listen_next, *nx_tcp_listen_previous;
} NX_TCP_LISTEN;

typedef struct NX_UDP_SOCKET_STRUCT {
  UINT nx_udp_socket_port;
  struct NX_UDP_SOCKET_STRUCT *nx_udp_socket_bound_next, *nx_udp_socket_bound_previous;
  struct NX_UDP_SOCKET_STRUCT *nx_udp_socket_created_next, *nx_udp_socket_created_previous;
} NX_UDP_SOCKET;

typedef struct NX_IP_STRUCT {
  CHAR *nx_ip_name;
  ULONG nx_ip_total_packet_send_requests;
  ULONG nx_ip_total_packets_received;
  ULONG nx_ip_reassembly_failures;
  ULONG nx_ip_invalid_packets;
  ULONG nx_ip_unknown_protocols_received;
  ULONG nx_ip_receive_packets_dropped;
  ULONG nx_ip_receive_checksum_errors;
  ULONG nx_ip_send_packets_dropped;
  ULONG nx_ip_udp_invalid_packets;
  ULONG nx_ip_udp_no_port_for_delivery;
  ULONG nx_ip_udp_receive_packets_dropped;
  ULONG nx_ip_udp_checksum_errors;
  ULONG nx_ip_tcp_invalid_packets;
  ULONG nx_ip_tcp_receive_packets_dropped;
  ULONG nx_ip_tcp_checksum_errors;
  ULONG nx_ip_tcp_connections_dropped;
  ULONG nx_ip_icmp_checksum_errors;
  ULONG nx_ip_icmp_invalid_packets;
  TX_MUTEX nx_ip_protection;
  NX_UDP_SOCKET *nx_ip_udp_created_sockets_ptr;
  ULONG nx_ip_udp_created_sockets_count;
  NX_TCP_LISTEN *nx_ip_tcp_active_listen_requests;
  struct NX_IP_STRUCT *nx_ip_created_next, *nx_ip_created_previous;
#ifdef NX_ENABLE_IP_PACKET_FILTER
  UINT (*nx_ip_packet_filter)(VOID *, UINT);
  UINT (*nx_ip_packet_filter_extended)(struct NX_IP_STRUCT *ip_ptr, NX_PACKET *packet_ptr,
                                       UINT direction);
#endif
} NX_IP;

#endif
