/** The two clocks, as they are passed in. */
import { WALL_UNKNOWN } from "./abi";
import { clockChanged } from "./events";
import { state } from "./state";

/** A wall clock that moves by this much against the monotonic one has been set, s. */
const DRIFT_S_MAX: i32 = 5;

/**
 * Moves the clocks on. Intervals are measured by the uptime alone, which is the sum of the
 * differences of a monotonic clock that may wrap.
 */
export function advance(nowMs: u32, wallS: u32): void {
  const before = state.uptime_s;
  state.uptime_rest_ms += nowMs - state.now_ms;
  state.uptime_s += state.uptime_rest_ms / 1000;
  state.uptime_rest_ms %= 1000;
  state.now_ms = nowMs;
  const wasS = state.wall_s;
  state.wall_s = wallS;
  if (wasS === WALL_UNKNOWN || wallS === WALL_UNKNOWN) return;
  const differenceS = <i32>(wallS - wasS - (state.uptime_s - before));
  if (differenceS > DRIFT_S_MAX || differenceS < -DRIFT_S_MAX) clockChanged(differenceS);
}

/** @returns seconds until an uptime, s; 0 when it is over */
export function secondsUntil(uptimeS: u32): u32 {
  return max<i32>(uptimeS - state.uptime_s, 0);
}

/** A number that looks random (xorshift, Marsaglia 2003), from the seed of the start. */
export function random(): u32 {
  let x = state.random;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  state.random = x;
  return x;
}
