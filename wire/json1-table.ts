/**
 * Security message 1.0, event by event: the one table that schema, reader and writer loop over.
 *
 * The documented events have their documented fields. NetworkActivity, ActiveConnections,
 * CloudToDeviceMessages and Heartbeat are ours, in the same manner. A field that documented
 * events have no place for is a `detail`: text in ExtraDetails, the map that every item may have.
 */
import type { Category, EventName, EventType, Payloads } from "./events.ts";
import type { DetailKindName, KindName } from "./json1-kinds.ts";

/** One field of a payload item, under its key in the neutral model. */
export type Field =
  | { readonly json: string; readonly kind: KindName; readonly required: true }
  | {
      readonly json: string;
      readonly kind: KindName;
      readonly required: false;
      /** Value in the neutral model when the message leaves the field out. */
      readonly otherwise?: unknown;
    }
  | { readonly json: string; readonly detail: DetailKindName };

export interface EventTable<P> {
  readonly category: Category;
  readonly eventType: EventType;
  readonly fields: { readonly [K in keyof Required<P>]: Field };
}

function must(json: string, kind: KindName): Field {
  return { json, kind, required: true };
}

function may(json: string, kind: KindName, otherwise?: unknown): Field {
  return { json, kind, required: false, ...(otherwise !== undefined && { otherwise }) };
}

function detail(json: string, kind: DetailKindName): Field {
  return { json, detail: kind };
}

/** What aggregation adds; the documents say only that it goes to ExtraDetails. */
const AGGREGATION = {
  hitCount: detail("HitCount", "count"),
  firstTimeMs: detail("StartTimeUTC", "time"),
  lastTimeMs: detail("EndTimeUTC", "time"),
};

const PERIODIC = { category: "Periodic", eventType: "Security" } as const;
const TRIGGERED = { category: "Triggered", eventType: "Security" } as const;

export const EVENTS: { readonly [N in EventName]: EventTable<Payloads[N]> } = {
  ConnectionCreate: {
    ...TRIGGERED,
    fields: {
      direction: must("Direction", "direction"),
      protocol: must("Protocol", "protocol"),
      localAddress: may("LocalAddress", "address"),
      localPort: may("LocalPort", "port"),
      remoteAddress: must("RemoteAddress", "address"),
      remotePort: must("RemotePort", "port"),
      processId: must("ProcessId", "integer"),
      executable: must("Executable", "text"),
      userId: may("UserId", "text"),
      commandLine: may("CommandLine", "text"),
      ...AGGREGATION,
    },
  },
  NetworkActivity: {
    ...PERIODIC,
    fields: {
      protocol: must("Protocol", "protocol"),
      localAddress: must("LocalAddress", "address"),
      localPort: must("LocalPort", "port"),
      remoteAddress: must("RemoteAddress", "address"),
      remotePort: must("RemotePort", "port"),
      packetsIn: must("PacketsIn", "count"),
      packetsOut: must("PacketsOut", "count"),
      bytesIn: must("BytesIn", "count"),
      bytesOut: must("BytesOut", "count"),
      initiator: may("Initiator", "initiator", null),
      outbound: must("Outbound", "boolean"),
      answered: may("Answered", "flag"),
      fragments: may("Fragments", "flag"),
      processId: may("ProcessId", "integer"),
      userId: may("UserId", "text"),
      executable: may("Executable", "text"),
      commandLine: may("CommandLine", "text"),
    },
  },
  ActiveConnections: {
    ...PERIODIC,
    fields: {
      current: must("Current", "count"),
      min: must("Min", "count"),
      max: must("Max", "count"),
    },
  },
  CloudToDeviceMessages: {
    ...PERIODIC,
    fields: { transport: must("Transport", "transport"), count: must("Count", "count") },
  },
  ListeningPorts: {
    ...PERIODIC,
    fields: {
      protocol: must("Protocol", "protocol"),
      localAddress: may("LocalAddress", "address", "0.0.0.0"),
      localPort: must("LocalPort", "port"),
      remoteAddress: may("RemoteAddress", "address"),
      remotePort: may("RemotePort", "portList"),
    },
  },
  ProcessCreate: {
    ...TRIGGERED,
    fields: {
      executable: must("Executable", "text"),
      processId: must("ProcessId", "integer"),
      parentProcessId: must("ParentProcessId", "integer"),
      // Documented as required, yet the documents' own sample leaves it out.
      userId: may("UserId", "text", ""),
      userName: may("UserName", "text"),
      commandLine: must("CommandLine", "text"),
      ...AGGREGATION,
    },
  },
  ProcessTerminate: {
    ...TRIGGERED,
    fields: {
      executable: must("Executable", "text"),
      processId: must("ProcessId", "integer"),
      exitStatus: must("ExitStatus", "integer"),
      ...AGGREGATION,
    },
  },
  Login: {
    ...TRIGGERED,
    fields: {
      processId: must("ProcessId", "integer"),
      operation: must("Operation", "text"),
      executable: must("Executable", "text"),
      result: must("Result", "loginResult"),
      userId: may("UserId", "text"),
      userName: may("UserName", "text"),
      remoteAddress: may("RemoteAddress", "address"),
      remotePort: may("RemotePort", "port"),
      localPort: may("LocalPort", "port"),
    },
  },
  LocalUsers: {
    ...PERIODIC,
    fields: {
      userId: must("UserId", "text"),
      userName: must("UserName", "text"),
      groupIds: must("GroupIds", "text"),
      groupNames: must("GroupNames", "text"),
    },
  },
  FirewallConfiguration: {
    ...PERIODIC,
    fields: {
      enabled: must("Enabled", "boolean"),
      action: must("Action", "firewallAction"),
      priority: may("Priority", "integer"),
      direction: may("Direction", "direction"),
      chainName: may("ChainName", "text"),
      application: may("Application", "text"),
      sourceAddress: may("SourceAddress", "text"),
      sourcePort: may("SourcePort", "portList"),
      destinationAddress: may("DestinationAddress", "text"),
      destinationPort: may("DestinationPort", "portList"),
      protocol: may("Protocol", "text"),
    },
  },
  ConnectedHardware: {
    ...PERIODIC,
    fields: {
      hardwareCategory: must("HardwareCategory", "text"),
      hardwareSubCategory: must("HardwareSubCategory", "text"),
      hardwareName: must("HardwareName", "text"),
    },
  },
  OSBaseline: {
    ...PERIODIC,
    fields: {
      cceId: must("CceId", "text"),
      description: must("Description", "text"),
      result: must("Result", "baselineResult"),
      error: must("Error", "text"),
      severity: must("Severity", "baselineSeverity"),
    },
  },
  SystemInformation: {
    ...PERIODIC,
    fields: {
      osName: may("OSName", "text"),
      osVersion: may("OSVersion", "text"),
      osVendor: may("OSVendor", "text"),
      osArchitecture: may("OsArchitecture", "text"),
      hostName: may("HostName", "text"),
      biosVersion: may("BIOSVersion", "text"),
      bootDevice: may("BootDevice", "text"),
      totalPhysicalMemoryInKB: may("TotalPhysicalMemoryInKB", "count"),
      freePhysicalMemoryInKB: may("FreePhysicalMemoryInKB", "count"),
      totalVirtualMemoryInKB: may("TotalVirtualMemoryInKB", "count"),
      freeVirtualMemoryInKB: may("FreeVirtualMemoryInKB", "count"),
      hardwareVendor: detail("HardwareVendor", "text"),
      hardwareModel: detail("HardwareModel", "text"),
      firmwareVersion: detail("FirmwareVersion", "text"),
    },
  },
  Heartbeat: {
    ...PERIODIC,
    eventType: "Operational",
    fields: { buildId: may("BuildId", "text"), bootCount: may("BootCount", "count") },
  },
  Diagnostic: {
    category: "Triggered",
    eventType: "Diagnostic",
    fields: {
      severity: must("Severity", "diagnosticSeverity"),
      message: must("Message", "text"),
      processId: must("ProcessId", "integer"),
      threadId: must("ThreadId", "integer"),
      correlationId: may("CorrelationId", "text"),
    },
  },
  ConfigurationError: {
    category: "Triggered",
    eventType: "Operational",
    fields: {
      configurationName: must("ConfigurationName", "text"),
      errorType: must("ErrorType", "errorType"),
      usedConfiguration: must("UsedConfiguration", "text"),
      message: must("Message", "text"),
    },
  },
  DroppedEventsStatistics: {
    category: "Periodic",
    eventType: "Operational",
    fields: {
      queue: must("Queue", "queue"),
      collectedEvents: must("CollectedEvents", "count"),
      droppedEvents: must("DroppedEvents", "count"),
      causes: detail("Cause.", "counts"),
    },
  },
  MessageStatistics: {
    category: "Periodic",
    eventType: "Operational",
    fields: {
      messagesSent: must("MessagesSent", "count"),
      messagesUnder4KB: must("MessagesUnder4KB", "count"),
      totalFailed: must("TotalFailed", "count"),
    },
  },
};
