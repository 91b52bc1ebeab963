// Generated from boards/options.ts by scripts/generate.ts; do not edit.

/** IPv4 flows that are kept at once; flows. */
export const FLOW_SLOTS_IPV4: u32 = 64;
/** IPv6 flows that are kept at once; 0 leaves IPv6 out; flows. */
export const FLOW_SLOTS_IPV6: u32 = 64;
/** Packets that wait between two polls; packets. */
export const RING_SLOTS: u32 = 16;
/** Bytes of an IP packet's head that are kept: IP, extension and transport headers; B. */
export const RING_HEAD_BYTES: u32 = 64;
/** Memory for events that are not yet delivered or, with flash, not yet programmed; B. */
export const STORE_BYTES: u32 = 2048;
/** Events are kept in a flash partition, if the start record names one; 0 or 1. */
export const STORE_FLASH: u32 = 0;
/** Sectors of the flash partition that are used; without STORE_FLASH no memory; sectors. */
export const STORE_SECTORS_MAX: u32 = 32;
/** Longest event; more flows than fit make a further one; B. */
export const EVENT_BYTES_MAX: u32 = 512;
/** Longest message; the hub bills in steps of 4,096 bytes; B. */
export const MESSAGE_BYTES_MAX: u32 = 4096;
/** TCP connections are followed: ActiveConnections; 0 or 1. */
export const COLLECT_CONNECTIONS: u32 = 1;
/** Cloud-to-device messages are counted; 0 or 1. */
export const COLLECT_CLOUD_TO_DEVICE: u32 = 1;
/** ConnectionCreate for each new connection; 0 or 1. */
export const COLLECT_CONNECTION_CREATE: u32 = 1;
/** ProcessCreate and ProcessTerminate: threads; 0 or 1. */
export const COLLECT_PROCESS: u32 = 1;
/** Login; 0 or 1. */
export const COLLECT_LOGIN: u32 = 1;
/** Diagnostic; 0 or 1. */
export const COLLECT_DIAGNOSTIC: u32 = 1;
/** ListeningPorts; 0 or 1. */
export const COLLECT_LISTENING_PORTS: u32 = 1;
/** LocalUsers; 0 or 1. */
export const COLLECT_LOCAL_USERS: u32 = 1;
/** FirewallConfiguration; 0 or 1. */
export const COLLECT_FIREWALL: u32 = 1;
/** ConnectedHardware; 0 or 1. */
export const COLLECT_HARDWARE: u32 = 1;
/** OSBaseline; 0 or 1. */
export const COLLECT_BASELINE: u32 = 1;
/** SystemInformation; 0 or 1. */
export const COLLECT_SYSTEM_INFORMATION: u32 = 1;
/** Different events that are put together at once; 0 leaves aggregation out; events. */
export const AGGREGATION_SLOTS: u32 = 8;
/** MessageStatistics; 0 or 1. */
export const STATISTICS: u32 = 1;
/** The product's user may opt out of monitoring (OBSERVE_OPT_OUT); 0 or 1. */
export const OPT_OUT: u32 = 0;
/** Remote configuration by module twin; without it defaults and start record hold; 0 or 1. */
export const TWIN: u32 = 1;
