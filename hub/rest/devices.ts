import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { HubCore } from "../core.ts";
import { refuse } from "../errors.ts";
import type { Authorized } from "./auth.ts";
import { recordTo } from "./identity-log.ts";
import { ifMatch, objectBody, refOf, wholeNumber } from "./request.ts";
import { identityInput, identityView } from "./views.ts";

const LIST_MAX = 1000;

/** Devices and modules: create, update, read, delete, list. */
export function registerDevices(app: FastifyInstance, core: HubCore, auth: Authorized): void {
  const { registry, store } = core;
  const read = auth("RegistryRead");
  const write = auth("RegistryWrite");

  const recorded = recordTo(core);
  const put = async (request: FastifyRequest, reply: FastifyReply) => {
    const ref = refOf(request);
    const body = objectBody(request);
    if ((body.deviceId ?? ref.deviceId) !== ref.deviceId) {
      throw refuse.argument("deviceId in the body differs from the one in the address");
    }
    const input = identityInput(body);
    const etag = ifMatch(request);
    const kind = ref.moduleId === null ? "Device" : "Module";
    const identity =
      etag === null
        ? recorded(`create${kind}`, ref, () => registry.create(ref, input))
        : recorded(`update${kind}`, ref, () => registry.update(ref, input, etag));
    await store.committed();
    reply.header("etag", `"${identity.etag}"`);
    return identityView(core, identity);
  };
  const get = async (request: FastifyRequest, reply: FastifyReply) => {
    const identity = registry.require(refOf(request));
    reply.header("etag", `"${identity.etag}"`);
    return identityView(core, identity);
  };
  const remove = async (request: FastifyRequest, reply: FastifyReply) => {
    const ref = refOf(request);
    const kind = ref.moduleId === null ? "Device" : "Module";
    recorded(`delete${kind}`, ref, () => registry.remove(ref, ifMatch(request) ?? "*"));
    await store.committed();
    return reply.code(204).send();
  };
  for (const path of ["/devices/:id", "/devices/:id/modules/:mid"]) {
    app.put(path, write, put);
    if (path === "/devices/:id") app.get(path, read, get);
    app.delete(path, write, remove);
  }
  // The agent's "Device" authentication reads its module's key with the device's own token.
  app.get("/devices/:id/modules/:mid", auth("RegistryRead", "device"), get);
  app.get("/devices", read, async (request) => {
    const { top } = request.query as { top?: string };
    const most = wholeNumber("top", top, { min: 1, max: LIST_MAX, default: LIST_MAX });
    return [...registry.devices()].slice(0, most).map((device) => identityView(core, device));
  });
  app.get("/devices/:id/modules", auth("RegistryRead", "device"), async (request) => {
    const { deviceId } = registry.require(refOf(request));
    return registry.modulesOf(deviceId).map((module) => identityView(core, module));
  });
}
