import type { FastifyInstance, FastifyRequest } from "fastify";
import { FEEDBACK_CONTENT_TYPE } from "../c2d/feedback.ts";
import type { AckMode, C2dInput } from "../c2d/queue.ts";
import type { HubCore } from "../core.ts";
import { HubError, refuse } from "../errors.ts";
import type { Authorized } from "./auth.ts";
import { headerText, rawBody, refOf } from "./request.ts";

const ACKS: readonly AckMode[] = ["none", "positive", "negative", "full"];

/** Purge, feedback, and (an addition of this hub) sending to a device over HTTP. */
export function registerC2d(app: FastifyInstance, core: HubCore, auth: Authorized): void {
  const { queues, store, feedback } = core;
  const service = auth("ServiceConnect");

  app.delete("/devices/:id/commands", service, async (request) => {
    const { deviceId } = refOf(request);
    const totalMessagesPurged = queues.purge(deviceId);
    await store.committed();
    return { deviceId, moduleId: null, totalMessagesPurged };
  });
  // Also as third-party code spells it, with a capital B.
  for (const path of ["/devices/:id/messages/devicebound", "/devices/:id/messages/deviceBound"]) {
    app.post(path, service, async (request, reply) => {
      const { messageId } = queues.send(refOf(request).deviceId, inputOf(request));
      await store.committed();
      reply.header("iothub-messageid", messageId);
      return reply.code(204).send();
    });
  }
  app.get("/messages/serviceBound/feedback", service, async (_request, reply) => {
    const batch = feedback.receive();
    if (batch === null) return reply.code(204).send();
    reply.header("etag", `"${batch.id}"`).header("content-type", FEEDBACK_CONTENT_TYPE);
    return reply.send(JSON.stringify(batch.records));
  });
  const lockOf = (request: FastifyRequest) => (request.params as { lock: string }).lock;
  const settled = async (done: boolean) => {
    if (!done) throw new HubError(412, 412002, "DeviceMessageLockLost", "the lock was lost");
    await store.committed();
  };
  app.delete("/messages/serviceBound/feedback/:lock", service, async (request, reply) => {
    await settled(feedback.complete(lockOf(request)));
    return reply.code(204).send();
  });
  app.post("/messages/serviceBound/feedback/:lock/abandon", service, async (request, reply) => {
    await settled(feedback.abandon(lockOf(request)));
    return reply.code(204).send();
  });
}

function inputOf(request: FastifyRequest): C2dInput {
  const properties: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(request.headers)) {
    if (name.startsWith("iothub-app-")) {
      properties[name.slice("iothub-app-".length)] = String(value);
    }
  }
  const ack = (headerText(request, "iothub-ack") ?? "none") as AckMode;
  if (!ACKS.includes(ack)) throw refuse.argument(`iothub-ack must be of ${ACKS.join(", ")}`);
  const expiry = headerText(request, "iothub-expiry");
  const expiresMs = expiry === undefined ? undefined : Date.parse(expiry);
  if (Number.isNaN(expiresMs)) throw refuse.argument("iothub-expiry must be an ISO 8601 time");
  const optional = (key: keyof C2dInput, header: string) => {
    const value = headerText(request, header);
    return value === undefined ? {} : { [key]: value };
  };
  return {
    body: rawBody(request),
    ack,
    properties,
    ...(expiresMs === undefined ? {} : { expiresMs }),
    ...optional("messageId", "iothub-messageid"),
    ...optional("correlationId", "iothub-correlationid"),
    ...optional("userId", "iothub-userid"),
    ...optional("contentType", "iothub-contenttype"),
    ...optional("contentEncoding", "iothub-contentencoding"),
  };
}
