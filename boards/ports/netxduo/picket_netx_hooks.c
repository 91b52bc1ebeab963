/* The packet filter of every NX_IP (nx_api.h: nx_ip_packet_filter_extended). */
#include "picket_netx_parts.h"

/* After nx_api.h: the list of instances. */
#include "nx_ip.h"

typedef UINT (*filter_t)(NX_IP *ip_ptr, NX_PACKET *packet_ptr, UINT direction);

#define LEVELS 2

typedef struct {
  NX_IP *ip; /* NX_NULL: free */
  /*
   * What each of our filters found in its place: the application's filter, or NX_NULL. There is a
   * second one for an application that later replaces ours; were it the same, and the
   * application's went on to the one that it found, the two would call each other for ever.
   */
  filter_t before[LEVELS];
  UINT level;         /* of our filter that counts */
  UINT is_counting;   /* NX_FALSE: only passes on */
  ULONG seen;         /* packets, any direction */
  ULONG seen_before;  /* at the last look */
  ULONG known_before; /* NetX's own count at the last look */
} hook_t;

static hook_t hooks[PICKET_NETX_IPS];

static VOID count(NX_PACKET *packet_ptr, UINT direction) {
  const uint32_t way = direction == NX_IP_PACKET_IN ? PICKET_IN : PICKET_OUT;
  const UCHAR *const head = packet_ptr->nx_packet_prepend_ptr;
  const uint32_t packet_bytes = (uint32_t)packet_ptr->nx_packet_length;
#ifndef NX_DISABLE_PACKET_CHAIN
  if (packet_ptr->nx_packet_next != NX_NULL) {
    picket_part_t parts[PICKET_NETX_PARTS];
    uint32_t number = 0;
    for (const NX_PACKET *at = packet_ptr; at != NX_NULL && number < PICKET_NETX_PARTS;
         at = at->nx_packet_next) {
      parts[number].data = at->nx_packet_prepend_ptr;
      parts[number].bytes = (uint32_t)(at->nx_packet_append_ptr - at->nx_packet_prepend_ptr);
      number++;
    }
    picket_packet_parts(way, parts, number, packet_bytes);
    return;
  }
#endif
  const uint32_t head_bytes = (uint32_t)(packet_ptr->nx_packet_append_ptr - head);
  picket_packet(way, head, head_bytes, packet_bytes);
}

static hook_t *hook_of(const NX_IP *ip) {
  for (UINT i = 0; i < PICKET_NETX_IPS; i++) {
    if (hooks[i].ip == ip) return &hooks[i];
  }
  return NX_NULL;
}

/* In the thread, or interrupt, in which NetX works on the packet. */
static inline UINT pass(UINT level, NX_IP *ip_ptr, NX_PACKET *packet_ptr, UINT direction) {
  hook_t *const hook = hook_of(ip_ptr);
  if (hook == NX_NULL) return NX_SUCCESS;
  const filter_t before = hook->before[level];
  if (before != NX_NULL) {
    const UINT verdict = before(ip_ptr, packet_ptr, direction);
    if (verdict != NX_SUCCESS) return verdict;
  }
  if (level != hook->level) return NX_SUCCESS;
  hook->seen++;
  if (hook->is_counting != NX_FALSE) count(packet_ptr, direction);
  return NX_SUCCESS;
}

static UINT filter_first(NX_IP *ip_ptr, NX_PACKET *packet_ptr, UINT direction) {
  return pass(0, ip_ptr, packet_ptr, direction);
}

static UINT filter_second(NX_IP *ip_ptr, NX_PACKET *packet_ptr, UINT direction) {
  return pass(1, ip_ptr, packet_ptr, direction);
}

static const filter_t filters[LEVELS] = {filter_first, filter_second};

/* NetX keeps its instances in a ring. */
static UINT is_there(const NX_IP *ip) {
  const NX_IP *at = _nx_ip_created_ptr;
  for (ULONG i = 0; i < _nx_ip_created_count && at != NX_NULL; i++) {
    if (at == ip) return NX_TRUE;
    at = at->nx_ip_created_next;
  }
  return NX_FALSE;
}

static ULONG known(const NX_IP *ip) {
  return ip->nx_ip_total_packets_received + ip->nx_ip_total_packet_send_requests;
}

/* `before` first: the filter may run as soon as it is in place. */
static VOID put_in_place(hook_t *hook, NX_IP *ip, UINT level) {
  hook->before[level] = ip->nx_ip_packet_filter_extended;
  hook->level = level;
  hook->is_counting = NX_TRUE;
  hook->seen_before = hook->seen;
  hook->known_before = known(ip);
  hook->ip = ip;
  ip->nx_ip_packet_filter_extended = filters[level];
}

/*
 * Another filter lies where ours was. When packets still reach ours, it passes them on and all is
 * well. When NetX has had packets and ours has seen none, ours was replaced: it goes over the other.
 */
static VOID look_at(hook_t *hook, NX_IP *ip) {
  const UINT is_reached = hook->seen != hook->seen_before;
  const UINT is_passed_by = known(ip) != hook->known_before && !is_reached;
  hook->seen_before = hook->seen;
  hook->known_before = known(ip);
  if (is_passed_by && hook->level + 1u < LEVELS) put_in_place(hook, ip, hook->level + 1u);
}

static VOID hook_one(NX_IP *ip) {
  hook_t *hook = hook_of(ip);
  if (hook == NX_NULL) {
    hook = hook_of(NX_NULL);
    if (hook == NX_NULL) return; /* more instances than PICKET_NETX_IPS */
    put_in_place(hook, ip, 0);
    picket_netx_skip_counters(ip, (UINT)(hook - hooks));
    return;
  }
  hook->is_counting = NX_TRUE;
  if (ip->nx_ip_packet_filter_extended == filters[hook->level]) return;
  if (ip->nx_ip_packet_filter_extended == NX_NULL) {
    put_in_place(hook, ip, 0); /* deleted and created again, or taken away */
  } else {
    look_at(hook, ip);
  }
}

VOID picket_netx_hook_all(VOID) {
  const UINT state = tx_interrupt_control(TX_INT_DISABLE);
  for (UINT i = 0; i < PICKET_NETX_IPS; i++) {
    if (hooks[i].ip != NX_NULL && !is_there(hooks[i].ip)) hooks[i].ip = NX_NULL;
  }
  NX_IP *ip = _nx_ip_created_ptr;
  for (ULONG i = 0; i < _nx_ip_created_count && ip != NX_NULL; i++) {
    hook_one(ip);
    ip = ip->nx_ip_created_next;
  }
  tx_interrupt_control(state);
}

VOID picket_netx_unhook_all(VOID) {
  const UINT state = tx_interrupt_control(TX_INT_DISABLE);
  for (UINT i = 0; i < PICKET_NETX_IPS; i++) {
    hook_t *const hook = &hooks[i];
    NX_IP *const ip = hook->ip;
    if (ip == NX_NULL) continue;
    hook->is_counting = NX_FALSE;
    if (!is_there(ip)) {
      hook->ip = NX_NULL;
    } else if (ip->nx_ip_packet_filter_extended == filters[hook->level]) {
      ip->nx_ip_packet_filter_extended = hook->before[hook->level];
      /* What lay over the first one may still pass packets to it. */
      if (hook->level == 0u) hook->ip = NX_NULL;
      hook->level = 0;
    }
  }
  tx_interrupt_control(state);
}

VOID picket_netx_each(VOID (*visit)(NX_IP *ip, UINT number)) {
  for (UINT i = 0; i < PICKET_NETX_IPS; i++) {
    if (hooks[i].ip != NX_NULL) visit(hooks[i].ip, i);
  }
}
