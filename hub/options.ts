import type { Clock } from "./clock.ts";
import type { Enrollments } from "./dps/enrollments.ts";
import type { Policy } from "./policies.ts";

/** Limits of the hub; each is an option with this default. */
export const DEFAULT_LIMITS = {
  /** Open MQTT connections, TCP level. */
  connectionsMax: 20_000,
  /** Connections that have not been authenticated yet; the oldest gives way. */
  halfOpenMax: 2_000,
  /** From TCP connect to the end of the TLS handshake, ms. */
  handshakeTimeoutMs: 10_000,
  /** From TLS to the CONNECT packet, ms. */
  connectTimeoutMs: 10_000,
  /** Unsent bytes a slow client may hold before it is closed. */
  sendBufferBytesMax: 4 * 1024 * 1024,
  /** Telemetry message: body and properties, bytes. */
  telemetryBytesMax: 256 * 1024,
  /** Cloud-to-device message: body and properties, bytes. */
  c2dBytesMax: 64 * 1024,
  /** Cloud-to-device messages waiting per device. */
  c2dQueueMax: 50,
  /** MQTT subscriptions per identity at a time. */
  subscriptionsMax: 5,
  /** Modules per device. */
  modulesMax: 50,
  /** Age at which an incomplete batch of delivery feedback is sent, ms. */
  feedbackBatchMs: 15_000,
  /** Direct method payload each way, bytes. */
  methodBytesMax: 128 * 1024,
  /** Telemetry kept, ms. */
  retentionMs: 24 * 60 * 60 * 1000,
  /** Telemetry kept, bytes; in memory without a data directory. */
  retentionBytes: 256 * 1024 * 1024,
  /** Operations log kept, entries in memory. */
  operationsMax: 20_000,
  /** Grace between the last message and closing sockets on shutdown, ms. */
  closeGraceMs: 1_000,
} as const;

export type HubLimits = { readonly [K in keyof typeof DEFAULT_LIMITS]: number };

/** A server certificate given from outside, PEM. */
export interface GivenCertificate {
  readonly certPem: string;
  readonly keyPem: string;
  /** What clients must trust; default: `certPem`. */
  readonly caPem?: string;
}

export interface HubOptions {
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string;
  /** MQTT over TLS; 0: a free one (default). */
  readonly mqttPort?: number;
  /** HTTPS and WebSocket; 0: a free one; null: none (default). */
  readonly httpsPort?: number | null;
  /** AMQP over TLS; 0: a free one; null: none (default). */
  readonly amqpPort?: number | null;
  /** MQTT without TLS; only when given. */
  readonly plainMqttPort?: number | null;
  /** What stands in connection strings; default localhost. */
  readonly hostName?: string;
  /** State, telemetry and certificates are kept here; none: in memory. */
  readonly dataDir?: string;
  /** Key of the policy `iothubowner`, base64; default: made once and kept. */
  readonly ownerKey?: string;
  /** Shared access policies; default: the five built-in ones. */
  readonly policies?: readonly Policy[];
  /** Devices that may provision themselves; default: none. */
  readonly enrollments?: Enrollments;
  readonly certificate?: GivenCertificate;
  readonly limits?: Partial<HubLimits>;
  /** Partitions of the Event-Hubs-compatible endpoint; default 4. */
  readonly partitions?: number;
  readonly clock?: Clock;
  /** One line of progress or trouble, without secrets; default: nothing. */
  readonly log?: (line: string) => void;
}
