import rhea from "rhea";
import type { HubCore } from "../core.ts";
import type { StartAt } from "../log/telemetry-log.ts";
import type { TelemetryMessage } from "../telemetry.ts";
import { onceGone } from "./c2d.ts";
import type { Message, Sender } from "./types.ts";

/** Name of the Event-Hubs-compatible entity. */
export const ENTITY = "messages-events";
const RECEIVER =
  /^\/?(?:messages-events|messages\/events)\/ConsumerGroups\/([^/]{1,64})\/Partitions\/(\d{1,3})$/i;
const SELECTOR =
  /^amqp\.annotation\.x-opt-(offset|sequence-number|enqueued-time(?:-utc)?)\s*(>=?)\s*'([^']{0,64})'$/;
const READ_MESSAGES = 100;

/** Partition that a receiver's source address names; null: no such address. */
export function partitionOfAddress(address: string, partitions: number): number | null {
  const match = RECEIVER.exec(address);
  const partition = Number(match?.[2]);
  return match !== null && partition < partitions ? partition : null;
}

/** Where the receiver's filter says to start; null: it has none that is understood. */
export function startOfFilter(filter: unknown): StartAt | "latest" | null {
  const text = selectorText(filter);
  if (text === null) return null;
  const [, what, sign, value = ""] = SELECTOR.exec(text.trim()) ?? [];
  if (what === undefined) return null;
  if (value === "@latest") return "latest";
  const number = Number(value);
  if (!Number.isFinite(number)) return null;
  const inclusive = sign === ">=";
  if (what === "offset") return { offset: number, inclusive };
  if (what === "sequence-number") return { sequenceNumber: number, inclusive };
  return { timeMs: inclusive ? number : number + 1 };
}

/** Sends a partition's messages from `start` on, as credit allows. */
export function servePartition(
  core: HubCore,
  sender: Sender,
  partition: number,
  start: StartAt | "latest" | null,
): void {
  const { telemetryLog, telemetry } = core;
  let next =
    start === "latest"
      ? telemetryLog.end
      : start === null
        ? telemetryLog.begin
        : telemetryLog.seek(start, partition);
  let isScheduled = false;
  let isGone = false;

  const pump = () => {
    isScheduled = false;
    try {
      send();
    } catch {
      // The client opens a new link where it was.
      sender.close({ condition: "amqp:internal-error", description: "the log cannot be read" });
    }
  };
  const send = () => {
    while (!isGone && sender.is_open() && sender.sendable()) {
      const wanted = Math.min(
        READ_MESSAGES,
        Math.max(1, (sender as unknown as { credit: number }).credit),
      );
      const read = telemetryLog.read(next, partition, wanted);
      for (const message of read.messages) {
        if (!sender.sendable()) {
          next = message.offset;
          return;
        }
        sender.send(encode(message) as never);
      }
      if (read.messages.length === 0 && read.next === next) return;
      next = read.next;
    }
  };
  const wake = () => {
    if (isScheduled || isGone) return;
    isScheduled = true;
    setImmediate(pump);
  };
  sender.on("sendable", wake);
  sender.on("accepted", wake); // Room in the session's window again.
  sender.on("settled", wake);
  const end = telemetry.onMessage((message) => {
    if (message.partition === partition) wake();
  });
  onceGone(sender, () => {
    isGone = true;
    end();
  });
}

/** Answers `READ` requests on `$management`. */
export function manage(core: HubCore, request: Message): Message {
  const properties = (request.application_properties ?? {}) as Record<string, unknown>;
  const { types } = rhea;
  const answer = (status: number, description: string, body: object) =>
    ({
      correlation_id: request.message_id,
      application_properties: {
        "status-code": types.wrap_int(status),
        "status-description": description,
        ...(status === 404 ? { "error-condition": "com.microsoft:entity-not-found" } : {}),
      },
      body,
    }) as unknown as Message;
  if (properties.operation !== "READ") return answer(400, "only READ is supported", {});
  if (properties.type === "com.microsoft:eventhub") {
    const ids = Array.from({ length: core.partitions }, (_, index) => String(index));
    return answer(200, "OK", {
      name: ENTITY,
      type: "com.microsoft:eventhub",
      created_at: types.wrap_timestamp(core.createdMs),
      partition_count: types.wrap_int(core.partitions),
      partition_ids: types.wrap_array(ids, 0xa1, undefined),
    });
  }
  const index = Number(properties.partition);
  if (properties.type !== "com.microsoft:partition" || !(index >= 0 && index < core.partitions)) {
    return answer(404, "no such entity", {});
  }
  const info = core.telemetryLog.partition(index);
  return answer(200, "OK", {
    name: ENTITY,
    type: "com.microsoft:partition",
    partition: String(index),
    begin_sequence_number: types.wrap_long(info.first),
    last_enqueued_sequence_number: types.wrap_long(info.next - 1),
    last_enqueued_offset: String(info.lastOffset),
    last_enqueued_time_utc: types.wrap_timestamp(info.lastTimeMs),
    is_partition_empty: info.next === info.first,
  });
}

function encode(message: TelemetryMessage): object {
  const { types } = rhea;
  const system = message.systemProperties;
  const annotations: Record<string, unknown> = {
    "x-opt-sequence-number": types.wrap_long(message.sequenceNumber),
    "x-opt-offset": String(message.offset),
    "x-opt-enqueued-time": types.wrap_timestamp(message.enqueuedTimeMs),
  };
  for (const [name, value] of Object.entries(system)) {
    if (name.startsWith("iothub-") || name.startsWith("dt-")) annotations[name] = value;
  }
  annotations["iothub-enqueuedtime"] = types.wrap_timestamp(message.enqueuedTimeMs);
  const application: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.applicationProperties)) {
    application[name] = value ?? "";
  }
  return {
    message_annotations: annotations,
    application_properties: application,
    message_id: system["message-id"],
    correlation_id: system["correlation-id"],
    user_id: system["user-id"] === undefined ? undefined : Buffer.from(system["user-id"]),
    to: system.to,
    content_type: system["content-type"],
    content_encoding: system["content-encoding"],
    body: rhea.message.data_section(Buffer.from(message.body)),
  };
}

function selectorText(filter: unknown): string | null {
  if (typeof filter !== "object" || filter === null) return null;
  for (const entry of Object.values(filter as Record<string, unknown>)) {
    const value = (entry as { value?: unknown } | null)?.value ?? entry;
    if (typeof value === "string") return value;
    const inner = (value as { value?: unknown } | null)?.value;
    if (typeof inner === "string") return inner;
  }
  return null;
}
