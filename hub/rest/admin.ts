import type { FastifyInstance, FastifyRequest, RouteShorthandOptions } from "fastify";
import type { CertificateRecord, IpFilterRule } from "../admin.ts";
import type { HubCore } from "../core.ts";
import { HubError, refuse } from "../errors.ts";
import { adminOperation } from "./admin-operation.ts";
import type { Authorized } from "./auth.ts";
import { ifMatch, objectBody } from "./request.ts";

const HUB =
  "/subscriptions/:subscription/resourceGroups/:group/providers/Microsoft.Devices/IotHubs/:hub";
const DAY_MS = 86_400_000;

interface Parts {
  readonly app: FastifyInstance;
  readonly core: HubCore;
  /** Only a policy with every right, such as `iothubowner`. */
  readonly owner: RouteShorthandOptions;
  /** Runs a change; a refusal is logged as an attempt. */
  readonly change: <T>(request: FastifyRequest, action: () => T) => Promise<T>;
}

/**
 * Certificates, diagnostic settings and IP filter rules in the shape of the Azure management
 * calls. Subscription and group are any text.
 */
export function registerAdmin(app: FastifyInstance, core: HubCore, auth: Authorized): void {
  const change: Parts["change"] = async (request, action) => {
    try {
      const result = action();
      await core.store.committed();
      return result;
    } catch (error) {
      const attempt = adminOperation(request.method, request.url);
      if (error instanceof HubError && attempt !== null) core.admin.attempted(attempt, error);
      throw error;
    }
  };
  const parts: Parts = { app, core, owner: auth("All"), change };
  registerCertificates(parts);
  registerSettings(parts);
  registerHub(parts);
}

function registerCertificates({ app, core: { admin }, owner, change }: Parts): void {
  const path = `${HUB}/certificates`;
  app.get(path, owner, async () => ({ value: admin.certificates().map(certificateView) }));
  app.get(`${path}/:name`, owner, async (request) =>
    certificateView(admin.certificate(nameOf(request))),
  );
  app.put(`${path}/:name`, owner, async (request) =>
    change(request, () => {
      const { properties } = objectBody(request);
      const { certificate, isVerified } = (properties ?? {}) as Record<string, unknown>;
      if (typeof certificate !== "string") {
        throw refuse.argument("properties.certificate must be a text");
      }
      const etag = ifMatch(request);
      const record = admin.putCertificate(nameOf(request), certificate, isVerified === true, etag);
      return certificateView(record);
    }),
  );
  app.post(`${path}/:name/verify`, owner, async (request) =>
    change(request, () => certificateView(admin.verifyCertificate(nameOf(request)))),
  );
  app.delete(`${path}/:name`, owner, async (request, reply) => {
    const existed = await change(request, () =>
      admin.deleteCertificate(nameOf(request), ifMatch(request)),
    );
    return reply.code(existed ? 200 : 204).send();
  });
}

function registerSettings({ app, core: { admin }, owner, change }: Parts): void {
  const path = `${HUB}/providers/Microsoft.Insights/diagnosticSettings`;
  app.get(path, owner, async () => ({ value: admin.settings() }));
  app.get(`${path}/:name`, owner, async (request) => {
    const found = admin.settings().find(({ name }) => name === nameOf(request));
    if (found === undefined) throw new HubError(404, 404000, "NotFound", "no such setting");
    return found;
  });
  app.put(`${path}/:name`, owner, async (request) =>
    change(request, () => {
      const { properties } = objectBody(request);
      if (typeof properties !== "object" || properties === null) {
        throw refuse.argument("properties must be an object");
      }
      return admin.putSetting(nameOf(request), properties as Record<string, unknown>);
    }),
  );
  app.delete(`${path}/:name`, owner, async (request, reply) => {
    const existed = await change(request, () => admin.deleteSetting(nameOf(request)));
    return reply.code(existed ? 200 : 204).send();
  });
}

/** The hub itself, of which the IP filter rules can be set. */
function registerHub({ app, core, owner, change }: Parts): void {
  const update = async (request: FastifyRequest) => {
    await change(request, () => {
      const { properties } = objectBody(request);
      const rules = (properties as { ipFilterRules?: unknown } | undefined)?.ipFilterRules;
      if (rules !== undefined) core.admin.putIpFilter(rulesOf(rules));
    });
    return hubView(core, request);
  };
  app.get(HUB, owner, async (request) => hubView(core, request));
  app.put(HUB, owner, update);
  app.patch(HUB, owner, update);
}

function hubView(core: HubCore, request: FastifyRequest): object {
  return {
    id: request.url.split("?")[0],
    name: (request.params as { hub: string }).hub,
    type: "Microsoft.Devices/IotHubs",
    location: "local",
    properties: {
      hostName: core.hostName,
      state: "Active",
      provisioningState: "Succeeded",
      ipFilterRules: core.admin.ipFilter(),
      eventHubEndpoints: {
        events: {
          retentionTimeInDays: Math.max(1, Math.ceil(core.limits.retentionMs / DAY_MS)),
          partitionCount: core.partitions,
          partitionIds: Array.from({ length: core.partitions }, (_, index) => String(index)),
          path: "messages-events",
        },
      },
    },
  };
}

function nameOf(request: FastifyRequest): string {
  return (request.params as { name: string }).name;
}

function rulesOf(value: unknown): IpFilterRule[] {
  if (!Array.isArray(value)) throw refuse.argument("ipFilterRules must be an array");
  return value.map((rule: Partial<Record<keyof IpFilterRule, unknown>> | null) => {
    const { filterName, action, ipMask } = rule ?? {};
    if (typeof filterName !== "string" || filterName === "" || filterName.length > 128) {
      throw refuse.argument("filterName must be a text of 1 to 128 characters");
    }
    if (action !== "Accept" && action !== "Reject") {
      throw refuse.argument("action must be Accept or Reject");
    }
    if (typeof ipMask !== "string") throw refuse.argument("ipMask must be a text");
    return { filterName, action, ipMask };
  });
}

function certificateView(record: CertificateRecord): object {
  return {
    name: record.name,
    etag: record.etag,
    type: "Microsoft.Devices/IotHubs/Certificates",
    properties: {
      subject: record.subject,
      thumbprint: record.thumbprint,
      expiry: new Date(record.expiryMs).toUTCString(),
      isVerified: record.isVerified,
      created: new Date(record.createdMs).toUTCString(),
      updated: new Date(record.updatedMs).toUTCString(),
      certificate: record.pem,
    },
  };
}
