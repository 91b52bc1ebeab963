/** The HTTP API of detection. Keys are required unless it listens on loopback only. */
import { createHash, timingSafeEqual } from "node:crypto";
import swagger from "@fastify/swagger";
import Fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import { RuleError } from "../conditions.ts";
import type { Control } from "../control.ts";
import { type FeedControl, FeedControlError } from "../feed-control.ts";
import { GroupError } from "../groups.ts";
import type { DetectionService } from "../service.ts";
import { type Workspace, WorkspaceError } from "../workspace.ts";
import { addAlertRoutes } from "./alerts.ts";
import { addFeedRoutes } from "./feeds.ts";
import { addGroupRoutes } from "./groups.ts";
import { addSystemRoutes } from "./system.ts";

export interface ApiPorts {
  readonly service: DetectionService;
  readonly control: Control;
  readonly workspace: Workspace;
  readonly feeds: FeedControl | null;
  readonly now: () => number;
}

export interface ApiOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0: a free one. */
  readonly port?: number;
  /** Any of them opens everything; sent as `Authorization: Bearer` or `X-Api-Key`. */
  readonly keys?: readonly string[];
}

const BODY_BYTES_MAX = 4 * 1024 * 1024;
const KEY_CHARS_MIN = 16;
const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);

/** An API that would be open to a network: one line. */
export class ApiError extends Error {
  override readonly name = "ApiError";
}

/** Starts listening. @throws ApiError when keys are missing or too short */
export async function startApi(
  ports: ApiPorts,
  options: ApiOptions = {},
): Promise<{ server: FastifyInstance; url: string; close(): Promise<void> }> {
  const { host = "127.0.0.1", port = 0, keys = [] } = options;
  if (keys.length === 0 && !LOOPBACK.has(host)) {
    throw new ApiError(`API on ${host}: give a key, or listen on 127.0.0.1`);
  }
  if (keys.some((key) => key.length < KEY_CHARS_MIN)) {
    throw new ApiError(`API: a key must have ${KEY_CHARS_MIN} characters or more`);
  }
  const server = Fastify({
    bodyLimit: BODY_BYTES_MAX,
    logger: false,
    // A misspelt setting is refused, not dropped.
    ajv: { customOptions: { removeAdditional: false, strict: false } },
  });
  await server.register(swagger, {
    openapi: {
      info: { title: "Picket detection", version: "1" },
      components: {
        securitySchemes: { key: { type: "apiKey", in: "header", name: "X-Api-Key" } },
      },
      ...(keys.length > 0 && { security: [{ key: [] }] }),
    },
  });
  guard(server, keys);
  addErrors(server);
  addSystemRoutes(server, ports);
  addAlertRoutes(server, ports);
  addGroupRoutes(server, ports.control);
  addFeedRoutes(server, ports.feeds, ports.now);
  server.get("/openapi.json", { schema: { hide: true } }, () => server.swagger());
  const url = await server.listen({ host, port });
  return { server, url, close: () => server.close() };
}

function guard(server: FastifyInstance, keys: readonly string[]): void {
  const digests = keys.map(digest);
  server.addHook("onRequest", async (request, reply) => {
    if (digests.length > 0) {
      const given = digest(keyOf(request));
      if (digests.some((known) => timingSafeEqual(known, given))) return;
      return reply.code(401).send({ error: "give a key as X-Api-Key or Authorization: Bearer" });
    }
    // A web page that names itself by an address of ours must not read what it gets.
    const name = (request.headers.host ?? "").replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
    if (!LOOPBACK.has(name))
      return reply.code(403).send({ error: `host "${name}" is not this one` });
  });
}

const digest = (text: string) => createHash("sha256").update(text).digest();

function keyOf(request: FastifyRequest): string {
  const { authorization = "" } = request.headers;
  const key = request.headers["x-api-key"];
  return typeof key === "string" ? key : authorization.replace(/^Bearer /i, "");
}

/** What is wrong with a request. */
const GIVEN_ERRORS = [RuleError, GroupError, WorkspaceError, FeedControlError];

function addErrors(server: FastifyInstance): void {
  server.setErrorHandler((error: Error & { statusCode?: number }, _, reply) => {
    const isGiven = GIVEN_ERRORS.some((kind) => error instanceof kind);
    const code = isGiven ? 400 : (error.statusCode ?? 500);
    // What went wrong inside is for the log, not for the caller.
    const text = code >= 500 ? "internal error" : error.message.split("\n")[0];
    return reply.code(code).send({ error: text });
  });
  server.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .send({ error: `${request.method} ${request.url.slice(0, 200)}: there is no such thing` }),
  );
}
