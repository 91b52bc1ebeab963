import type { X509Certificate } from "node:crypto";

/** A CONNECT packet and where it came from. */
export interface ConnectRequest {
  readonly clientId: string;
  readonly username: string;
  readonly password: string | null;
  readonly cleanSession: boolean;
  readonly will: { readonly topic: string } | null;
  readonly chain: readonly X509Certificate[];
  readonly remoteAddress: string | null;
  readonly transport: "Mqtt" | "MqttWs";
}

/** CONNACK return codes of MQTT 3.1.1, 3.2.2.3. */
export const NOT_AUTHORIZED = 5;
export const SERVER_UNAVAILABLE = 3;

export interface Refusal {
  readonly returnCode: 2 | 3 | 4 | 5;
  readonly reason: string;
}

export interface InboundPublish {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** The will of a connection that ended without DISCONNECT. */
  readonly isWill: boolean;
}

/** An open connection as its peer sees it. */
export interface Connection {
  /** QoS granted for the filter; null: not subscribed. */
  grantedQos(filter: string): 0 | 1 | null;
  /** False: the connection is gone or too slow (it is then closed). */
  send(topic: string, payload: string | Uint8Array, qos?: 0 | 1, messageId?: number): boolean;
  close(reason: string): void;
}

/**
 * Who is at the other end of an authenticated connection: a device or module, or a device that
 * asks for provisioning. The broker knows MQTT, the peer knows what the topics mean.
 */
export interface Peer {
  /** Key in the broker: a second connection with the same key ends the first. */
  readonly brokerId: string;
  /** False: every session is a clean one. */
  readonly durable: boolean;
  readonly filters: readonly string[];
  readonly subscriptionsMax: number;
  connected(connection: Connection): void;
  disconnected(reason: string | null): void;
  subscribed(filter: string): void;
  acknowledged(messageId: number): void;
  /** Throws or rejects: the connection is closed, a QoS 1 packet stays unacknowledged. */
  publish(packet: InboundPublish): void | Promise<void>;
}

/** Decides on a CONNECT. */
export type Admit = (request: ConnectRequest) => Peer | Refusal;
