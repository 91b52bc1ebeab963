/* Parts of the port: within it. */
#ifndef PICKET_NETX_PARTS_H
#define PICKET_NETX_PARTS_H

#include "picket_netx.h"

/* Hooks the NX_IPs that are not hooked yet; drops those that are gone. Agent thread. */
VOID picket_netx_hook_all(VOID);

/* Puts all filters back. Where another filter lies over ours, ours stays and only passes on. */
VOID picket_netx_unhook_all(VOID);

/* Calls `visit` for each NX_IP that is hooked and still there. */
VOID picket_netx_each(VOID (*visit)(NX_IP *ip, UINT number));

/* Tells NetX error counters that have risen since the last call. */
VOID picket_netx_tell_counters(VOID);

/* What the counters are now is not told. */
VOID picket_netx_skip_counters(NX_IP *ip, UINT number);

/* TCP ports that listen and UDP ports that are bound, as a snapshot. */
VOID picket_netx_tell_ports(VOID);

#endif
