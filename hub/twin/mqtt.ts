import { HubError, refuse } from "../errors.ts";
import { makeTrackingId } from "../identity.ts";
import { identityKey } from "../ids.ts";
import { parseJson } from "../json.ts";
import type { DeviceService, DeviceSession } from "../mqtt/device-session.ts";
import { TWIN_DESIRED, TWIN_RESPONSES } from "../mqtt/topics.ts";
import type { OperationsLog } from "../operations.ts";
import type { Store } from "../store.ts";
import type { Twins } from "./twins.ts";

export interface TwinServicePorts {
  readonly twins: Twins;
  readonly store: Store;
  readonly operations: OperationsLog;
  readonly sessionOf: (key: string) => DeviceSession | undefined;
  readonly clock: { now(): number };
}

/** Twins over MQTT: get, patch of reported, notifications of desired. All with QoS 0. */
export function createTwinService(ports: TwinServicePorts): DeviceService {
  const { twins, store, operations } = ports;

  twins.onChange((change) => {
    if (change.section !== "desired") return;
    const session = ports.sessionOf(identityKey(change.ref));
    if (session === undefined || session.connection.grantedQos(TWIN_DESIRED) === null) return;
    const topic = `$iothub/twin/PATCH/properties/desired/?$version=${change.version}`;
    session.connection.send(
      topic,
      JSON.stringify(
        Object.assign(Object.create(null), change.patch, { $version: change.version }),
      ),
    );
  });

  const respond = (session: DeviceSession, status: number, query: string, body: string) => {
    if (session.connection.grantedQos(TWIN_RESPONSES) === null) return;
    session.connection.send(`$iothub/twin/res/${status}/?${query}`, body);
  };
  const record = (session: DeviceSession, operationName: string, error: HubError | null) => {
    operations.record({
      category: "D2CTwinOperations",
      operationName,
      result: error === null ? "Success" : "Failure",
      statusCode: error?.code ?? null,
      reason: error?.message ?? null,
      deviceId: session.deviceId,
      moduleId: session.moduleId,
      protocol: session.transport,
      callerAddress: session.remoteAddress,
    });
  };
  const fail = (session: DeviceSession, rid: string, operation: string, error: unknown) => {
    const refusal =
      error instanceof HubError
        ? error
        : new HubError(500, 500001, "ServerError", "the hub could not store the change");
    record(session, operation, refusal);
    const body = {
      errorCode: refusal.code,
      trackingId: makeTrackingId(),
      message: refusal.message,
      timestampUtc: new Date(ports.clock.now()).toISOString(),
    };
    respond(session, refusal.status, `$rid=${rid}`, JSON.stringify(body));
  };

  const get = (session: DeviceSession, rid: string) => {
    try {
      const twin = twins.get(session);
      record(session, "twinRead", null);
      const { desired, reported } = twin;
      const view = (values: object, version: number) =>
        Object.assign(Object.create(null), values, { $version: version });
      const body = {
        desired: view(desired.values, desired.version),
        reported: view(reported.values, reported.version),
      };
      respond(session, 200, `$rid=${rid}`, JSON.stringify(body));
    } catch (error) {
      fail(session, rid, "twinRead", error);
    }
  };
  const patch = (session: DeviceSession, rid: string, payload: Buffer) => {
    try {
      const version = twins.patchReported(session, parseBody(payload));
      store.committed().then(
        () => {
          record(session, "twinUpdate", null);
          respond(session, 204, `$rid=${rid}&$version=${version}`, "");
        },
        (error) => fail(session, rid, "twinUpdate", error),
      );
    } catch (error) {
      fail(session, rid, "twinUpdate", error);
    }
  };
  return {
    publish: (session, topic, payload) => {
      if (topic.kind === "twinGet") get(session, topic.rid);
      else if (topic.kind === "twinPatch") patch(session, topic.rid, payload);
      else return false;
      return true;
    },
  };
}

function parseBody(payload: Buffer): unknown {
  try {
    return parseJson(payload);
  } catch {
    throw refuse.argument("the body is not JSON, or nested too deeply");
  }
}
