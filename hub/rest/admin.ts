import type { FastifyInstance, FastifyRequest } from "fastify";
import type { CertificateRecord, IpFilterRule } from "../admin.ts";
import type { HubCore } from "../core.ts";
import { HubError, refuse } from "../errors.ts";
import type { OperationCategory } from "../operations.ts";
import type { Authorized } from "./auth.ts";
import { ifMatch, objectBody } from "./request.ts";

const HUB =
  "/subscriptions/:subscription/resourceGroups/:group/providers/Microsoft.Devices/IotHubs/:hub";
const SETTINGS = `${HUB}/providers/Microsoft.Insights/diagnosticSettings`;

/**
 * Certificates, diagnostic settings and IP filter rules in the shape of the Azure management
 * calls. Subscription and group are any text; the token is one of the policy `iothubowner`.
 */
export function registerAdmin(app: FastifyInstance, core: HubCore, auth: Authorized): void {
  const { admin, store } = core;
  const owner = auth("All");
  const nameOf = (request: FastifyRequest) => (request.params as { name: string }).name;

  /** Runs a change; a refusal is logged as an attempt. */
  const change = async <T>(category: OperationCategory, name: string, action: () => T) => {
    try {
      const result = action();
      await store.committed();
      return result;
    } catch (error) {
      if (error instanceof HubError) admin.attempted(category, name, error);
      throw error;
    }
  };

  app.get(`${HUB}/certificates`, owner, async () => ({
    value: admin.certificates().map(certificateView),
  }));
  app.get(`${HUB}/certificates/:name`, owner, async (request) =>
    certificateView(admin.certificate(nameOf(request))),
  );
  app.put(`${HUB}/certificates/:name`, owner, async (request) =>
    change("Certificates", "putCertificate", () => {
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
  app.post(`${HUB}/certificates/:name/verify`, owner, async (request) =>
    change("Certificates", "verifyCertificate", () =>
      certificateView(admin.verifyCertificate(nameOf(request))),
    ),
  );
  app.delete(`${HUB}/certificates/:name`, owner, async (request, reply) => {
    const existed = await change("Certificates", "deleteCertificate", () =>
      admin.deleteCertificate(nameOf(request), ifMatch(request)),
    );
    return reply.code(existed ? 200 : 204).send();
  });

  app.get(SETTINGS, owner, async () => ({ value: admin.settings() }));
  app.get(`${SETTINGS}/:name`, owner, async (request) => {
    const found = admin.settings().find(({ name }) => name === nameOf(request));
    if (found === undefined) throw new HubError(404, 404000, "NotFound", "no such setting");
    return found;
  });
  app.put(`${SETTINGS}/:name`, owner, async (request) =>
    change("DiagnosticSettings", "putDiagnosticSetting", () => {
      const { properties } = objectBody(request);
      if (typeof properties !== "object" || properties === null) {
        throw refuse.argument("properties must be an object");
      }
      return admin.putSetting(nameOf(request), properties as Record<string, unknown>);
    }),
  );
  app.delete(`${SETTINGS}/:name`, owner, async (request, reply) => {
    const existed = await change("DiagnosticSettings", "deleteDiagnosticSetting", () =>
      admin.deleteSetting(nameOf(request)),
    );
    return reply.code(existed ? 200 : 204).send();
  });

  const hubView = (request: FastifyRequest) => ({
    id: request.url.split("?")[0],
    name: (request.params as { hub: string }).hub,
    type: "Microsoft.Devices/IotHubs",
    location: "local",
    properties: {
      hostName: core.hostName,
      state: "Active",
      provisioningState: "Succeeded",
      ipFilterRules: admin.ipFilter(),
      eventHubEndpoints: {
        events: {
          retentionTimeInDays: Math.max(1, Math.ceil(core.limits.retentionMs / 86_400_000)),
          partitionCount: core.partitions,
          partitionIds: Array.from({ length: core.partitions }, (_, index) => String(index)),
          path: "messages-events",
        },
      },
    },
  });
  app.get(HUB, owner, async (request) => hubView(request));
  const update = async (request: FastifyRequest) => {
    await change("IpFilter", "putIpFilter", () => {
      const { properties } = objectBody(request);
      const rules = (properties as { ipFilterRules?: unknown } | undefined)?.ipFilterRules;
      if (rules !== undefined) admin.putIpFilter(rulesOf(rules));
    });
    return hubView(request);
  };
  app.put(HUB, owner, update);
  app.patch(HUB, owner, update);
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
