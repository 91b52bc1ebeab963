/**
 * The properties of the module twin: the one table behind the core's parser, the JSON Schema and
 * the documentation. A property's number is its place here; the core's ConfigurationError events
 * carry it.
 *
 * Sources: D the documentation of Defender for IoT for device builders (the retired agent
 * `azureiotsecurity`), M the same of its later micro agent (`DefenderIotMicroAgent`), P Picket.
 */

/** The object in desired and reported that holds the settings, each as `{"value": …}`. */
export const TWIN_OBJECT = "ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration";
/** Containers open at once in a document; one more makes it invalid. IoT Hub allows 10. */
export const TWIN_DEPTH_MAX = 64;
/** Longest ISO 8601 duration, characters. */
export const TWIN_DURATION_CHARS_MAX = 32;
/** A longer interval is taken as this, s: who reports less than weekly looks silent. */
export const TWIN_INTERVAL_S_MAX = 604_800;
/** A larger size is taken as this, B. */
export const TWIN_SIZE_BYTES_MAX = 0x1fff_fff0;

/**
 * duration: ISO 8601 text. size: integer. disabled: true or false, also as "True" and "False".
 * frequency: "High", "Medium" or "Low". intervals: three numbers of minutes. document, object:
 * what holds the others.
 */
export type TwinKind =
  | "duration"
  | "size"
  | "priority"
  | "boolean"
  | "disabled"
  | "frequency"
  | "intervals"
  | "object"
  | "document";

export interface TwinProperty {
  readonly name: string;
  /** object: within TWIN_OBJECT as `{"value": …}`; flat: directly in desired; path: holds others. */
  readonly style: "object" | "flat" | "path";
  readonly kind: TwinKind;
  readonly default?: string | number | boolean;
  readonly min?: number;
  readonly max?: number;
  readonly unit?: string;
  readonly source: "D" | "M" | "P";
  readonly doc: string;
  /** It cannot be switched off by the cloud: Off means Low. */
  readonly permanent?: true;
  /** Flat ones: the settings of the object that they stand for. */
  readonly sets?: readonly string[];
}

function interval(name: string, text: string, doc: string): TwinProperty {
  return {
    name,
    style: "object",
    kind: "duration",
    default: text,
    min: 1,
    unit: "s",
    source: "D",
    doc,
  };
}

function priority(event: string, level: "High" | "Low" | "Off", source: "D" | "P"): TwinProperty {
  return {
    name: `eventPriority${event}`,
    style: "object",
    kind: "priority",
    default: level,
    source,
    doc: `Priority of ${event} events`,
  };
}

function aggregation(event: string): readonly [TwinProperty, TwinProperty] {
  const enabled: TwinProperty = {
    name: `aggregationEnabled${event}`,
    style: "object",
    kind: "boolean",
    default: true,
    source: "D",
    doc: `Equal ${event} events become one`,
  };
  const over = interval(`aggregationInterval${event}`, "PT1H", `Time over which they do`);
  return [enabled, over];
}

function collector(name: string, events: readonly string[], permanent?: true): TwinProperty[] {
  const common = {
    style: "flat",
    source: "M",
    sets: events.map((event) => `eventPriority${event}`),
  } as const;
  const disabled = { ...common, name: `${name}_Disabled`, kind: "disabled" } as const;
  return [
    {
      ...disabled,
      ...(permanent && { permanent }),
      default: false,
      doc: `Switches ${events.join(" and ")} off`,
    },
    {
      ...common,
      name: `${name}_MessageFrequency`,
      kind: "frequency",
      doc: `Priority of ${events.join(" and ")}`,
    },
  ];
}

const AGGREGATIONS = ["ConnectionCreate", "ProcessCreate", "ProcessTerminate"].map(aggregation);

/** Settings in the order of the event kinds in message.cddl, then flat keys, then the path. */
export const TWIN_PROPERTIES: readonly TwinProperty[] = [
  interval("highPriorityMessageFrequency", "PT7M", "Time between two high priority messages"),
  interval("lowPriorityMessageFrequency", "PT5H", "Time between two low priority messages"),
  interval("snapshotFrequency", "PT13H", "Time between two snapshots of the device's state"),
  {
    name: "maxLocalCacheSizeInBytes",
    style: "object",
    kind: "size",
    default: 2_560_000,
    min: 8192,
    max: Number.MAX_SAFE_INTEGER,
    unit: "B",
    source: "D",
    doc: "Events that wait for delivery, at most",
  },
  {
    name: "maxMessageSizeInBytes",
    style: "object",
    kind: "size",
    default: 204_800,
    min: 8192,
    max: 262_144,
    unit: "B",
    source: "D",
    doc: "Longest message",
  },
  { ...priority("Heartbeat", "Low", "P"), permanent: true },
  priority("NetworkActivity", "High", "P"),
  priority("ActiveConnections", "High", "P"),
  priority("CloudToDeviceMessages", "High", "P"),
  { ...priority("DroppedEventsStatistics", "Low", "D"), permanent: true },
  priority("MessageStatistics", "Low", "D"),
  priority("ConfigurationError", "Low", "D"),
  priority("ConnectionCreate", "Low", "D"),
  priority("ProcessCreate", "Low", "D"),
  priority("ProcessTerminate", "Low", "D"),
  priority("Login", "High", "D"),
  priority("Diagnostic", "Off", "D"),
  priority("ListeningPorts", "High", "D"),
  priority("LocalUsers", "High", "D"),
  priority("FirewallConfiguration", "Low", "D"),
  priority("ConnectedHardware", "Low", "D"),
  priority("OSBaseline", "Low", "D"),
  priority("SystemInformation", "Low", "D"),
  ...AGGREGATIONS.map(([enabled]) => enabled),
  ...AGGREGATIONS.map(([, over]) => over),
  {
    name: "CollectorsCore_PriorityIntervals",
    style: "flat",
    kind: "intervals",
    min: 1,
    max: 9999,
    unit: "min",
    source: "M",
    doc: "Time between two messages of high, medium and low priority; medium is not used",
    sets: ["highPriorityMessageFrequency", "lowPriorityMessageFrequency"],
  },
  ...collector("Heartbeat", ["Heartbeat"], true),
  ...collector("NetworkActivity", ["NetworkActivity"]),
  ...collector("Login", ["Login"]),
  ...collector("Process", ["ProcessCreate", "ProcessTerminate"]),
  ...collector("SystemInformation", ["SystemInformation"]),
  ...collector("Baseline", ["OSBaseline"]),
  ...collector("Peripheral", ["ConnectedHardware"]),
  ...collector("LogCollector", ["Diagnostic"]),
  ...collector("Statistics", ["MessageStatistics", "DroppedEventsStatistics"], true),
  {
    name: TWIN_OBJECT,
    style: "path",
    kind: "object",
    source: "D",
    doc: "Holds the settings",
  },
  {
    name: "desired",
    style: "path",
    kind: "document",
    source: "D",
    doc: "What the cloud wants, in a full document",
  },
];

/** The settings, which are also what the agent reports: number 0 and following. */
export const TWIN_SETTINGS = TWIN_PROPERTIES.filter((property) => property.style === "object");

/** Name of a property by its number, for ConfigurationError events; undefined: unknown. */
export function twinPropertyName(number: number): string | undefined {
  return TWIN_PROPERTIES[number]?.name;
}
