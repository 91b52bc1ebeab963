/**
 * The build options of the core: the one table. `assembly/options.ts`, the TypeScript type and
 * the checks come from it.
 */
import { checkContradiction, checkValue } from "./options-check.ts";

export interface Option {
  readonly doc: string;
  readonly unit: string;
  readonly default: number;
  readonly min: number;
  readonly max: number;
  /** What its size or absence changes; docs/FOOTPRINT.md has the bytes. */
  readonly costs: "code" | "RAM" | "code and RAM" | "nothing";
  /** The events that are collected with it and not without. */
  readonly collector?: string;
  /** Why a value in range may still be refused. */
  readonly rule?: "power of two" | "multiple of 4";
  /** When it is not 0, one of these must not be 0 either. */
  readonly needs?: readonly string[];
}

export const OPTIONS = {
  FLOW_SLOTS_IPV4: {
    doc: "IPv4 flows that are kept at once",
    unit: "flows",
    default: 64,
    min: 1,
    max: 8192,
    costs: "RAM",
  },
  FLOW_SLOTS_IPV6: {
    doc: "IPv6 flows that are kept at once; 0 leaves IPv6 out",
    unit: "flows",
    default: 64,
    min: 0,
    max: 8192,
    costs: "code and RAM",
  },
  RING_SLOTS: {
    doc: "Packets that wait between two polls",
    unit: "packets",
    default: 16,
    min: 4,
    max: 4096,
    rule: "power of two",
    costs: "RAM",
  },
  RING_HEAD_BYTES: {
    doc: "Bytes of an IP packet's head that are kept: IP, extension and transport headers",
    unit: "B",
    default: 64,
    min: 56,
    max: 4096,
    rule: "multiple of 4",
    costs: "RAM",
  },
  STORE_BYTES: {
    doc: "Memory for events that are not yet delivered or, with flash, not yet programmed",
    unit: "B",
    default: 2048,
    min: 1024,
    max: 16_777_216,
    rule: "multiple of 4",
    costs: "RAM",
  },
  STORE_FLASH: {
    doc: "Events are kept in a flash partition, if the start record names one",
    unit: "0 or 1",
    default: 0,
    min: 0,
    max: 1,
    costs: "code and RAM",
  },
  STORE_SECTORS_MAX: {
    doc: "Sectors of the flash partition that are used; without STORE_FLASH no memory",
    unit: "sectors",
    default: 32,
    min: 4,
    max: 4096,
    costs: "RAM",
  },
  EVENT_BYTES_MAX: {
    doc: "Longest event; more flows than fit make a further one",
    unit: "B",
    default: 512,
    min: 384,
    max: 16_384,
    rule: "multiple of 4",
    costs: "RAM",
  },
  MESSAGE_BYTES_MAX: {
    doc: "Longest message; the hub bills in steps of 4,096 bytes",
    unit: "B",
    default: 4096,
    min: 1024,
    max: 262_144,
    rule: "multiple of 4",
    costs: "nothing",
  },
  COLLECT_CONNECTIONS: {
    doc: "TCP connections are followed: ActiveConnections",
    unit: "0 or 1",
    default: 1,
    min: 0,
    max: 1,
    costs: "code",
    collector: "ActiveConnections",
  },
  COLLECT_CLOUD_TO_DEVICE: {
    doc: "Cloud-to-device messages are counted",
    unit: "0 or 1",
    default: 1,
    min: 0,
    max: 1,
    costs: "code",
    collector: "CloudToDeviceMessages",
  },
  COLLECT_CONNECTION_CREATE: {
    doc: "ConnectionCreate for each new connection",
    unit: "0 or 1",
    default: 1,
    min: 0,
    max: 1,
    costs: "code",
    collector: "ConnectionCreate",
    needs: ["COLLECT_CONNECTIONS"],
  },
  COLLECT_PROCESS: {
    doc: "ProcessCreate and ProcessTerminate: threads",
    unit: "0 or 1",
    default: 1,
    min: 0,
    max: 1,
    costs: "code",
    collector: "ProcessCreate, ProcessTerminate",
  },
  COLLECT_LOGIN: {
    doc: "Login",
    unit: "0 or 1",
    default: 1,
    min: 0,
    max: 1,
    costs: "code",
    collector: "Login",
  },
  COLLECT_DIAGNOSTIC: {
    doc: "Diagnostic",
    unit: "0 or 1",
    default: 1,
    min: 0,
    max: 1,
    costs: "code",
    collector: "Diagnostic",
  },
  COLLECT_LISTENING_PORTS: {
    doc: "ListeningPorts",
    unit: "0 or 1",
    default: 1,
    min: 0,
    max: 1,
    costs: "code",
    collector: "ListeningPorts",
  },
  COLLECT_LOCAL_USERS: {
    doc: "LocalUsers",
    unit: "0 or 1",
    default: 1,
    min: 0,
    max: 1,
    costs: "code",
    collector: "LocalUsers",
  },
  COLLECT_FIREWALL: {
    doc: "FirewallConfiguration",
    unit: "0 or 1",
    default: 1,
    min: 0,
    max: 1,
    costs: "code",
    collector: "FirewallConfiguration",
  },
  COLLECT_HARDWARE: {
    doc: "ConnectedHardware",
    unit: "0 or 1",
    default: 1,
    min: 0,
    max: 1,
    costs: "code",
    collector: "ConnectedHardware",
  },
  COLLECT_BASELINE: {
    doc: "OSBaseline",
    unit: "0 or 1",
    default: 1,
    min: 0,
    max: 1,
    costs: "code",
    collector: "OSBaseline",
  },
  COLLECT_SYSTEM_INFORMATION: {
    doc: "SystemInformation",
    unit: "0 or 1",
    default: 1,
    min: 0,
    max: 1,
    costs: "code",
    collector: "SystemInformation",
  },
  AGGREGATION_SLOTS: {
    doc: "Different events that are put together at once; 0 leaves aggregation out",
    unit: "events",
    default: 8,
    min: 0,
    max: 256,
    costs: "code and RAM",
    needs: ["COLLECT_CONNECTION_CREATE", "COLLECT_PROCESS"],
  },
  STATISTICS: {
    doc: "MessageStatistics",
    unit: "0 or 1",
    default: 1,
    min: 0,
    max: 1,
    costs: "code",
    collector: "MessageStatistics",
  },
  OPT_OUT: {
    doc: "The product's user may opt out of monitoring (OBSERVE_OPT_OUT)",
    unit: "0 or 1",
    default: 0,
    min: 0,
    max: 1,
    costs: "code",
  },
  TWIN: {
    doc: "Remote configuration by module twin; without it defaults and start record hold",
    unit: "0 or 1",
    default: 1,
    min: 0,
    max: 1,
    costs: "code and RAM",
  },
} as const satisfies Record<string, Option>;

export type OptionName = keyof typeof OPTIONS;
export type Options = Readonly<Record<OptionName, number>>;

/**
 * Fills the options that are not given with their defaults.
 *
 * @throws Error with one line for an unknown name, a value out of range or against its rule, and
 *   for options that contradict each other
 */
export function resolveOptions(given: Readonly<Record<string, number>>): Options {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(OPTIONS, name)) {
      throw new Error(`unknown option ${name}; there are ${Object.keys(OPTIONS).join(", ")}`);
    }
  }
  const entries = Object.entries(OPTIONS).map(([name, option]: [string, Option]) => {
    const value = given[name] ?? option.default;
    checkValue(name, option, value);
    return [name, value] as const;
  });
  const options = Object.fromEntries(entries) as Record<OptionName, number>;
  checkContradiction(OPTIONS, options);
  return options;
}

/**
 * The core's compile-time constants as a module for asc.
 *
 * @param given options that differ from their defaults
 */
export function renderOptionsModule(given: Readonly<Record<string, number>>): string {
  const options = resolveOptions(given);
  const lines = ["// Generated from boards/options.ts by scripts/generate.ts; do not edit.", ""];
  for (const [name, option] of Object.entries(OPTIONS)) {
    lines.push(`/** ${option.doc}; ${option.unit}. */`);
    lines.push(`export const ${name}: u32 = ${options[name as OptionName]};`);
  }
  return `${lines.join("\n")}\n`;
}
