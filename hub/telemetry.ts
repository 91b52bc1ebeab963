import { SECURITY_INTERFACE_ID } from "../wire/events.ts";
import type { Clock } from "./clock.ts";
import { refuse } from "./errors.ts";
import type { IdentityRef } from "./ids.ts";
import { encodeHead } from "./log/record.ts";
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
  /** @param head `encodeHead` of the message */
  append(
    head: Uint8Array,
    body: Uint8Array,
    partition: number,
    timeMs: number,
  ): { readonly sequenceNumber: number; readonly offset: number };
  /** Resolves when everything appended is kept safely; undefined: it already is. */
  committed(): Promise<void> | undefined;
}

/** A source and a bag, with all that does not change from message to message. */
export interface Prepared {
  readonly source: TelemetrySource;
  /** Without the enqueued time. */
  readonly system: Readonly<Record<string, string>>;
  readonly application: Bag["application"];
  readonly partition: number;
  readonly propertyBytes: number;
  readonly isSecurity: boolean;
  readonly head: Uint8Array;
}

export interface Telemetry {
  /** Once for each bag; devices mostly repeat theirs. */
  prepare(source: TelemetrySource, bag: Bag): Prepared;
  /** @returns when the message is stored and every listener done. @throws HubError 413 */
  ingest(prepared: Prepared, body: Uint8Array): void | Promise<void>;
  onMessage(listener: TelemetryListener): () => void;
}

export interface TelemetryPorts {
  readonly clock: Clock;
  readonly sink: TelemetrySink;
  readonly partitions: number;
  readonly bytesMax: number;
  /** Called for each accepted message with its billed size, bytes. */
  readonly accepted: (prepared: Prepared, bytes: number) => void;
}

export function createTelemetry(ports: TelemetryPorts): Telemetry {
  const { clock, sink, partitions, bytesMax, accepted } = ports;
  const listeners = new Set<TelemetryListener>();
  /** The last message of a source that a listener is not done with. */
  const unfinished = new WeakMap<TelemetrySource, Promise<void>>();

  const prepare = (source: TelemetrySource, bag: Bag): Prepared => {
    const system = stamp(bag.system, source);
    return {
      source,
      system,
      application: bag.application,
      partition: partitionOf(source.deviceId, partitions),
      propertyBytes: messageBytes(NO_BODY, bag),
      isSecurity: system["iothub-interface-id"] === SECURITY_INTERFACE_ID,
      head: encodeHead({
        deviceId: source.deviceId,
        moduleId: source.moduleId,
        systemProperties: system,
        applicationProperties: bag.application,
      }),
    };
  };
  const ingest = (prepared: Prepared, body: Uint8Array) => {
    const bytes = prepared.propertyBytes + body.length;
    if (bytes > bytesMax) {
      throw refuse.tooLarge(`message of ${bytes} bytes is over the limit of ${bytesMax}`);
    }
    const timeMs = clock.now();
    const place = sink.append(prepared.head, body, prepared.partition, timeMs);
    accepted(prepared, bytes);
    const written = sink.committed();
    if (listeners.size === 0) return written;
    const message = createMessage(prepared, body, timeMs, place);
    const waits: Promise<void>[] = [];
    for (const listener of listeners) {
      const pending = listener(message);
      if (pending !== undefined) waits.push(pending);
    }
    const before = unfinished.get(prepared.source);
    if (waits.length === 0 && before === undefined) return written;
    return inOrder(prepared.source, [before, written, ...waits]);
  };
  /** Acknowledgements keep the order of the messages (MQTT 3.1.1, 4.6), however long each takes. */
  function inOrder(source: TelemetrySource, waits: readonly (Promise<void> | undefined)[]) {
    const done = Promise.all(waits).then(() => undefined);
    unfinished.set(source, done);
    const forget = () => {
      if (unfinished.get(source) === done) unfinished.delete(source);
    };
    done.then(forget, forget);
    return done;
  }
  const onMessage = (listener: TelemetryListener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  return { prepare, ingest, onMessage };
}

const NO_BODY = new Uint8Array(0);

/** System properties are put together when they are asked for: not every listener does. */
function createMessage(
  { source, system, application, partition }: Prepared,
  body: Uint8Array,
  enqueuedTimeMs: number,
  place: { readonly sequenceNumber: number; readonly offset: number },
): TelemetryMessage {
  let stamped: Record<string, string> | null = null;
  return {
    deviceId: source.deviceId,
    moduleId: source.moduleId,
    body,
    get systemProperties() {
      stamped ??= { ...system, "iothub-enqueuedtime": new Date(enqueuedTimeMs).toISOString() };
      return stamped;
    },
    applicationProperties: application,
    enqueuedTimeMs,
    partition,
    sequenceNumber: place.sequenceNumber,
    offset: place.offset,
  };
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
): Record<string, string> {
  const stamped: Record<string, string> = { ...system };
  stamped["iothub-connection-device-id"] = source.deviceId;
  if (source.moduleId !== null) stamped["iothub-connection-module-id"] = source.moduleId;
  stamped["iothub-connection-auth-method"] = source.authMethod;
  stamped["iothub-connection-auth-generation-id"] = source.generationId;
  stamped["iothub-message-source"] = "Telemetry";
  if (source.modelId !== null) stamped["dt-dataschema"] = source.modelId;
  return stamped;
}
