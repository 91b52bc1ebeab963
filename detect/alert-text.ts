/** Alerts as text for people. */
import { printable } from "../wire/printable.ts";
import type { Alert, AlertRange } from "./alerts.ts";

/** Three lines for each alert; one line when there are none. */
export function alertsText(alerts: readonly Alert[]): string {
  if (alerts.length === 0) return "no alerts\n";
  return `${alerts.map(alertText).join("\n\n")}\n`;
}

export function alertText(alert: Alert): string {
  const from = alert.firstTime.slice(0, 19).replace("T", " ");
  const to = alert.lastTime.slice(11, 19);
  const times = alert.count === 1 ? "once" : `${alert.count} times`;
  return [
    `${alert.severity.padEnd(6)} ${printable(alert.displayName)} (${printable(alert.type)})`,
    `       ${printable(alert.deviceId)}, ${from} to ${to}, ${times}, ${alert.state}`,
    `       ${printable(alert.explanation)} [${rangeText(alert.range)}]`,
  ].join("\n");
}

export function rangeText(range: AlertRange): string {
  if ("expected" in range) return printable(`expected: ${range.expected}`);
  if ("allowed" in range) return printable(`allowed: ${range.allowed.join(", ") || "none"}`);
  return `allowed: ${range.min} to ${range.max}`;
}
