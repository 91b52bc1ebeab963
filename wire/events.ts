/**
 * The neutral form of a security message: what `wire/` decodes every format to and encodes from.
 *
 * Field names are the documented ones of security message 1.0 (`json1.ts`) in camelCase, with
 * numbers where that format has texts: ports, and protocols as IANA IP protocol numbers.
 * Addresses are canonical texts (dotted IPv4, RFC 5952 IPv6). Sizes are bytes, times are
 * milliseconds since the Unix epoch, UTC.
 */

/** Marks a message as a security message; system property `iothub-interface-id`, MQTT `$.ifid`. */
export const SECURITY_INTERFACE_ID = "urn:azureiot:Security:SecurityAgent:1";

export type Category = "Periodic" | "Triggered";
export type EventType = "Security" | "Operational" | "Diagnostic";
export type MessageFormat = "picket" | "json-1.0" | "legacy-2.3";

/** IANA IP protocol numbers that have a name in messages. */
export const PROTOCOL_ICMP = 1;
export const PROTOCOL_IGMP = 2;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const PROTOCOL_ICMPV6 = 58;

export interface ConnectionCreate {
  readonly direction: "In" | "Out";
  readonly protocol: number;
  readonly localAddress?: string;
  readonly localPort?: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly processId: number;
  readonly executable: string;
  readonly userId?: string;
  readonly commandLine?: string;
  readonly hitCount?: number;
  readonly firstTimeMs?: number;
  readonly lastTimeMs?: number;
}

/** One flow in one collection interval; bytes are those of layer 4 (header and data). */
export interface NetworkActivity {
  readonly protocol: number;
  readonly localAddress: string;
  /** 0 for all but TCP and UDP. */
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Who opened the flow; null: not seen. For TCP the sender of the first SYN. */
  readonly initiator: "local" | "remote" | null;
  /** The device sent a SYN, or the first packet of a flow of a protocol without connections. */
  readonly outbound: boolean;
  /** The local end answered a SYN: something listens on the local port. */
  readonly answered?: true;
  /** True: non-first fragments of these two hosts; ports are 0 and unknown. */
  readonly fragments?: true;
  readonly processId?: number;
  readonly userId?: string;
  readonly executable?: string;
  readonly commandLine?: string;
}

/** Established TCP connections: at the end of the interval, least and most within it. */
export interface ActiveConnections {
  readonly current: number;
  readonly min: number;
  readonly max: number;
}

/** Cloud-to-device messages that the device's client received in the interval. */
export interface CloudToDeviceMessages {
  readonly transport: "MQTT" | "AMQP" | "HTTP";
  readonly count: number;
}

export interface ListeningPorts {
  readonly protocol: number;
  /** 0.0.0.0 or ::: any address of the device. */
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress?: string;
  /** A port, a range "1-9", a list "22,53" or "*". */
  readonly remotePort?: string;
}

export interface ProcessCreate {
  readonly executable: string;
  readonly processId: number;
  readonly parentProcessId: number;
  readonly userId: string;
  readonly userName?: string;
  readonly commandLine: string;
  readonly hitCount?: number;
  readonly firstTimeMs?: number;
  readonly lastTimeMs?: number;
}

export interface ProcessTerminate {
  readonly executable: string;
  readonly processId: number;
  readonly exitStatus: number;
  readonly hitCount?: number;
  readonly firstTimeMs?: number;
  readonly lastTimeMs?: number;
}

export interface Login {
  readonly processId: number;
  /** Free text, as documented: "Login", "Logout", "LoginFailed". */
  readonly operation: string;
  readonly executable: string;
  readonly result: "Success" | "Fail";
  readonly userId?: string;
  readonly userName?: string;
  readonly remoteAddress?: string;
  readonly remotePort?: number;
  readonly localPort?: number;
}

export interface LocalUsers {
  readonly userId: string;
  readonly userName: string;
  /** Lists joined with ";". */
  readonly groupIds: string;
  readonly groupNames: string;
}

export interface FirewallConfiguration {
  readonly enabled: boolean;
  readonly action: "Allow" | "Deny" | "Other";
  readonly priority?: number;
  readonly direction?: "In" | "Out";
  readonly chainName?: string;
  readonly application?: string;
  readonly sourceAddress?: string;
  /** A port, a range "1-9", a list "22,53" or "*". */
  readonly sourcePort?: string;
  readonly destinationAddress?: string;
  readonly destinationPort?: string;
  /** A protocol name or "*". */
  readonly protocol?: string;
}

export interface ConnectedHardware {
  readonly hardwareCategory: string;
  readonly hardwareSubCategory: string;
  readonly hardwareName: string;
}

export interface OSBaseline {
  readonly cceId: string;
  readonly description: string;
  readonly result: "Pass" | "Fail" | "Err";
  readonly error: string;
  readonly severity: "Critical" | "Important" | "Warning" | "Informational";
}

export interface SystemInformation {
  readonly osName?: string;
  readonly osVersion?: string;
  readonly osVendor?: string;
  readonly osArchitecture?: string;
  readonly hostName?: string;
  readonly biosVersion?: string;
  readonly bootDevice?: string;
  readonly totalPhysicalMemoryInKB?: number;
  readonly freePhysicalMemoryInKB?: number;
  readonly totalVirtualMemoryInKB?: number;
  readonly freeVirtualMemoryInKB?: number;
  readonly hardwareVendor?: string;
  readonly hardwareModel?: string;
  readonly firmwareVersion?: string;
}

export interface Heartbeat {
  /** Identity of the core module and its options that runs on the device. */
  readonly buildId?: string;
  /** Boots counted since the store was first used. */
  readonly bootCount?: number;
}

export interface Diagnostic {
  readonly severity: "Fatal" | "Error" | "Warning" | "Information" | "Debug";
  readonly message: string;
  readonly processId: number;
  readonly threadId: number;
  readonly correlationId?: string;
}

export interface ConfigurationError {
  readonly configurationName: string;
  readonly errorType: "TypeMismatch" | "NotOptimal" | "Conflict";
  readonly usedConfiguration: string;
  readonly message: string;
}

/** One row per queue; further causes of loss (ring, tables, store) stand in `causes`. */
export interface DroppedEventsStatistics {
  readonly queue: "High" | "Low";
  readonly collectedEvents: number;
  readonly droppedEvents: number;
  /** Cause to count, for example `ringFull` (packets), `flowTableFull` (packets). */
  readonly causes?: Readonly<Record<string, number>>;
}

export interface MessageStatistics {
  readonly messagesSent: number;
  readonly messagesUnder4KB: number;
  readonly totalFailed: number;
}

/** Payload item of every event, by documented event name. */
export interface Payloads {
  ConnectionCreate: ConnectionCreate;
  NetworkActivity: NetworkActivity;
  ActiveConnections: ActiveConnections;
  CloudToDeviceMessages: CloudToDeviceMessages;
  ListeningPorts: ListeningPorts;
  ProcessCreate: ProcessCreate;
  ProcessTerminate: ProcessTerminate;
  Login: Login;
  LocalUsers: LocalUsers;
  FirewallConfiguration: FirewallConfiguration;
  ConnectedHardware: ConnectedHardware;
  OSBaseline: OSBaseline;
  SystemInformation: SystemInformation;
  Heartbeat: Heartbeat;
  Diagnostic: Diagnostic;
  ConfigurationError: ConfigurationError;
  DroppedEventsStatistics: DroppedEventsStatistics;
  MessageStatistics: MessageStatistics;
}

export type EventName = keyof Payloads;

interface EventBase<N extends EventName> {
  readonly name: N;
  /** GUID text; unique per event. */
  readonly id: string;
  readonly category: Category;
  readonly eventType: EventType;
  /** When collected; null when the device has no wall clock yet. */
  readonly timeMs: number | null;
  /** Length of the interval that the payload covers, ms; 0: none or not told. */
  readonly intervalMs: number;
  /** True for a Periodic event with nothing to report; `payload` is then empty. */
  readonly isEmpty: boolean;
  readonly payload: readonly Payloads[N][];
  /** What the sender added beyond the documented fields, text to text. */
  readonly extraDetails?: Readonly<Record<string, string>>;
}

/** An event is discriminated by `name`. */
export type SecurityEvent = { [N in EventName]: EventBase<N> }[EventName];
export type SecurityEventOf<N extends EventName> = EventBase<N>;

export interface SecurityMessage {
  readonly format: MessageFormat;
  /** GUID of the agent; legacy messages have none: their security module's name. */
  readonly agentId: string;
  /** For example "0.1.0"; legacy: "3.5.4". */
  readonly agentVersion: string;
  /** The same in every repeat of a message; null when the format has none. */
  readonly messageId: string | null;
  readonly events: readonly SecurityEvent[];
}

/** Bad input to a decoder: one line that says what and where. */
export class WireError extends Error {
  override readonly name = "WireError";
}
