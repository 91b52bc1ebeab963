/** Routes on alerts, recommendations and devices. */
import type { FastifyInstance } from "fastify";
import type { DeviceState } from "../detection.ts";
import { GROUP_STATE_PREFIX } from "../group-baseline.ts";
import { optionsOf } from "../rule-files.ts";
import { toAlert } from "../turn.ts";
import { whyNot } from "../why-not.ts";
import type { ApiPorts } from "./server.ts";

const text = { type: "string", maxLength: 256 } as const;
const LIMIT_MAX = 1000;

interface AlertFilter {
  state?: string;
  deviceId?: string;
  type?: string;
  severity?: string;
  limit?: number;
}

export function addAlertRoutes(server: FastifyInstance, ports: ApiPorts): void {
  const { service, workspace } = ports;
  const devices = () =>
    [...service.processor.states.values()].filter(
      ({ deviceId }) => deviceId !== "" && !deviceId.startsWith(GROUP_STATE_PREFIX),
    );

  server.get("/api/devices", { schema: { summary: "Devices that have sent something" } }, () => ({
    devices: devices().map(deviceOf),
  }));
  server.get<{ Params: { id: string } }>(
    "/api/devices/:id",
    { schema: { summary: "One device with its open alerts" } },
    (request, reply) => {
      const state = service.processor.states.get(request.params.id);
      if (!state) return reply.code(404).send({ error: "there is no such device" });
      const open = state.open.map((alert) => toAlert(state, alert, alert.lastMs));
      return { ...deviceOf(state), alerts: open };
    },
  );
  server.get<{ Params: { id: string; rule: string } }>(
    "/api/devices/:id/why-not/:rule",
    { schema: { summary: "Last values of a rule on a device and how far they are from firing" } },
    (request, reply) => {
      const state = service.processor.states.get(request.params.id);
      if (!state) return reply.code(404).send({ error: "there is no such device" });
      const options = optionsOf(ports.control.document(), "rules");
      return { lines: whyNot(state, options, request.params.rule) };
    },
  );
  server.get<{ Querystring: AlertFilter }>(
    "/api/alerts",
    {
      schema: {
        summary: "Alerts, the latest first",
        querystring: {
          type: "object",
          properties: {
            state: { enum: ["active", "resolved", "dismissed"] },
            deviceId: text,
            type: text,
            severity: text,
            limit: { type: "integer", minimum: 1, maximum: LIMIT_MAX, default: 100 },
          },
        },
      },
    },
    async (request) => ({ alerts: await findAlerts(workspace, request.query) }),
  );
  server.post<{ Params: { id: string } }>(
    "/api/alerts/:id/dismiss",
    { schema: { summary: "Puts an open alert aside: its repeats are counted, not told" } },
    async (request, reply) => {
      if (await service.dismiss(request.params.id)) return { state: "dismissed" };
      return reply.code(404).send({ error: "no open alert has this id" });
    },
  );
  server.get("/api/recommendations", { schema: { summary: "Recommendations" } }, () => ({
    recommendations: service.recommendations(),
  }));
}

function deviceOf(state: DeviceState) {
  const time = (ms: number) => (ms === 0 ? null : new Date(ms).toISOString());
  return {
    deviceId: state.deviceId,
    group: state.group,
    firstSeen: time(state.sinceMs),
    lastSeen: time(state.arrivedMs),
    openAlerts: state.open.length,
    suppressed: state.suppressed ?? {},
  };
}

const STATUS: Readonly<Record<string, string>> = {
  active: "New",
  resolved: "Resolved",
  dismissed: "Dismissed",
};

async function findAlerts(
  workspace: ApiPorts["workspace"],
  filter: AlertFilter,
): Promise<unknown[]> {
  const wanted: [string, string | undefined][] = [
    ["Status", filter.state && STATUS[filter.state]],
    ["CompromisedEntity", filter.deviceId],
    ["AlertType", filter.type],
    ["AlertSeverity", filter.severity],
  ];
  const given = wanted.filter((pair): pair is [string, string] => pair[1] !== undefined);
  const where = given.map(([column], i) => `${column} = $${i + 1}`).join(" AND ");
  const { rows } = await workspace.query(
    `SELECT SystemAlertId, AlertType, DisplayName, AlertSeverity, CompromisedEntity, Status,
       strftime(StartTime, '%Y-%m-%dT%H:%M:%S.%gZ'), strftime(EndTime, '%Y-%m-%dT%H:%M:%S.%gZ'),
       Description, RemediationSteps, ExtendedProperties
     FROM SecurityAlert ${where && `WHERE ${where}`}
     ORDER BY EndTime DESC, SystemAlertId LIMIT ${filter.limit ?? 100}`,
    { values: given.map(([, value]) => value) },
  );
  const states = new Map(Object.entries(STATUS).map(([state, status]) => [status, state]));
  return rows.map(
    ([
      id,
      type,
      displayName,
      severity,
      deviceId,
      status,
      first,
      last,
      description,
      remediation,
      extended,
    ]) => {
      const { DeviceId: _, ...details } = JSON.parse(String(extended));
      const times = { firstTime: first, lastTime: last, state: states.get(String(status)) };
      return {
        id,
        type,
        displayName,
        severity,
        deviceId,
        ...times,
        description,
        remediation,
        ...details,
      };
    },
  );
}
