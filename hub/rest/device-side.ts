import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Authenticated } from "../authenticate.ts";
import type { HubCore } from "../core.ts";
import { HubError, refuse } from "../errors.ts";
import { bareHost } from "../sas.ts";
import { headerText, rawBody, refOf } from "./request.ts";

const SYSTEM_HEADERS: Readonly<Record<string, string>> = {
  "iothub-messageid": "message-id",
  "iothub-correlationid": "correlation-id",
  "iothub-userid": "user-id",
  "iothub-contenttype": "content-type",
  "iothub-contentencoding": "content-encoding",
  "iothub-interface-id": "iothub-interface-id",
};
const APP_PREFIX = "iothub-app-";

/** What a device may do over HTTP with its own token: send telemetry; uploads are refused. */
export function registerDeviceSide(app: FastifyInstance, core: HubCore): void {
  for (const path of [
    "/devices/:id/messages/events",
    "/devices/:id/modules/:mid/messages/events",
  ]) {
    app.post(path, async (request, reply) => {
      const { identity, authMethod } = authenticated(core, request);
      const system: Record<string, string> = {};
      const application: Record<string, string | null> = Object.create(null);
      for (const [name, value] of Object.entries(request.headers)) {
        const systemName = Object.hasOwn(SYSTEM_HEADERS, name) ? SYSTEM_HEADERS[name] : undefined;
        if (systemName !== undefined) system[systemName] = String(value);
        else if (name.startsWith(APP_PREFIX)) {
          application[name.slice(APP_PREFIX.length)] = String(value);
        }
      }
      const source = {
        deviceId: identity.deviceId,
        moduleId: identity.moduleId,
        generationId: identity.generationId,
        authMethod,
        modelId: null,
      };
      const prepared = core.telemetry.prepare(source, { system, application });
      await core.telemetry.ingest(prepared, rawBody(request));
      return reply.code(204).send();
    });
  }
  for (const path of ["/devices/:id/files", "/devices/:id/files/notifications"]) {
    app.post(path, async (request) => {
      const { identity } = authenticated(core, request);
      const operationName = path.endsWith("files") ? "fileUploadRequest" : "notifyFileUpload";
      const error = new HubError(400, 400041, "StorageNotConfigured", "file upload is not set up");
      core.operations.record({
        category: "FileUploadOperations",
        operationName,
        result: "Failure",
        statusCode: error.code,
        reason: error.message,
        deviceId: identity.deviceId,
        protocol: "Http",
        callerAddress: request.ip,
      });
      throw error;
    });
  }
}

function authenticated(core: HubCore, request: FastifyRequest): Authenticated {
  const ref = refOf(request);
  const token = headerText(request, "authorization") ?? null;
  const host = bareHost(request.headers.host ?? core.hostName);
  const auth = core.authenticate({ ref, host, token, chain: [] });
  if ("identity" in auth) return auth;
  core.operations.record({
    category: "Connections",
    operationName: "authenticationFailed",
    result: "Failure",
    deviceId: ref.deviceId,
    moduleId: ref.moduleId,
    statusCode: auth.code,
    reason: auth.reason,
    protocol: "Http",
    callerAddress: request.ip,
  });
  throw refuse.unauthorized("Unauthorized");
}
