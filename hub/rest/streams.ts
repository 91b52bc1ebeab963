import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { HubCore } from "../core.ts";
import type { TelemetryMessage } from "../telemetry.ts";
import type { Authorized } from "./auth.ts";
import { headerText, wholeNumber } from "./request.ts";

const PAGE = { min: 1, max: 1000, default: 100 };
const OFFSET = { min: 0, max: Number.MAX_SAFE_INTEGER, default: 0 };
const BATCH = 100;
const KEEP_ALIVE_MS = 15_000;

/**
 * Telemetry and operations over HTTP (an addition of this hub):
 *
 *     GET /telemetry?offset=N&max=M      {messages, next}
 *     GET /telemetry/stream?offset=N     server-sent events, id = where to resume after
 *     GET /operations?since=N&max=M      {entries, next}
 *     GET /operations/stream?since=N     server-sent events
 *     GET /quota?day=YYYY-MM-DD          {records}
 */
export function registerStreams(app: FastifyInstance, core: HubCore, auth: Authorized): void {
  const service = auth("ServiceConnect");
  const { telemetryLog, telemetry, operations } = core;

  app.get("/telemetry", service, async (request) => {
    const query = request.query as Record<string, string | undefined>;
    const offset = wholeNumber("offset", query.offset, OFFSET);
    const most = wholeNumber("max", query.max, PAGE);
    const { messages, next } = telemetryLog.read(offset, null, most);
    return { messages: messages.map(messageView), next, begin: telemetryLog.begin };
  });
  app.get("/telemetry/stream", service, async (request, reply) => {
    const next = resumeAt(request, "offset", telemetryLog.end);
    stream(reply, core.limits.sendBufferBytesMax, next, telemetry.onMessage, (from) => {
      const read = telemetryLog.read(from, null, BATCH);
      return {
        next: read.next,
        events: read.messages.map((message, index) => ({
          // The id is where to go on: the next message, so nothing is seen twice.
          id: read.messages[index + 1]?.offset ?? read.next,
          name: "telemetry",
          data: messageView(message),
        })),
      };
    });
  });
  app.get("/operations", service, async (request) => {
    const query = request.query as Record<string, string | undefined>;
    const since = wholeNumber("since", query.since, OFFSET);
    const entries = operations.since(since, wholeNumber("max", query.max, PAGE));
    return { entries, next: entries.at(-1)?.sequenceNumber ?? since };
  });
  app.get("/operations/stream", service, async (request, reply) => {
    const from = resumeAt(request, "since", operations.last);
    stream(reply, core.limits.sendBufferBytesMax, from, operations.onEntry, (since) => {
      const entries = operations.since(since, BATCH);
      return {
        next: entries.at(-1)?.sequenceNumber ?? since,
        events: entries.map((entry) => ({
          id: entry.sequenceNumber,
          name: "operation",
          data: entry,
        })),
      };
    });
  });
  app.get("/quota", service, async (request) => {
    const { day } = request.query as { day?: string };
    return { unitBytes: 4096, records: core.quota.records(day ?? null) };
  });
}

/** A message as JSON; the body is base64, and also text when it is JSON by its content type. */
export function messageView(message: TelemetryMessage): object {
  const { body, ...rest } = message;
  return { ...rest, body: Buffer.from(body).toString("base64") };
}

function resumeAt(request: FastifyRequest, name: string, end: number): number {
  const query = request.query as Record<string, string | undefined>;
  const text = headerText(request, "last-event-id") ?? query[name];
  return wholeNumber(name, text, { min: 0, max: Number.MAX_SAFE_INTEGER, default: end });
}

interface StreamPage {
  readonly next: number;
  readonly events: readonly { readonly id: number; readonly name: string; readonly data: object }[];
}

/** Reads on from `from` whenever something new comes; a reader that stalls is read for no more. */
function stream(
  reply: FastifyReply,
  bufferBytesMax: number,
  from: number,
  subscribe: (listener: () => void) => () => void,
  page: (from: number) => StreamPage,
): void {
  reply.hijack();
  const out = reply.raw;
  out.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    connection: "keep-alive",
  });
  out.write(":\n\n");
  let next = from;
  let isScheduled = false;
  const pump = () => {
    isScheduled = false;
    try {
      send();
    } catch {
      out.destroy(); // The reader resumes where it was.
    }
  };
  const send = () => {
    while (out.writableLength < bufferBytesMax && !out.destroyed) {
      const read = page(next);
      if (read.next === next && read.events.length === 0) return;
      next = read.next;
      for (const { id, name, data } of read.events) {
        out.write(`id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
      }
    }
  };
  const wake = () => {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(pump);
  };
  const unsubscribe = subscribe(wake);
  const keepAlive = setInterval(() => out.write(":\n\n"), KEEP_ALIVE_MS);
  out.on("error", () => {}); // Its close is what counts.
  out.on("drain", wake);
  out.on("close", () => {
    clearInterval(keepAlive);
    unsubscribe();
  });
  wake();
}
