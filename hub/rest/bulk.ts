import type { FastifyInstance } from "fastify";
import type { HubCore } from "../core.ts";
import { HubError, refuse } from "../errors.ts";
import type { IdentityInput, Registry } from "../identity.ts";
import type { IdentityRef } from "../ids.ts";
import type { Authorized } from "./auth.ts";
import { type Recorded, recordTo } from "./identity-log.ts";
import { jsonBody } from "./request.ts";
import { identityInput } from "./views.ts";

const BULK_MAX = 100;

/** `POST /devices`: up to 100 changes of identities, each with its own outcome. */
export function registerBulk(app: FastifyInstance, core: HubCore, auth: Authorized): void {
  const recorded = recordTo(core);
  app.post("/devices", auth("RegistryWrite"), async (request, reply) => {
    const body = jsonBody(request);
    if (!Array.isArray(body) || body.length > BULK_MAX) {
      throw refuse.argument(`the body must be an array of at most ${BULK_MAX} devices`);
    }
    const errors = body.flatMap((item, index) => one(core.registry, recorded, item, index));
    await core.store.committed();
    reply.code(errors.length === 0 ? 200 : 400);
    return { isSuccessful: errors.length === 0, errors, warnings: [] };
  });
}

function one(registry: Registry, recorded: Recorded, item: unknown, index: number): object[] {
  const entry = (typeof item === "object" && item !== null ? item : {}) as Record<string, unknown>;
  const deviceId = String(entry.id ?? "");
  const moduleId = typeof entry.moduleId === "string" ? entry.moduleId : null;
  const ref = { deviceId, moduleId };
  try {
    const mode = String(entry.importMode ?? "create").toLowerCase();
    const etag = typeof entry.eTag === "string" ? entry.eTag : "*";
    const input = identityInput(entry);
    recorded(`bulk ${mode.slice(0, 40)}`, ref, () => apply(registry, mode, ref, input, etag));
    return [];
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return [{ deviceId, moduleId, index, errorCode: error.code, errorStatus: error.message }];
  }
}

function apply(
  registry: Registry,
  mode: string,
  ref: IdentityRef,
  input: IdentityInput,
  etag: string,
): void {
  if (mode === "create") registry.create(ref, input);
  else if (mode === "update") registry.update(ref, input, "*");
  else if (mode === "updateifmatchetag") registry.update(ref, input, etag);
  else if (mode === "createorupdate") {
    if (registry.get(ref) === undefined) registry.create(ref, input);
    else registry.update(ref, input, "*");
  } else if (mode === "delete") registry.remove(ref, "*");
  else if (mode === "deleteifmatchetag") registry.remove(ref, etag);
  else throw refuse.argument(`importMode ${mode.slice(0, 40)} is not supported`);
}
