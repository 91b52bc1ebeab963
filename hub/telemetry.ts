import type { Clock } from "./clock.ts";
import { refuse } from "./errors.ts";
import type { IdentityRef } from "./ids.ts";
import type { Bag } from "./mqtt/bag.ts";

/** A message from a device as the hub accepted it; the hub's stamps are system properties. */
export interface TelemetryMessage extends IdentityRef {
  readonly body: Uint8Array;
  /** By their Event Hubs names, for example `iothub-interface-id`. */
  readonly systemProperties: Readonly<Record<string, string>>;
  /** null: the name was sent without a value. */
  readonly applicationProperties: Readonly<Record<string, string | null>>;
  readonly enqueuedTimeMs: number;
  /** All messages of a device are in one partition, in order. */
  readonly partition: number;
  /** Counts from 0 within the partition. */
  readonly sequenceNumber: number;
  /** Place in the hub's log; grows with every message. */
  readonly offset: number;
}

/** A message is acknowledged only after every listener is done. */
export type TelemetryListener = (message: TelemetryMessage) => void | Promise<void>;

export interface TelemetrySource extends IdentityRef {
  readonly authMethod: string;
  readonly generationId: string;
  readonly modelId: string | null;
}

/** What keeps messages; gives each its place. */
export interface TelemetrySink {
  append(message: Omit<TelemetryMessage, "sequenceNumber" | "offset">): TelemetryMessage;
  /** Resolves when everything appended is kept safely; undefined: it already is. */
  committed(): Promise<void> | undefined;
}

export interface Telemetry {
  /** @returns when the message is stored and every listener done. @throws HubError 413 */
  ingest(source: TelemetrySource, body: Uint8Array, bag: Bag): void | Promise<void>;
  onMessage(listener: TelemetryListener): () => void;
}

export interface TelemetryPorts {
  readonly clock: Clock;
  readonly sink: TelemetrySink;
  readonly partitions: number;
  readonly bytesMax: number;
  /** Called for each accepted message with its billed size, bytes. */
  readonly accepted: (message: TelemetryMessage, bytes: number) => void;
}

export function createTelemetry(ports: TelemetryPorts): Telemetry {
  const { clock, sink, partitions, bytesMax, accepted } = ports;
  const listeners = new Set<TelemetryListener>();

  const ingest = (source: TelemetrySource, body: Uint8Array, bag: Bag) => {
    const bytes = messageBytes(body, bag);
    if (bytes > bytesMax) {
      throw refuse.tooLarge(`message of ${bytes} bytes is over the limit of ${bytesMax}`);
    }
    const enqueuedTimeMs = clock.now();
    const message = sink.append({
      deviceId: source.deviceId,
      moduleId: source.moduleId,
      body,
      systemProperties: stamp(bag.system, source, enqueuedTimeMs),
      applicationProperties: bag.application,
      enqueuedTimeMs,
      partition: partitionOf(source.deviceId, partitions),
    });
    accepted(message, bytes);
    const waits: Promise<void>[] = [];
    const written = sink.committed();
    if (written !== undefined) waits.push(written);
    for (const listener of listeners) {
      const pending = listener(message);
      if (pending !== undefined) waits.push(pending);
    }
    if (waits.length === 0) return undefined;
    return waits.length === 1 ? waits[0] : Promise.all(waits).then(() => undefined);
  };
  const onMessage = (listener: TelemetryListener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  return { ingest, onMessage };
}

/** Azure's size: body, values of system properties, names and values of application properties. */
export function messageBytes(body: Uint8Array, bag: Bag): number {
  let bytes = body.length;
  for (const name in bag.system) bytes += Buffer.byteLength(bag.system[name] ?? "");
  for (const name in bag.application) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(bag.application[name] ?? "");
  }
  return bytes;
}

/** FNV-1a over the id: the same device is always in the same partition. */
export function partitionOf(deviceId: string, partitions: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < deviceId.length; i++) {
    hash = Math.imul(hash ^ deviceId.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0) % partitions;
}

function stamp(
  system: Readonly<Record<string, string>>,
  source: TelemetrySource,
  enqueuedTimeMs: number,
): Record<string, string> {
  const stamped: Record<string, string> = { ...system };
  stamped["iothub-connection-device-id"] = source.deviceId;
  if (source.moduleId !== null) stamped["iothub-connection-module-id"] = source.moduleId;
  stamped["iothub-connection-auth-method"] = source.authMethod;
  stamped["iothub-connection-auth-generation-id"] = source.generationId;
  stamped["iothub-enqueuedtime"] = new Date(enqueuedTimeMs).toISOString();
  stamped["iothub-message-source"] = "Telemetry";
  if (source.modelId !== null) stamped["dt-dataschema"] = source.modelId;
  return stamped;
}
