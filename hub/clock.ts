/** Wall time as a port, so that tests and simulations pass their own. */
export interface Clock {
  /** Milliseconds since the Unix epoch, UTC. */
  now(): number;
}

export const SYSTEM_CLOCK: Clock = { now: () => Date.now() };
