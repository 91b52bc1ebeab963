import type { Authenticate } from "../authenticate.ts";
import type { Clock } from "../clock.ts";
import type { Identity } from "../identity.ts";
import { identityKey, isId } from "../ids.ts";
import type { OperationsLog } from "../operations.ts";
import type { HubLimits } from "../options.ts";
import type { Telemetry } from "../telemetry.ts";
import { createDevicePeer } from "./device-peer.ts";
import type { DeviceService, DeviceSession } from "./device-session.ts";
import { type ConnectRequest, NOT_AUTHORIZED, type Peer, type Refusal } from "./peer.ts";
import { eventsTopic } from "./topics.ts";
import { type ConnectName, parseUsername } from "./username.ts";

export interface LiveDevices {
  get(key: string): DeviceSession | undefined;
  readonly count: number;
  /** The connected devices and modules now. */
  sessions(): Iterable<DeviceSession>;
  admit(request: ConnectRequest): Peer | Refusal;
  /** Closes connections whose token has run out. */
  closeExpired(): void;
  /** When a device was last heard of; null: never since the hub started. */
  lastActivityMs(key: string): number | null;
  connectionChangedMs(key: string): number | null;
}

export interface LiveDevicesPorts {
  readonly authenticate: Authenticate;
  readonly clock: Clock;
  readonly limits: HubLimits;
  readonly operations: OperationsLog;
  readonly telemetry: Telemetry;
  readonly services: readonly DeviceService[];
  /** False: the identity was deleted, replaced or disabled since it was authenticated. */
  readonly isCurrent: (identity: Identity) => boolean;
}

/** What is known of the identities that are or were connected, by identity key. */
export interface LiveTable {
  readonly live: Map<string, DeviceSession>;
  readonly lastActivity: Map<string, { ms: number }>;
  readonly connectionChangedMs: Map<string, number>;
}

/** Client id, user name or will that does not fit. */
const CODE_MALFORMED = 400027;
const CODE_EXPIRED = 401003;

export function createLiveDevices(ports: LiveDevicesPorts): LiveDevices {
  const { authenticate, clock, operations } = ports;
  const table: LiveTable = {
    live: new Map(),
    lastActivity: new Map(),
    connectionChangedMs: new Map(),
  };

  const admit = (request: ConnectRequest): Peer | Refusal => {
    const name = parseUsername(request.username);
    if (name === null)
      return refuseConnect(request, null, CODE_MALFORMED, "user name is malformed");
    if (request.clientId !== identityKey(name)) {
      const reason = "client id differs from the user name's identity";
      return refuseConnect(request, name, CODE_MALFORMED, reason);
    }
    const auth = authenticate({
      ref: name,
      host: name.host,
      token: request.password,
      chain: request.chain,
    });
    if ("code" in auth) return refuseConnect(request, name, auth.code, auth.reason);
    const events = eventsTopic(name);
    const topic = request.will?.topic ?? events;
    if (topic !== events && !topic.startsWith(`${events}/`)) {
      return refuseConnect(request, name, CODE_MALFORMED, "will topic is not the identity's own");
    }
    return createDevicePeer(ports, table, request, name, auth);
  };

  function refuseConnect(
    request: ConnectRequest,
    name: ConnectName | null,
    statusCode: number,
    reason: string,
  ): Refusal {
    operations.record({
      category: "Connections",
      operationName: "authenticationFailed",
      result: "Failure",
      // Claimed, not proved; what cannot be an id is not kept.
      deviceId: isId(name?.deviceId) ? name.deviceId : null,
      moduleId: isId(name?.moduleId) ? name.moduleId : null,
      statusCode,
      reason,
      protocol: request.transport,
      callerAddress: request.remoteAddress,
    });
    return { returnCode: NOT_AUTHORIZED, reason };
  }

  const closeExpired = () => {
    const nowMs = clock.now();
    for (const session of table.live.values()) {
      if (session.auth.expiresMs === null || session.auth.expiresMs > nowMs) continue;
      operations.record({
        category: "Connections",
        operationName: "tokenExpired",
        result: "Failure",
        deviceId: session.deviceId,
        moduleId: session.moduleId,
        statusCode: CODE_EXPIRED,
        reason: "SAS token expired on a live connection",
        protocol: session.transport,
        callerAddress: session.remoteAddress,
      });
      session.connection.close("SAS token expired");
    }
  };
  return {
    get: (key) => table.live.get(key),
    get count() {
      return table.live.size;
    },
    sessions: () => table.live.values(),
    admit,
    closeExpired,
    lastActivityMs: (key) => table.lastActivity.get(key)?.ms ?? null,
    connectionChangedMs: (key) => table.connectionChangedMs.get(key) ?? null,
  };
}
