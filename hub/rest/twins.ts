import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { HubCore } from "../core.ts";
import { HubError, refuse } from "../errors.ts";
import type { MethodCall } from "../methods.ts";
import type { Authorized } from "./auth.ts";
import { ifMatch, jsonBody, objectBody, refOf } from "./request.ts";
import { twinView } from "./views.ts";

const RESPONSE_SECONDS = { min: 5, max: 3600, default: 30 };
const CONNECT_SECONDS = { min: 0, max: 300, default: 0 };

/** Twins and direct methods. */
export function registerTwins(app: FastifyInstance, core: HubCore, auth: Authorized): void {
  const { twins, registry, store, operations, methods } = core;
  const service = auth("ServiceConnect");

  const answer = (request: FastifyRequest, reply: FastifyReply) => {
    const ref = refOf(request);
    const twin = twins.get(ref);
    reply.header("etag", `"${twin.etag}"`);
    return twinView(core, registry.require(ref), twin);
  };
  const update = (operationName: string, action: "patch" | "replace") => {
    return async (request: FastifyRequest, reply: FastifyReply) => {
      const ref = refOf(request);
      const entry = {
        category: "C2DTwinOperations",
        operationName,
        deviceId: ref.deviceId,
        moduleId: ref.moduleId,
        protocol: "Http",
        callerAddress: request.ip,
      } as const;
      try {
        twins[action](ref, jsonBody(request), ifMatch(request) ?? "*");
      } catch (error) {
        if (error instanceof HubError) {
          const { code: statusCode, message: reason } = error;
          operations.record({ ...entry, result: "Failure", statusCode, reason });
        }
        throw error;
      }
      await store.committed();
      operations.record(entry);
      return answer(request, reply);
    };
  };
  const invoke = async (request: FastifyRequest) => methods.invoke(refOf(request), callOf(request));
  for (const path of ["/twins/:id", "/twins/:id/modules/:mid"]) {
    app.get(path, service, async (request, reply) => answer(request, reply));
    app.patch(path, service, update("updateTwin", "patch"));
    app.put(path, service, update("replaceTwin", "replace"));
    app.post(`${path}/methods`, service, invoke);
  }
}

function callOf(request: FastifyRequest): MethodCall {
  const body = objectBody(request);
  if (typeof body.methodName !== "string") throw refuse.argument("methodName must be a text");
  return {
    methodName: body.methodName,
    payload: body.payload,
    responseTimeoutMs: seconds(body, "responseTimeoutInSeconds", RESPONSE_SECONDS) * 1000,
    connectTimeoutMs: seconds(body, "connectTimeoutInSeconds", CONNECT_SECONDS) * 1000,
  };
}

function seconds(
  body: Readonly<Record<string, unknown>>,
  name: string,
  range: { readonly min: number; readonly max: number; readonly default: number },
): number {
  const value = body[name] ?? range.default;
  if (typeof value !== "number" || value < range.min || value > range.max) {
    throw refuse.argument(`${name} must be a number from ${range.min} to ${range.max}`);
  }
  return value;
}
