/** Routes on threat-intelligence feeds. */
import type { FastifyInstance, FastifyReply } from "fastify";
import { FEED_PROPERTIES, type FeedControl, type FeedDescription } from "../feed-control.ts";

type Named = { Params: { name: string } };

const BODY = {
  type: "object",
  required: ["format"],
  additionalProperties: false,
  properties: FEED_PROPERTIES,
};

export function addFeedRoutes(
  server: FastifyInstance,
  feeds: FeedControl | null,
  now: () => number,
): void {
  const missing = (reply: FastifyReply) => reply.code(404).send({ error: "there is no such feed" });
  const all = () => feeds?.intel.status() ?? [];
  server.get(
    "/api/feeds",
    { schema: { summary: "Threat-intelligence feeds and how they are" } },
    () => ({ feeds: all() }),
  );
  server.get<Named>(
    "/api/feeds/:name",
    { schema: { summary: "One feed" } },
    (request, reply) => all().find(({ name }) => name === request.params.name) ?? missing(reply),
  );
  if (!feeds) return;
  server.put<Named & { Body: FeedDescription }>(
    "/api/feeds/:name",
    { schema: { summary: "Makes or replaces a feed, and reads it", body: BODY } },
    async (request, reply) => {
      const { isNew, status } = await feeds.put(request.params.name, request.body, now());
      return reply.code(isNew ? 201 : 200).send(status);
    },
  );
  server.delete<Named>(
    "/api/feeds/:name",
    { schema: { summary: "Removes a feed" } },
    async (request, reply) => {
      const isGone = await feeds.remove(request.params.name, now());
      return isGone ? reply.code(204).send() : missing(reply);
    },
  );
  server.post<Named>(
    "/api/feeds/:name/refresh",
    { schema: { summary: "Reads a feed now; a failure stands in its status" } },
    async (request, reply) => (await feeds.refresh(request.params.name, now())) ?? missing(reply),
  );
}
