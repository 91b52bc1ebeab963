import type { Authenticated } from "../authenticate.ts";
import type { IdentityRef } from "../ids.ts";
import type { Connection } from "./peer.ts";
import type { PublishTopic } from "./topics.ts";

/** A connected device or module. */
export interface DeviceSession extends IdentityRef {
  readonly key: string;
  readonly auth: Authenticated;
  readonly modelId: string | null;
  readonly connection: Connection;
  readonly connectedMs: number;
  readonly remoteAddress: string | null;
  readonly transport: "Mqtt" | "MqttWs";
}

/** What answers devices beyond telemetry; each part looks at its own topics. */
export interface DeviceService {
  connected?(session: DeviceSession): void;
  disconnected?(session: DeviceSession): void;
  subscribed?(session: DeviceSession, filter: string): void;
  acknowledged?(session: DeviceSession, messageId: number): void;
  /** True: it was this part's topic. */
  publish?(
    session: DeviceSession,
    topic: Exclude<PublishTopic, { kind: "telemetry" }>,
    payload: Buffer,
  ): boolean;
}
