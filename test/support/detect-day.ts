/** A day of a small fleet, generated: work as usual, and a few things that raise alerts. */
import type { DetectionInput } from "../../detect/inputs.ts";
import type { SecurityEvent } from "../../wire/events.ts";
import { event, flow, T0 } from "./detect-events.ts";

export interface Step {
  readonly serial: number;
  readonly deviceId: string;
  readonly input: DetectionInput;
}

/** Mulberry32: numbers from 0 to below 1. */
export function createPrng(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function dayOfEvents(options: { seed: number; devices: number; stepMs: number }): Step[] {
  const { seed, devices, stepMs } = options;
  const random = createPrng(seed);
  const steps: Step[] = [];
  const push = (deviceId: string, input: DetectionInput) => {
    steps.push({ serial: steps.length, deviceId, input });
  };
  for (let at = stepMs; at <= 86_400_000; at += stepMs) {
    for (let n = 0; n < devices; n++) {
      const deviceId = `dev${n}`;
      if (n === 3 && at > 40_000_000 && at < 60_000_000) continue; // Silent for hours.
      for (const item of eventsOf(n, at, stepMs, random)) {
        push(deviceId, { kind: "event", event: item, arrivedMs: T0 + at + 500 });
      }
    }
    for (let n = 0; n < devices; n++) push(`dev${n}`, { kind: "tick", nowMs: T0 + at + 1000 });
  }
  return steps;
}

function eventsOf(n: number, at: number, stepMs: number, random: () => number): SecurityEvent[] {
  const bytesOut = Math.floor(2000 + random() * 3000);
  const flows = [flow({ remoteAddress: "10.0.0.1", bytesOut, localPort: 40_000 + n })];
  if (random() < 0.02) flows.push(flow({ remoteAddress: `203.0.113.${Math.floor(random() * 9)}` }));
  if (n === 5 && at % 21_600_000 === 0) {
    for (let target = 0; target < 60; target++) {
      flows.push(
        flow({ remoteAddress: `198.51.100.${target}`, remotePort: 23, localPort: target + 1 }),
      );
    }
  }
  const most = random() < 0.1 ? 9 : 3;
  return [
    event("Heartbeat", at, [{}], stepMs),
    event("NetworkActivity", at, flows, stepMs),
    event("ActiveConnections", at, [{ current: 2, min: 1, max: most }], stepMs),
    event(
      "CloudToDeviceMessages",
      at,
      n === 7 ? [] : [{ transport: "MQTT", count: 1 + Math.floor(random() * 8) }],
      stepMs,
    ),
  ];
}
