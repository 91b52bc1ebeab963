import { HubError, refuse } from "./errors.ts";
import type { Registry } from "./identity.ts";
import { type IdentityRef, identityKey } from "./ids.ts";
import { parseJson } from "./json.ts";
import type { DeviceService, DeviceSession } from "./mqtt/device-session.ts";
import { METHODS } from "./mqtt/topics.ts";
import type { OperationsLog } from "./operations.ts";

export interface MethodCall {
  readonly methodName: string;
  /** Any JSON value; undefined: none. */
  readonly payload: unknown;
  /** How long the device may take to answer, ms. */
  readonly responseTimeoutMs: number;
  /** How long to wait for the device to connect, ms; 0: not at all. */
  readonly connectTimeoutMs: number;
}

export interface MethodResult {
  readonly status: number;
  readonly payload: unknown;
}

export interface Methods extends DeviceService {
  /** @throws HubError 400, 403 (too many at once), 404 (unknown or not online), 413, 504 */
  invoke(ref: IdentityRef, call: MethodCall): Promise<MethodResult>;
  /** Ends every waiting call. */
  close(): void;
}

export interface MethodPorts {
  readonly registry: Registry;
  readonly operations: OperationsLog;
  readonly sessionOf: (key: string) => DeviceSession | undefined;
  readonly bytesMax: number;
}

interface Pending {
  readonly resolve: (result: MethodResult) => void;
  readonly reject: (error: HubError) => void;
}

const IN_FLIGHT_MAX = 100;
// Printable ASCII without what has a meaning in a topic; real names are identifiers.
const NAME = /^(?:(?![/#+$])[!-~]){1,100}$/;

export function createMethods(ports: MethodPorts): Methods {
  const { registry, operations, sessionOf, bytesMax } = ports;
  const pending = new Map<string, Map<string, Pending>>();
  const waiting = new Map<string, Set<() => void>>();
  const stops = new Set<() => void>();
  let nextRid = 0;

  const ready = (key: string) => {
    const session = sessionOf(key);
    return session !== undefined && session.connection.grantedQos(METHODS) !== null
      ? session
      : undefined;
  };
  const notOnline = (ref: IdentityRef) =>
    new HubError(
      404,
      404103,
      "DeviceNotOnline",
      `The operation failed because the requested device isn't online: ${identityKey(ref)}`,
    );

  const waitForDevice = (ref: IdentityRef, timeoutMs: number): Promise<DeviceSession> => {
    const key = identityKey(ref);
    const session = ready(key);
    if (session !== undefined) return Promise.resolve(session);
    if (timeoutMs <= 0) return Promise.reject(notOnline(ref));
    return new Promise((resolve, reject) => {
      const end = (outcome: () => void) => {
        clearTimeout(timer);
        stops.delete(stop);
        waiting.get(key)?.delete(check);
        if (waiting.get(key)?.size === 0) waiting.delete(key);
        outcome();
      };
      const check = () => {
        const connected = ready(key);
        if (connected !== undefined) end(() => resolve(connected));
      };
      const stop = () => end(() => reject(notOnline(ref)));
      const timer = setTimeout(stop, timeoutMs);
      stops.add(stop);
      const checks = waiting.get(key) ?? new Set();
      waiting.set(key, checks.add(check));
    });
  };

  const call = (session: DeviceSession, name: string, body: string, timeoutMs: number) =>
    new Promise<MethodResult>((resolve, reject) => {
      const calls = pending.get(session.key) ?? new Map<string, Pending>();
      if (calls.size >= IN_FLIGHT_MAX) {
        const message = `at most ${IN_FLIGHT_MAX} method calls to a device at a time`;
        reject(new HubError(403, 403800, "DeviceMaximumInflightMethodExceeded", message));
        return;
      }
      nextRid += 1;
      const rid = nextRid.toString(16);
      const end = (outcome: () => void) => {
        clearTimeout(timer);
        stops.delete(stop);
        calls.delete(rid);
        if (calls.size === 0) pending.delete(session.key);
        outcome();
      };
      const stop = () =>
        end(() => {
          const message = `Timed out waiting for the response from device ${session.key}`;
          reject(new HubError(504, 504101, "GatewayTimeout", message));
        });
      const timer = setTimeout(stop, timeoutMs);
      stops.add(stop);
      pending.set(
        session.key,
        calls.set(rid, {
          resolve: (result) => end(() => resolve(result)),
          reject: (error) => end(() => reject(error)),
        }),
      );
      const sent = session.connection.send(`$iothub/methods/POST/${name}/?$rid=${rid}`, body);
      if (!sent) end(() => reject(notOnline(session)));
    });

  const invoke = async (ref: IdentityRef, request: MethodCall) => {
    registry.require(ref);
    if (!NAME.test(request.methodName)) {
      throw refuse.argument("methodName must be 1 to 100 characters without /, #, + and $");
    }
    const body = request.payload === undefined ? "" : JSON.stringify(request.payload);
    if (Buffer.byteLength(body) > bytesMax) {
      throw refuse.tooLarge(`method payload is over the limit of ${bytesMax} bytes`);
    }
    const entry = {
      category: "DirectMethods",
      operationName: "directMethod",
      deviceId: ref.deviceId,
      moduleId: ref.moduleId,
      protocol: "Http",
    } as const;
    const properties = { methodName: request.methodName };
    try {
      const session = await waitForDevice(ref, request.connectTimeoutMs);
      const result = await call(session, request.methodName, body, request.responseTimeoutMs);
      operations.record({ ...entry, properties: { ...properties, status: result.status } });
      return result;
    } catch (error) {
      if (error instanceof HubError) {
        const { code, message } = error;
        operations.record({
          ...entry,
          properties,
          result: "Failure",
          statusCode: code,
          reason: message,
        });
      }
      throw error;
    }
  };

  return {
    invoke,
    subscribed: (session, filter) => {
      if (filter === METHODS) for (const check of waiting.get(session.key) ?? []) check();
    },
    connected: (session) => {
      for (const check of waiting.get(session.key) ?? []) check();
    },
    publish: (session, topic, payload) => {
      if (topic.kind !== "methodResult") return false;
      const waiter = pending.get(session.key)?.get(topic.rid);
      if (payload.length > bytesMax) {
        waiter?.reject(refuse.tooLarge(`the device's answer is over ${bytesMax} bytes`));
      } else {
        waiter?.resolve({ status: topic.status, payload: parsePayload(payload) });
      }
      return true; // An answer that comes too late is no violation.
    },
    close: () => {
      for (const stop of stops) stop();
    },
  };
}

function parsePayload(payload: Buffer): unknown {
  if (payload.length === 0) return null;
  try {
    return parseJson(payload);
  } catch {
    return null;
  }
}
