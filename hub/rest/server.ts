import { createServer, type Server } from "node:https";
import Fastify, { type FastifyInstance } from "fastify";
import type { ServerCertificate } from "../certificates.ts";
import type { HubCore } from "../core.ts";
import { HubError } from "../errors.ts";
import { explain, plainAddress, tlsOptions, trackConnections } from "../listener.ts";
import { registerAdmin } from "./admin.ts";
import { createAuthorized } from "./auth.ts";
import { registerBulk } from "./bulk.ts";
import { registerC2d } from "./c2d.ts";
import { registerDeviceSide } from "./device-side.ts";
import { registerDevices } from "./devices.ts";
import { asHubError, sendError } from "./errors.ts";
import { registerJobs } from "./jobs.ts";
import { registerQuery } from "./query.ts";
import { registerStatistics } from "./statistics.ts";
import { registerStreams } from "./streams.ts";
import { registerTwins } from "./twins.ts";

/** HTTPS: REST, streams, and the upgrade to WebSocket. */
export interface RestServer {
  readonly port: number;
  readonly server: Server;
  close(): Promise<void>;
}

export interface RestOptions {
  readonly host: string;
  readonly port: number;
  readonly certificate: ServerCertificate;
}

const BODY_BYTES_MAX = 1024 * 1024;
const PARAM_CHARS_MAX = 512;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;

/** @throws Error of one line when the port is in use */
export async function openRest(core: HubCore, options: RestOptions): Promise<RestServer> {
  const { host, port, certificate } = options;
  const connections = trackConnections(core.limits.halfOpenMax);
  let server: Server | null = null;
  const app = Fastify({
    bodyLimit: BODY_BYTES_MAX,
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: PARAM_CHARS_MAX },
    serverFactory: (handler) => {
      server = createServer(tlsOptions(certificate, core.limits), handler);
      server.headersTimeout = HEADERS_TIMEOUT_MS;
      server.requestTimeout = REQUEST_TIMEOUT_MS;
      server.maxConnections = core.limits.connectionsMax;
      server.on("connection", connections.add);
      server.on("request", ({ socket }) => connections.admitted(socket));
      server.on("upgrade", ({ socket }) => connections.admitted(socket));
      server.on("tlsClientError", (_error, stream) => stream.destroy());
      return server;
    },
  });
  prepare(app, core);
  try {
    await app.listen({ host, port });
  } catch (cause) {
    await app.close();
    throw new Error(explain(cause as NodeJS.ErrnoException, "HTTPS", host, port), { cause });
  }
  const address = app.server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    server: server as unknown as Server,
    close: async () => {
      connections.destroyAll();
      await app.close();
    },
  };
}

function prepare(app: FastifyInstance, core: HubCore): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, request, reply) => {
    const refusal = asHubError(error);
    if (refusal.status >= 500 && !(error instanceof HubError)) {
      const text = error instanceof Error ? error.message : String(error);
      core.log(`REST ${request.method} ${request.url.split("?")[0]}: ${text}`);
    }
    return sendError(reply, refusal, core.clock.now());
  });
  app.setNotFoundHandler((_request, reply) => {
    const error = new HubError(404, 404000, "GenericNotFound", "no such address");
    return sendError(reply, error, core.clock.now());
  });
  app.addHook("onRequest", async (request) => {
    // As in Azure the management API stays reachable: a wrong filter must not lock everyone out.
    if (request.url.startsWith("/subscriptions/")) return;
    if (core.admin.allows(plainAddress(request.ip))) return;
    throw new HubError(403, 403008, "IpFilterRejected", "refused by an IP filter rule");
  });
  const auth = createAuthorized(core);
  registerDevices(app, core, auth);
  registerBulk(app, core, auth);
  registerStatistics(app, core, auth);
  registerTwins(app, core, auth);
  registerQuery(app, core, auth);
  registerJobs(app, core, auth);
  registerC2d(app, core, auth);
  registerDeviceSide(app, core);
  registerStreams(app, core, auth);
  registerAdmin(app, core, auth);
}
