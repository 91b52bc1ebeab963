import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { HubCore } from "../core.ts";
import { HubError, refuse } from "../errors.ts";
import type { IdentityInput } from "../identity.ts";
import type { IdentityRef } from "../ids.ts";
import type { Authorized } from "./auth.ts";
import { ifMatch, jsonBody, objectBody, refOf, wholeNumber } from "./request.ts";
import { identityInput, identityView } from "./views.ts";

const LIST_MAX = 1000;
const BULK_MAX = 100;

/** Devices and modules: create, update, read, delete, list, bulk, statistics. */
export function registerDevices(app: FastifyInstance, core: HubCore, auth: Authorized): void {
  const { registry, store, operations } = core;
  const read = auth("RegistryRead");
  const write = auth("RegistryWrite");

  const record = (operationName: string, ref: IdentityRef, error: HubError | null = null) => {
    operations.record({
      category: "DeviceIdentityOperations",
      operationName,
      deviceId: ref.deviceId,
      moduleId: ref.moduleId,
      protocol: "Http",
      ...(error === null
        ? {}
        : { result: "Failure", statusCode: error.code, reason: error.message }),
    });
  };
  const recorded = <T>(operationName: string, ref: IdentityRef, action: () => T): T => {
    try {
      const result = action();
      record(operationName, ref);
      return result;
    } catch (error) {
      if (error instanceof HubError) record(operationName, ref, error);
      throw error;
    }
  };

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
  app.post("/devices", write, async (request, reply) => {
    const body = jsonBody(request);
    if (!Array.isArray(body) || body.length > BULK_MAX) {
      throw refuse.argument(`the body must be an array of at most ${BULK_MAX} devices`);
    }
    const errors = body.flatMap((item, index) => bulkOne(item, index));
    await store.committed();
    reply.code(errors.length === 0 ? 200 : 400);
    return { isSuccessful: errors.length === 0, errors, warnings: [] };
  });
  app.get("/statistics/devices", read, async () => {
    const devices = [...registry.devices()];
    const enabled = devices.filter((device) => device.status === "enabled").length;
    return {
      totalDeviceCount: devices.length,
      enabledDeviceCount: enabled,
      disabledDeviceCount: devices.length - enabled,
    };
  });
  app.get("/statistics/service", read, async () => {
    let connectedDeviceCount = 0;
    for (const session of core.devices.sessions()) {
      if (session.moduleId === null) connectedDeviceCount += 1;
    }
    return { connectedDeviceCount };
  });

  function bulkOne(item: unknown, index: number): object[] {
    const entry = (typeof item === "object" && item !== null ? item : {}) as Record<
      string,
      unknown
    >;
    const deviceId = String(entry.id ?? "");
    const ref = {
      deviceId,
      moduleId: typeof entry.moduleId === "string" ? entry.moduleId : null,
    };
    try {
      const mode = String(entry.importMode ?? "create").toLowerCase();
      const etag = typeof entry.eTag === "string" ? entry.eTag : "*";
      const input = identityInput(entry);
      recorded(`bulk ${mode}`, ref, () => bulkApply(mode, ref, input, etag));
      return [];
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      return [
        {
          deviceId,
          errorCode: error.code,
          errorStatus: error.message,
          index,
          moduleId: ref.moduleId,
        },
      ];
    }
  }
  function bulkApply(mode: string, ref: IdentityRef, input: IdentityInput, etag: string): void {
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
}
