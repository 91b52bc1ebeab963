import type { FastifyInstance } from "fastify";
import type { HubCore } from "../core.ts";
import { refuse } from "../errors.ts";
import { type Row, runQuery } from "../query/evaluate.ts";
import { parseQuery, type Query } from "../query/parser.ts";
import type { Authorized } from "./auth.ts";
import { headerText, objectBody, wholeNumber } from "./request.ts";
import { twinView } from "./views.ts";

const PAGE_ROWS = { min: 1, max: 1000, default: 100 };

/** `POST /devices/query` with paging by `x-ms-continuation`. */
export function registerQuery(app: FastifyInstance, core: HubCore, auth: Authorized): void {
  app.post("/devices/query", auth("ServiceConnect"), async (request, reply) => {
    const { query: text } = objectBody(request);
    if (typeof text !== "string") throw refuse.argument("query must be a text");
    const query = parseQuery(text);
    const size = wholeNumber(
      "x-ms-max-item-count",
      headerText(request, "x-ms-max-item-count"),
      PAGE_ROWS,
    );
    const from = readContinuation(headerText(request, "x-ms-continuation"));
    const rows = runQuery(query, rowsOf(core, query));
    const page = rows.slice(from, from + size);
    if (from + size < rows.length) {
      reply.header("x-ms-continuation", Buffer.from(String(from + size)).toString("base64"));
    }
    reply.header("x-ms-item-type", query.select === null ? itemType(query) : "raw");
    core.operations.record({
      category: "TwinQueries",
      operationName: "query",
      protocol: "Http",
      callerAddress: request.ip,
      properties: { rows: page.length },
    });
    return page;
  });
}

/** The rows a query runs over. */
export function* rowsOf(core: HubCore, { from }: Pick<Query, "from">): Iterable<Row> {
  if (from === "devices.jobs") {
    yield* core.jobs.deviceJobs();
    return;
  }
  const identities = from === "devices" ? core.registry.devices() : core.registry.modules();
  for (const identity of identities) yield twinView(core, identity, core.twins.get(identity));
}

function itemType({ from }: Query): string {
  return from === "devices.jobs" ? "deviceJob" : "twin";
}

function readContinuation(token: string | undefined): number {
  if (token === undefined || token === "") return 0;
  const from = Number(Buffer.from(token, "base64").toString("utf8"));
  if (!Number.isInteger(from) || from < 0) throw refuse.argument("x-ms-continuation is not ours");
  return from;
}
