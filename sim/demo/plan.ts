/** What the demo shows: three boards, the captures they see, the limits of their security group. */
import type { ThreadSettings } from "../../host/threadx/threadx.ts";

export interface BoardPlan {
  readonly deviceId: string;
  /** File in `sim/captures/`. */
  readonly capture: string;
  /** Names of the alerts that the board must raise; none: it must stay quiet. */
  readonly expected: readonly string[];
}

const CONNECTIONS = "Number of active connections is not in the allowed range";
const CLOUD_TO_DEVICE = "Number of cloud-to-device messages in MQTT is not in the allowed range";
const OUTBOUND = "Outbound connection to an IP that isn't allowed";

export const DEMO_ADDRESSES = "10.20.0.10/24,fd00:20::10/64,fe80::42:aff:fe14:a/64";

export const DEMO_BOARDS: readonly BoardPlan[] = [
  { deviceId: "board-quiet", capture: "d1_benign.pcap", expected: [] },
  { deviceId: "board-beacon", capture: "d3_beaconexfil.pcap", expected: [OUTBOUND] },
  {
    deviceId: "board-flood",
    capture: "d5_floodc2d.pcap",
    expected: [CONNECTIONS, CLOUD_TO_DEVICE],
  },
];

/** The boards' security group, in the shape of `deviceSecurityGroups`. */
export const DEMO_GROUP = {
  properties: {
    timeWindowRules: [
      {
        isEnabled: true,
        ruleType: "ActiveConnectionsNotInAllowedRange",
        minThreshold: 0,
        maxThreshold: 20,
        timeWindowSize: "PT1M",
      },
      {
        isEnabled: true,
        ruleType: "MqttC2DMessagesNotInAllowedRange",
        minThreshold: 0,
        maxThreshold: 50,
        timeWindowSize: "PT1M",
      },
    ],
    allowlistRules: [
      {
        isEnabled: true,
        ruleType: "ConnectionToIpNotAllowed",
        allowlistValues: ["10.20.0.0/24", "fd00:20::/64", "fe80::/10"],
      },
    ],
  },
} as const;

/** Build options of the demo's core: room for what a hub on a busy machine is slow to acknowledge. */
export const DEMO_OPTIONS = { STORE_BYTES: 65_536, MESSAGE_BYTES_MAX: 16_384 } as const;

/** The agent's interval on a demo board, s of board time. */
export const DEMO_INTERVAL_S = 10;
/** Time between two snapshots of a demo board's state, s of board time. */
export const DEMO_SNAPSHOT_INTERVAL_S = 30;

/** What a demo board says of itself; listening ports it finds in its packets. */
export const DEMO_ITEMS: Readonly<Partial<Record<string, readonly object[]>>> = {
  SystemInformation: [
    {
      osName: "ThreadX",
      osVersion: "6.4.1",
      osArchitecture: "Cortex-M4",
      totalPhysicalMemoryInKB: 128,
      hardwareModel: "simulated board",
    },
  ],
};

/** The firmware's threads. */
export const DEMO_THREADS: readonly ThreadSettings[] = [
  { name: "netx ip", entry: "_nx_ip_thread_entry", priority: 1, stackBytes: 2048 },
  { name: "telemetry", entry: "telemetry_entry", priority: 4, stackBytes: 4096 },
  { name: "picket", entry: "picket_thread_entry", priority: 20, stackBytes: 2048 },
];
