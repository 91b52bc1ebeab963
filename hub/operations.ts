import type { Clock } from "./clock.ts";

/** Areas of the operations log; the first five are Azure's diagnostic categories. */
export type OperationCategory =
  | "Connections"
  | "DeviceTelemetry"
  | "C2DCommands"
  | "DeviceIdentityOperations"
  | "FileUploadOperations"
  | "TwinQueries"
  | "C2DTwinOperations"
  | "D2CTwinOperations"
  | "DirectMethods"
  | "JobsOperations"
  | "Configurations"
  | "IpFilter"
  | "Certificates"
  | "DiagnosticSettings";

export interface OperationEntry {
  /** Counts from 1 without gaps; the place to resume reading from. */
  readonly sequenceNumber: number;
  readonly timeMs: number;
  readonly category: OperationCategory;
  /** For example `deviceConnect`, `authenticationFailed`, `c2dSend`. */
  readonly operationName: string;
  readonly level: "Information" | "Warning" | "Error";
  /** `Success` or `Failure`. */
  readonly result: "Success" | "Failure";
  readonly deviceId: string | null;
  readonly moduleId: string | null;
  /** Six-digit IoT Hub code; null when it went well. */
  readonly statusCode: number | null;
  /** Why, one line, without secrets. */
  readonly reason: string | null;
  readonly protocol: "Mqtt" | "MqttWs" | "Amqp" | "Http" | "Hub";
  readonly callerAddress: string | null;
  /** What the operation is about beyond the above, text to text or number. */
  readonly properties: Readonly<Record<string, string | number | boolean | null>>;
}

export type OperationInput = Pick<OperationEntry, "category" | "operationName"> &
  Partial<Omit<OperationEntry, "sequenceNumber" | "timeMs">>;

export type OperationListener = (entry: OperationEntry) => void;

export interface OperationsLog {
  record(input: OperationInput): OperationEntry;
  /** Calls back for each entry from now on; returns what ends it. */
  onEntry(listener: OperationListener): () => void;
  /** Entries kept with a greater sequence number, oldest first. */
  since(sequenceNumber: number, max: number): readonly OperationEntry[];
  /** Sequence number of the last entry; 0: none yet. */
  readonly last: number;
}

/** Where entries go beyond memory; called in order, must not throw. */
export type OperationSink = (entry: OperationEntry) => void;

/**
 * Keeps the last entries in memory and hands every entry on.
 *
 * @param entriesMax entries kept for `since`
 * @param earlier entries of an earlier run, oldest first
 */
export function createOperationsLog(
  clock: Clock,
  entriesMax: number,
  earlier: readonly OperationEntry[] = [],
  sink: OperationSink = () => {},
): OperationsLog {
  const kept: OperationEntry[] = earlier.slice(-entriesMax);
  const listeners = new Set<OperationListener>();
  let sequenceNumber = kept.at(-1)?.sequenceNumber ?? 0;

  const record = (input: OperationInput): OperationEntry => {
    sequenceNumber += 1;
    const entry: OperationEntry = {
      level: input.result === "Failure" ? "Error" : "Information",
      result: "Success",
      deviceId: null,
      moduleId: null,
      statusCode: null,
      reason: null,
      protocol: "Hub",
      callerAddress: null,
      properties: {},
      ...input,
      sequenceNumber,
      timeMs: clock.now(),
    };
    kept.push(entry);
    // Trimmed in blocks: shifting one at a time would move the whole list each time.
    if (kept.length > entriesMax * 1.25) kept.splice(0, kept.length - entriesMax);
    sink(entry);
    for (const listener of listeners) listener(entry);
    return entry;
  };
  const onEntry = (listener: OperationListener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const since = (after: number, max: number) => {
    let low = 0;
    let high = kept.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((kept[middle]?.sequenceNumber ?? 0) > after) high = middle;
      else low = middle + 1;
    }
    return kept.slice(low, low + max);
  };
  return {
    record,
    onEntry,
    since,
    get last() {
      return sequenceNumber;
    },
  };
}
