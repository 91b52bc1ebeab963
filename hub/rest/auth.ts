import type { FastifyRequest, RouteShorthandOptions } from "fastify";
import type { HubCore } from "../core.ts";
import { refuse } from "../errors.ts";
import { bareHost } from "../sas.ts";
import type { NeededRight } from "../service-auth.ts";
import { adminOperation } from "./admin-operation.ts";
import { headerText, refOf } from "./request.ts";

/**
 * Route options that let in a service policy with the right, and, where `also` says so, the
 * device named in the address with its own token.
 */
export type Authorized = (right: NeededRight, also?: "device") => RouteShorthandOptions;

export function createAuthorized(core: HubCore): Authorized {
  return (right, also) => ({
    preHandler: async (request: FastifyRequest) => {
      const token = headerText(request, "authorization") ?? queryToken(request);
      const path = decodeURI(request.url.split("?")[0] ?? "/");
      const verdict = core.authorizeService(token, right, path);
      if (verdict.ok) return;
      if (also === "device" && isDevice(core, request, token)) return;
      const error = refuse.unauthorized("Unauthorized");
      const attempt = adminOperation(request.method, request.url);
      if (attempt !== null) core.admin.attempted(attempt, error, request.ip);
      core.operations.record({
        category: "Connections",
        operationName: "authenticationFailed",
        result: "Failure",
        statusCode: 401002,
        reason: verdict.reason,
        protocol: "Http",
        callerAddress: request.ip,
      });
      throw error;
    },
  });
}

/** True: the device itself (or the module) of the address, by its own token. */
export function isDevice(core: HubCore, request: FastifyRequest, token: string): boolean {
  const { deviceId } = refOf(request);
  const host = bareHost(request.headers.host ?? core.hostName);
  const auth = core.authenticate({ ref: { deviceId, moduleId: null }, host, token, chain: [] });
  return "identity" in auth;
}

/** Browsers' EventSource sends no headers, so a token may stand in the query. */
function queryToken(request: FastifyRequest): string {
  const { authorization } = request.query as { authorization?: unknown };
  return typeof authorization === "string" ? authorization : "";
}
