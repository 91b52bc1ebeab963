import { randomUUID } from "node:crypto";
import type { HubCore } from "../core.ts";
import { HubError } from "../errors.ts";
import { makeEtag, makeTrackingId } from "../identity.ts";
import { parseJson } from "../json.ts";
import {
  type Connection,
  type ConnectRequest,
  NOT_AUTHORIZED,
  type Peer,
  type Refusal,
} from "../mqtt/peer.ts";
import { parseRegistrationName } from "../mqtt/username.ts";
import { authenticateRegistration, type RegistrationProof } from "./authenticate.ts";
import { type Enrollments, isRegistrationId } from "./enrollments.ts";

/** What a device is told about its registration, 2019-03-31. */
export interface RegistrationState {
  readonly registrationId: string;
  readonly createdDateTimeUtc: string;
  readonly assignedHub: string;
  readonly deviceId: string;
  readonly status: "assigned";
  readonly substatus: "initialAssignment" | "deviceDataMigrated";
  readonly lastUpdatedDateTimeUtc: string;
  readonly etag: string;
}

const RESPONSES = "$dps/registrations/res/#";
const REGISTER = /^\$dps\/registrations\/PUT\/iotdps-register\/\?(.*)$/;
const STATUS = /^\$dps\/registrations\/GET\/iotdps-get-operationstatus\/\?(.*)$/;
const RETRY_SECONDS = 1;
const BODY_BYTES_MAX = 64 * 1024;

/**
 * The provisioning service on the hub's MQTT port. Null: the CONNECT is not for it.
 *
 * @param assignedHub what devices are told to connect to
 */
export function createProvisioning(
  core: HubCore,
  enrollments: Enrollments,
  assignedHub: () => string,
): (request: ConnectRequest) => Peer | Refusal | null {
  const states = core.store.collection<RegistrationState>("registrations");

  const assign = (registrationId: string, proof: RegistrationProof): RegistrationState => {
    const { enrollment, authentication } = proof;
    const deviceId = enrollment.deviceId ?? registrationId;
    const ref = { deviceId, moduleId: null };
    const isNew = core.registry.get(ref) === undefined;
    if (isNew) core.registry.create(ref, { authentication });
    else core.registry.update(ref, { authentication }, "*");
    if (isNew && enrollment.initialTwin !== null) {
      core.twins.patch(ref, enrollment.initialTwin, "*");
    }
    const time = new Date(core.clock.now()).toISOString();
    const state: RegistrationState = {
      registrationId,
      createdDateTimeUtc: states.get(registrationId)?.createdDateTimeUtc ?? time,
      assignedHub: assignedHub(),
      deviceId,
      status: "assigned",
      substatus: "initialAssignment",
      lastUpdatedDateTimeUtc: time,
      etag: makeEtag(),
    };
    states.put(registrationId, state);
    return state;
  };

  return (request) => {
    const name = parseRegistrationName(request.username);
    if (name === null || name.idScope !== enrollments.idScope) return null;
    const { registrationId } = name;
    const record = (operationName: string, reason: string | null) => {
      core.operations.record({
        category: "DeviceIdentityOperations",
        operationName,
        result: reason === null ? "Success" : "Failure",
        statusCode: reason === null ? null : 401002,
        reason,
        deviceId: registrationId,
        protocol: request.transport,
        callerAddress: request.remoteAddress,
      });
    };
    const proof =
      request.clientId !== registrationId || !isRegistrationId(registrationId)
        ? "client id differs from the registration id"
        : authenticateRegistration(enrollments, {
            registrationId,
            token: request.password,
            chain: request.chain,
            nowMs: core.clock.now(),
          });
    if (typeof proof === "string") {
      record("provisioningRefused", proof);
      return { returnCode: NOT_AUTHORIZED, reason: proof };
    }
    return createPeer(registrationId, proof);

    function createPeer(id: string, proven: RegistrationProof): Peer {
      let connection: Connection | null = null;
      let operationId: string | null = null;
      const respond = (status: number, query: string, body: object) => {
        if (connection?.grantedQos(RESPONSES) == null) return;
        connection.send(`$dps/registrations/res/${status}/?${query}`, JSON.stringify(body));
      };
      const fail = (rid: string, status: number, errorCode: number, message: string) => {
        const timestampUtc = new Date(core.clock.now()).toISOString();
        const body = { errorCode, trackingId: makeTrackingId(), message, timestampUtc };
        respond(status, `$rid=${rid}`, body);
      };
      const register = (rid: string, payload: Buffer) => {
        if (!isRegisterBody(payload, id)) {
          fail(rid, 400, 400004, "the body must be JSON with this connection's registrationId");
          return;
        }
        operationId = `4.${randomUUID()}`;
        const query = `$rid=${rid}&retry-after=${RETRY_SECONDS}`;
        respond(202, query, { operationId, status: "assigning" });
      };
      const status = async (rid: string, asked: string | null) => {
        if (operationId === null || asked !== operationId) {
          fail(rid, 404, 404205, "operation id is not of this connection");
          return;
        }
        try {
          const registrationState = assign(id, proven);
          await core.store.committed();
          record("provisioned", null);
          respond(200, `$rid=${rid}`, { operationId, status: "assigned", registrationState });
        } catch (error) {
          const refusal = error instanceof HubError ? error : null;
          record("provisioningRefused", refusal?.message ?? "the hub failed");
          fail(rid, refusal?.status ?? 500, refusal?.code ?? 500001, refusal?.message ?? "failed");
        }
      };
      return {
        // Its own key each time: registrations neither meet devices nor have sessions.
        brokerId: `$dps/${randomUUID()}`,
        durable: false,
        filters: [RESPONSES],
        subscriptionsMax: 1,
        connected: (open) => {
          connection = open;
        },
        disconnected: () => {
          connection = null;
        },
        subscribed: () => {},
        acknowledged: () => {},
        publish: ({ topic, payload, isWill }) => {
          if (isWill) return undefined;
          const toRegister = REGISTER.exec(topic);
          const toStatus = STATUS.exec(topic);
          const query = new URLSearchParams(toRegister?.[1] ?? toStatus?.[1] ?? "");
          const rid = query.get("$rid");
          if (rid === null || rid.length > 256) throw new Error("published to an unknown topic");
          if (toRegister !== null) register(rid, payload);
          else return status(rid, query.get("operationId"));
          return undefined;
        },
      };
    }
  };
}

function isRegisterBody(payload: Buffer, registrationId: string): boolean {
  if (payload.length > BODY_BYTES_MAX) return false;
  try {
    const body: unknown = parseJson(payload);
    const given = (body as { registrationId?: unknown } | null)?.registrationId;
    return given === undefined || given === registrationId;
  } catch {
    return false;
  }
}
