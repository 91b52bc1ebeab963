/** Build options of a core that takes captures with 1,024 flows of each family at once. */
export const REPLAY_OPTIONS = {
  FLOW_SLOTS_IPV4: 1024,
  FLOW_SLOTS_IPV6: 1024,
  RING_SLOTS: 256,
  RING_HEAD_BYTES: 1024,
  STORE_BYTES: 1_048_576,
  EVENT_BYTES_MAX: 16_384,
  MESSAGE_BYTES_MAX: 262_144,
} as const;
