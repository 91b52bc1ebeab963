/** Model of a NetX packet pool: `nx_packet_pool_create`, and what `nx_packet_pool_info_get` says. */
export interface PacketPoolInfo {
  readonly total_packets: number;
  readonly free_packets: number;
  /** Allocations that found the pool empty. */
  readonly empty_pool_requests: number;
  /** Releases of what was not allocated. */
  readonly invalid_packet_releases: number;
}

export interface PacketPool {
  /** `nx_packet_allocate` without waiting. @returns false when the pool is empty (counted) */
  allocate(): boolean;
  /** `nx_packet_release`. @returns false when nothing is allocated (counted) */
  release(): boolean;
  info(): PacketPoolInfo;
}

/** @throws Error when the pool would have no packet */
export function createPacketPool(packets: number): PacketPool {
  if (!(Number.isInteger(packets) && packets > 0)) {
    throw new Error(`a packet pool of ${packets} packets: give 1 or more`);
  }
  let free = packets;
  let emptyRequests = 0;
  let invalidReleases = 0;
  return {
    allocate() {
      if (free === 0) {
        emptyRequests += 1;
        return false;
      }
      free -= 1;
      return true;
    },
    release() {
      if (free === packets) {
        invalidReleases += 1;
        return false;
      }
      free += 1;
      return true;
    },
    info: () => ({
      total_packets: packets,
      free_packets: free,
      empty_pool_requests: emptyRequests,
      invalid_packet_releases: invalidReleases,
    }),
  };
}
