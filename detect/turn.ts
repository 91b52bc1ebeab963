/** One step of the reducer, and the three things a rule may do in it: raise, resolve, ask. */
import {
  ALERT_EVENTS_MAX,
  type Alert,
  type AlertRange,
  isoTime,
  type Severity,
  stableId,
} from "./alerts.ts";
import { catalogueEntry } from "./catalogue.ts";
import type { CompiledGroup } from "./compiled-group.ts";
import type { Signal } from "./group-baseline.ts";
import type { DetectionSettings } from "./settings.ts";
import type { DeviceState, OpenAlert } from "./state.ts";

export interface Turn {
  state: DeviceState;
  group: CompiledGroup;
  readonly settings: DetectionSettings;
  /** Event time of this step, ms. */
  timeMs: number;
  /** Id of the event at hand; "" when time or the hub moved it. */
  eventId: string;
  alerts: Alert[];
  /** Alerts raised or changed in this step, to be handed out at its end. */
  readonly touched: OpenAlert[];
  /** What the device's group is told. */
  signals: Signal[];
}

export interface Finding {
  readonly type: string;
  /** Replaces the catalogue's name, for custom rules. */
  readonly name?: string;
  readonly severity?: Severity;
  readonly rule: string;
  readonly cause?: string;
  readonly value: number | string;
  readonly range: AlertRange;
  readonly explanation: string;
  /** Resolves after so long without a repeat, ms; 0: the rule resolves it. Default 1 h. */
  readonly quietMs?: number;
  /** When it happened, if not now, ms. */
  readonly atMs?: number;
  /** How often it happened; 1 when absent. */
  readonly times?: number;
  /** The device that it is about, when the state is that of a group. */
  readonly deviceId?: string;
}

/** Open alerts of one device; further causes of a rule share one alert, cause "(others)". */
export const OPEN_ALERTS_MAX = 32;
const OTHERS = "(others)";
const QUIET_MS = 3_600_000;

/** Raises an alert, or counts a repeat of an open one. */
export function raise(turn: Turn, finding: Finding): void {
  if (isSuppressed(turn, finding)) {
    turn.state.suppressed ??= {};
    const { suppressed } = turn.state;
    suppressed[finding.type] = (suppressed[finding.type] ?? 0) + 1;
    return;
  }
  const { open } = turn.state;
  const atMs = finding.atMs ?? turn.timeMs;
  let cause = finding.cause ?? "";
  let alert = findOpen(open, finding.rule, cause);
  if (!alert && open.length >= OPEN_ALERTS_MAX) {
    cause = OTHERS;
    alert = findOpen(open, finding.rule, cause);
  }
  if (!alert) {
    alert = newAlert(turn, finding, cause);
    open.push(alert);
  } else {
    alert.count += finding.times ?? 1;
    alert.value = finding.value;
    alert.range = finding.range;
    alert.explanation = finding.explanation;
    alert.lastMs = Math.max(alert.lastMs, atMs);
    alert.firstMs = Math.min(alert.firstMs, atMs);
  }
  if (turn.eventId !== "" && !alert.events.includes(turn.eventId)) {
    alert.events.push(turn.eventId);
    if (alert.events.length > ALERT_EVENTS_MAX) alert.events.shift();
  }
  noteSweep(turn.state, alert);
  if (!turn.touched.includes(alert)) turn.touched.push(alert);
}

/** Resolves the open alert of a rule and cause, if there is one. */
export function resolve(turn: Turn, rule: string, cause = ""): void {
  const { open } = turn.state;
  const index = open.findIndex((alert) => alert.rule === rule && alert.cause === cause);
  if (index < 0) return;
  const [alert] = open.splice(index, 1) as [OpenAlert];
  const at = turn.touched.indexOf(alert);
  if (at >= 0) announce(turn, turn.touched.splice(at, 1));
  alert.state = "resolved";
  turn.alerts.push(toAlert(turn.state, alert, turn.timeMs));
}

/** Hands out what was raised in this step, each alert once, however often it was counted. */
export function announceTouched(turn: Turn): void {
  if (turn.touched.length === 0) return;
  announce(turn, turn.touched);
  turn.touched.length = 0;
}

function announce(turn: Turn, alerts: readonly OpenAlert[]): void {
  for (const alert of alerts) {
    if (alert.state !== "dismissed") turn.alerts.push(toAlert(turn.state, alert, alert.lastMs));
    alert.isNew = false;
  }
}

/** Puts a later value into an open alert; the count stays. */
export function amend(
  turn: Turn,
  rule: string,
  cause: string,
  value: number | string,
  explanation: string,
): void {
  const alert = findOpen(turn.state.open, rule, cause);
  if (!alert || alert.value === value) return;
  alert.value = value;
  alert.explanation = explanation;
  if (!turn.touched.includes(alert)) turn.touched.push(alert);
}

export function isOpen(turn: Turn, rule: string, cause = ""): boolean {
  return findOpen(turn.state.open, rule, cause) !== undefined;
}

/** Resolves what no rule resolves and has been quiet for long enough. */
export function sweepQuiet(turn: Turn): void {
  const { state } = turn;
  if (state.sweepMs === 0 || turn.timeMs < state.sweepMs) return;
  state.sweepMs = 0;
  for (const alert of [...state.open]) {
    if (alert.quietMs > 0 && turn.timeMs >= alert.lastMs + alert.quietMs) {
      resolve(turn, alert.rule, alert.cause);
    } else {
      noteSweep(state, alert);
    }
  }
}

function noteSweep(state: DeviceState, alert: OpenAlert): void {
  if (alert.quietMs === 0) return;
  const at = alert.lastMs + alert.quietMs;
  if (state.sweepMs === 0 || at < state.sweepMs) state.sweepMs = at;
}

function findOpen(open: readonly OpenAlert[], rule: string, cause: string): OpenAlert | undefined {
  for (const alert of open) if (alert.rule === rule && alert.cause === cause) return alert;
  return undefined;
}

function newAlert(turn: Turn, finding: Finding, cause: string): OpenAlert {
  const { state } = turn;
  const timeMs = finding.atMs ?? turn.timeMs;
  return {
    id: stableId(state.deviceId, finding.type, finding.rule, cause, timeMs),
    type: finding.type,
    name: finding.name ?? "",
    severity: finding.severity ?? "",
    rule: finding.rule,
    cause,
    value: finding.value,
    range: finding.range,
    explanation: finding.explanation,
    events: [],
    firstMs: timeMs,
    lastMs: timeMs,
    count: finding.times ?? 1,
    state: "active",
    isNew: true,
    quietMs: finding.quietMs ?? QUIET_MS,
    ...(finding.deviceId !== undefined && { deviceId: finding.deviceId }),
  };
}

function isSuppressed(turn: Turn, finding: Finding): boolean {
  for (const rule of turn.settings.suppressions) {
    if (turn.timeMs >= rule.untilMs) continue;
    if (rule.type !== undefined && rule.type !== finding.type) continue;
    if (rule.rule !== undefined && rule.rule !== finding.rule) continue;
    const deviceId = finding.deviceId ?? turn.state.deviceId;
    if (rule.deviceId !== undefined && rule.deviceId !== deviceId) continue;
    if (rule.group !== undefined && rule.group !== turn.state.group) continue;
    if (rule.cause !== undefined && rule.cause !== (finding.cause ?? "")) continue;
    return true;
  }
  return false;
}

/** The alert as it is handed out. */
export function toAlert(state: DeviceState, open: OpenAlert, timeMs: number): Alert {
  const entry = catalogueEntry(open.type);
  return {
    id: open.id,
    type: open.type,
    displayName: open.name || entry.name,
    severity: open.severity || entry.severity,
    deviceId: open.deviceId ?? state.deviceId,
    group: state.group,
    rule: open.rule,
    cause: open.cause,
    value: open.value,
    range: open.range,
    time: isoTime(timeMs),
    events: [...open.events],
    description: entry.description,
    remediation: entry.remediation,
    explanation: open.explanation,
    firstTime: isoTime(open.firstMs),
    lastTime: isoTime(open.lastMs),
    count: open.count,
    state: open.state,
    isNew: open.isNew,
  };
}
