/** Device silent: no message for so many heartbeats, by the hub's clock. */
import { durationText } from "./groups.ts";
import { isOpen, raise, resolve, type Turn } from "./turn.ts";

const RULE = "DeviceSilent";

/** Notes the interval that the device promises to keep. */
export function takeHeartbeat(turn: Turn, intervalMs: number): void {
  if (intervalMs > 0) turn.state.heartbeatIntervalMs = intervalMs;
}

/** Anything that arrives ends the silence. */
export function endSilence(turn: Turn): void {
  if (isOpen(turn, RULE)) resolve(turn, RULE);
}

/** Silence that is too long for this device, ms. */
export function silenceLimitMs(turn: Turn): number {
  const { heartbeatIntervalMs } = turn.state;
  const { silentHeartbeats, silentMs } = turn.settings;
  if (heartbeatIntervalMs === 0) return silentMs;
  return Math.min(silentMs, heartbeatIntervalMs * silentHeartbeats);
}

/** Raises once when the hub's clock shows that the device has been silent for too long. */
export function checkSilence(turn: Turn, nowMs: number): void {
  const { arrivedMs } = turn.state;
  if (arrivedMs === 0) return;
  const silentFor = nowMs - arrivedMs;
  const limit = silenceLimitMs(turn);
  if (silentFor <= limit || isOpen(turn, RULE)) return;
  raise(turn, {
    type: "Picket_DeviceSilent",
    rule: RULE,
    value: silentFor,
    range: { min: 0, max: limit },
    explanation: `nothing arrived for ${durationText(silentFor)}, allowed are ${durationText(limit)}`,
    quietMs: 0,
  });
}
