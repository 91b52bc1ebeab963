#ifndef NX_IP_H
#define NX_IP_H

extern NX_IP *_nx_ip_created_ptr;
extern ULONG _nx_ip_created_count;

#endif
