/** What each kind of event feeds: window rules, lists, behaviours. */
import type { CloudToDeviceMessages, SecurityEvent } from "../wire/events.ts";
import { baselineOf, countConnections } from "./baseline.ts";
import { addTrack, findTrack, judge } from "./behaviours.ts";
import { takeFlows } from "./flow-behaviours.ts";
import { checkConnection, checkFlow } from "./flow-rules.ts";
import { checkLogin } from "./login-rules.ts";
import { customAlertType, type Metric } from "./rule-types.ts";
import { takeHeartbeat } from "./silence.ts";
import { raise, type Turn } from "./turn.ts";
import { report } from "./windows.ts";

/** Runs every rule that looks at this event. */
export function takeEvent(turn: Turn, event: SecurityEvent): void {
  const { intervalMs } = event;
  switch (event.name) {
    case "NetworkActivity":
      for (const flow of event.payload) checkFlow(turn, flow);
      takeFlows(turn, event.payload, intervalMs);
      return;
    case "ConnectionCreate":
      for (const connection of event.payload) checkConnection(turn, connection);
      return;
    case "ActiveConnections":
      for (const item of event.payload) {
        measure(turn, "activeConnections", item.max, item.min, intervalMs);
        countConnections(baselineOf(turn), item.max);
      }
      return;
    case "CloudToDeviceMessages":
      if (event.isEmpty) measure(turn, "c2dMqtt", 0, 0, intervalMs);
      for (const item of event.payload) {
        measure(turn, C2D_METRICS[item.transport], item.count, item.count, intervalMs);
        checkBurst(turn, item, intervalMs);
      }
      return;
    case "Login":
      for (const login of event.payload) checkLogin(turn, login);
      return;
    case "ProcessCreate":
      for (const process of event.payload) {
        checkName(turn, "ProcessNotAllowed", process.executable);
      }
      return;
    case "Heartbeat":
      takeHeartbeat(turn, intervalMs);
      return;
    case "ConfigurationError":
      for (const error of event.payload) {
        if (error.errorType === "TypeMismatch")
          parseFailure(turn, error.configurationName, error.message);
      }
      return;
    default:
      return;
  }
}

const C2D_METRICS = { MQTT: "c2dMqtt", AMQP: "c2dAmqp", HTTP: "c2dHttp" } as const;

/** Where a group rule sets the range, that rule alone decides. */
function checkBurst(turn: Turn, item: CloudToDeviceMessages, intervalMs: number): void {
  if (item.count === 0 || turn.group.byMetric[C2D_METRICS[item.transport]]) return;
  const { transport } = item;
  const hash = transport.charCodeAt(0);
  const track =
    findTrack(turn, "cloudToDeviceBurst", hash, intervalMs) ??
    addTrack(turn, "cloudToDeviceBurst", hash, transport);
  track.n += item.count;
  judge(turn, "cloudToDeviceBurst", track, intervalMs);
}

/** Feeds the window rules of a metric from an agent's report. */
export function measure(
  turn: Turn,
  metric: Metric,
  value: number,
  least: number,
  intervalMs: number,
): void {
  const specs = turn.group.byMetric[metric];
  if (!specs) return;
  for (const spec of specs) {
    report(turn, spec, { source: "agent", value, least, timeMs: turn.timeMs, intervalMs });
  }
}

/** Holds a user or process name against its allow list. */
export function checkName(
  turn: Turn,
  rule: "LocalUserNotAllowed" | "ProcessNotAllowed",
  name: string,
): void {
  const allow = rule === "LocalUserNotAllowed" ? turn.group.users : turn.group.processes;
  if (!allow || allow.names.has(name)) return;
  const shown = name.slice(0, 256);
  raise(turn, {
    type: customAlertType(rule),
    rule,
    cause: shown,
    value: shown,
    range: { allowed: allow.values.slice(0, 16) },
    explanation: `"${shown}" is not among the ${allow.values.length} allowed names`,
  });
}

function parseFailure(turn: Turn, setting: string, message: string): void {
  const cause = setting.slice(0, 128);
  raise(turn, {
    type: "Picket_TwinParseFailure",
    rule: "TwinParseFailure",
    cause,
    value: cause,
    range: { expected: "a module twin that the agent accepts" },
    explanation: `${cause}: ${message.slice(0, 256)}`,
  });
}
