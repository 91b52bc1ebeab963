/** Neutral events and messages for the tests of detection. */

import type { SourceMessage } from "../../detect/processor.ts";
import type { EventName, NetworkActivity, Payloads, SecurityEvent } from "../../wire/events.ts";
import { SECURITY_INTERFACE_ID } from "../../wire/events.ts";
import { toJson1 } from "../../wire/json1.ts";

export const T0 = Date.UTC(2026, 0, 5);
let serial = 0;

export function guid(n: number): string {
  return `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`;
}

export function event<N extends EventName>(
  name: N,
  atMs: number,
  payload: readonly Payloads[N][],
  intervalMs = 10_000,
): SecurityEvent {
  serial += 1;
  return {
    name,
    id: guid(serial),
    category: name === "Login" || name === "ProcessCreate" ? "Triggered" : "Periodic",
    eventType: "Security",
    timeMs: T0 + atMs,
    intervalMs,
    isEmpty: payload.length === 0,
    payload,
  } as unknown as SecurityEvent;
}

export function flow(given: Partial<NetworkActivity>): NetworkActivity {
  return {
    protocol: 6,
    localAddress: "10.0.0.2",
    localPort: 40_000,
    remoteAddress: "203.0.113.9",
    remotePort: 443,
    packetsIn: 5,
    packetsOut: 5,
    bytesIn: 500,
    bytesOut: 500,
    initiator: "local",
    outbound: true,
    ...given,
  };
}

export function message(
  deviceId: string,
  events: readonly SecurityEvent[],
  atMs: number,
  messageId: string | null = null,
): SourceMessage {
  const json = toJson1({
    format: "json-1.0",
    agentId: guid(0xa6e27),
    agentVersion: "0.1.0",
    messageId,
    events,
  });
  return {
    deviceId,
    moduleId: "azureiotsecurity",
    body: new TextEncoder().encode(JSON.stringify(json)),
    systemProperties: { "iothub-interface-id": SECURITY_INTERFACE_ID },
    enqueuedTimeMs: T0 + atMs,
  };
}
