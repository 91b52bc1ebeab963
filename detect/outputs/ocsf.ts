/** Alerts as OCSF 1.3 Detection Findings (class 2004), one JSON document a line. */
import { open } from "node:fs/promises";
import type { Alert, Severity } from "../alerts.ts";
import { isPrefix } from "../prefix-table.ts";
import type { Output } from "./outbox.ts";

export interface OcsfConfig {
  readonly type: "ocsf";
  readonly name: string;
  /** File that lines are added to. */
  readonly path: string;
}

const SEVERITY_IDS: Readonly<Record<Severity, number>> = {
  Informational: 1,
  Low: 2,
  Medium: 3,
  High: 4,
};
const CLASS_UID = 2004;

export function ocsfFinding(alert: Alert): Record<string, unknown> {
  const isClosed = alert.state === "resolved";
  const activity = isClosed ? 3 : alert.isNew ? 1 : 2;
  const status = isClosed ? 4 : alert.state === "dismissed" ? 3 : 1;
  return {
    category_uid: 2,
    category_name: "Findings",
    class_uid: CLASS_UID,
    class_name: "Detection Finding",
    activity_id: activity,
    activity_name: ["", "Create", "Update", "Close"][activity],
    type_uid: CLASS_UID * 100 + activity,
    severity_id: SEVERITY_IDS[alert.severity],
    severity: alert.severity,
    status_id: status,
    status: { 1: "New", 3: "Suppressed", 4: "Resolved" }[status],
    time: Date.parse(alert.lastTime),
    start_time: Date.parse(alert.firstTime),
    end_time: Date.parse(alert.lastTime),
    count: alert.count,
    message: alert.explanation,
    metadata: { version: "1.3.0", product: { name: "Picket", vendor_name: "Picket" } },
    finding_info: {
      uid: alert.id,
      title: alert.displayName,
      desc: alert.description,
      types: [alert.type],
      first_seen_time: Date.parse(alert.firstTime),
      last_seen_time: Date.parse(alert.lastTime),
      analytic: { name: alert.rule, type_id: 1, type: "Rule" },
      related_events: alert.events.map((uid) => ({ uid })),
    },
    remediation: { desc: alert.remediation },
    resources: [{ uid: alert.deviceId, type: "IoT device", group: { name: alert.group } }],
    observables: isPrefix(alert.cause)
      ? [{ name: "cause", type_id: 2, type: "IP Address", value: alert.cause }]
      : [],
    unmapped: { value: alert.value, range: alert.range, cause: alert.cause },
  };
}

export function createOcsf(config: OcsfConfig): Output {
  return {
    name: config.name,
    async send(alerts) {
      const file = await open(config.path, "a");
      try {
        await file.appendFile(
          alerts.map((alert) => `${JSON.stringify(ocsfFinding(alert))}\n`).join(""),
        );
        await file.sync();
      } finally {
        await file.close();
      }
    },
    close: async () => undefined,
  };
}
