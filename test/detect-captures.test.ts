import { beforeAll, expect, it } from "vitest";
import { buildCore } from "../boards/build.ts";
import type { Alert } from "../detect/alerts.ts";
import { createDetection } from "../detect/detection.ts";
import { createProcessor } from "../detect/processor.ts";
import { createRun } from "../detect/run.ts";
import { parseDeviceAddresses } from "../host/netx/address.ts";
import { readCapture } from "../sim/capture.ts";
import { REPLAY_OPTIONS, replay } from "../sim/replay.ts";
import { type CaptureName, loadCapture } from "./support/captures.ts";

let wasm: Uint8Array;
beforeAll(async () => {
  wasm = (await buildCore({ ...REPLAY_OPTIONS })).wasm;
}, 60_000);

function alertsOf(name: CaptureName, intervalMs = 1000): Alert[] {
  const { bytes, truth } = loadCapture(name);
  const run = createRun(createProcessor(createDetection()));
  replay({
    capture: readCapture(bytes, name),
    addresses: parseDeviceAddresses(truth.device),
    wasm,
    intervalMs,
    onMessage: ({ timeMs, bytes: body }) => {
      const source = { deviceId: "dev1", moduleId: null, systemProperties: {} };
      expect(run.take({ ...source, body, enqueuedTimeMs: timeMs }).failure).toBeNull();
    },
  });
  return run.alerts();
}

const told = (alerts: readonly Alert[]) => alerts.map(({ rule, cause }) => `${rule}: ${cause}`);

it.each(["d1_benign", "d6_odd"] as const)("captures: %s raises nothing at any interval", (name) => {
  for (const intervalMs of [1000, 5000, 10_000, 60_000]) {
    expect(told(alertsOf(name, intervalMs))).toEqual([]);
  }
});

const ATTACKS: readonly [CaptureName, string[]][] = [
  ["d2_portscan", ["portScan: 203.0.113.66"]],
  ["d3_beaconexfil", ["beacon: 203.0.113.66 TCP port 443", "upload: 203.0.113.66"]],
  [
    "d4_brutemirai",
    [
      "bruteForce: 203.0.113.66 to port 23",
      "bruteForce: 203.0.113.7 to port 22",
      "hostScanOut: TCP port 23",
    ],
  ],
  [
    "d5_floodc2d",
    [
      "floodOut: 203.0.113.66 TCP port 9000",
      "floodIn: port 5555",
      "datagramFlood: 203.0.113.66",
      "cloudToDeviceBurst: MQTT",
    ],
  ],
];

it.each(ATTACKS)("captures: %s raises exactly its attacks", (name, expected) => {
  expect(told(alertsOf(name)).sort()).toEqual([...expected].sort());
});

it("captures: only the beacon needs a short interval", () => {
  for (const [name, expected] of ATTACKS) {
    const slow = expected.filter((text) => !text.startsWith("beacon"));
    expect(told(alertsOf(name, 10_000)).sort(), name).toEqual(slow.sort());
  }
});
