/** Routes on health, metrics, feeds, the catalogue and queries. */
import type { FastifyInstance } from "fastify";
import { CATALOGUE } from "../catalogue.ts";
import { GROUP_STATE_PREFIX } from "../group-baseline.ts";
import type { ApiPorts } from "./server.ts";

const SQL_CHARS_MAX = 20_000;

export function addSystemRoutes(server: FastifyInstance, ports: ApiPorts): void {
  const { service, workspace } = ports;
  server.get(
    "/health",
    { schema: { summary: "Whether it works: the workspace answers" } },
    async (_, reply) => {
      try {
        await workspace.query("SELECT 1");
        return { status: "ok" };
      } catch {
        return reply.code(503).send({ status: "the workspace does not answer" });
      }
    },
  );
  server.get("/metrics", { schema: { summary: "Prometheus metrics" } }, (_, reply) =>
    reply.type("text/plain; version=0.0.4").send(metricsText(ports)),
  );
  server.get(
    "/api/catalogue",
    { schema: { summary: "Every documented alert and recommendation" } },
    () => ({
      entries: CATALOGUE,
    }),
  );
  server.get(
    "/api/dead-letters",
    { schema: { summary: "The latest messages that did not decode" } },
    () => ({
      deadLetters: service.deadLetters(),
    }),
  );
  server.post<{ Body: { sql: string; rowsMax?: number } }>(
    "/api/query",
    {
      schema: {
        summary: "Runs one SELECT over the workspace",
        body: {
          type: "object",
          required: ["sql"],
          additionalProperties: false,
          properties: {
            sql: { type: "string", maxLength: SQL_CHARS_MAX },
            rowsMax: { type: "integer", minimum: 1, maximum: 10_000 },
          },
        },
      },
    },
    (request) => workspace.select(request.body.sql, { rowsMax: request.body.rowsMax ?? 1000 }),
  );
}

/** Prometheus text format 0.0.4. */
function metricsText({ service, feeds }: ApiPorts): string {
  const counts = service.counts();
  const open: Record<string, number> = {};
  let devices = 0;
  for (const state of service.processor.states.values()) {
    if (!state.deviceId.startsWith(GROUP_STATE_PREFIX)) devices += 1;
    for (const { type } of state.open) open[type] = (open[type] ?? 0) + 1;
  }
  const lines: string[] = [];
  const metric = (
    name: string,
    kind: "counter" | "gauge",
    help: string,
    rows: [string, number][],
  ) => {
    lines.push(`# HELP picket_${name} ${help}`, `# TYPE picket_${name} ${kind}`);
    for (const [labels, value] of rows) lines.push(`picket_${name}${labels} ${value}`);
  };
  metric("messages_total", "counter", "Security messages taken.", [["", counts.messages]]);
  metric("events_total", "counter", "New events in them.", [["", counts.events]]);
  metric("repeats_total", "counter", "Events that had come before.", [["", counts.repeats]]);
  metric("dead_letters_total", "counter", "Messages that did not decode.", [
    ["", counts.deadLetters],
  ]);
  metric("other_messages_total", "counter", "Messages that are no security messages.", [
    ["", counts.otherMessages],
  ]);
  metric("operations_total", "counter", "Operations of the hub taken.", [["", counts.operations]]);
  metric("alerts_raised_total", "counter", "Alerts raised.", [["", counts.alertsRaised]]);
  metric("devices", "gauge", "Devices known.", [["", devices]]);
  metric("intel_indicators", "gauge", "Indicators in force.", [["", feeds?.intel.size ?? 0]]);
  const rows = Object.entries(open).map(([type, n]): [string, number] => [
    `{type="${type.replace(/[\\"\n]/g, "")}"}`,
    n,
  ]);
  metric("alerts_open", "gauge", "Alerts open now.", rows);
  return `${lines.join("\n")}\n`;
}
