/** Events, alerts and dead letters as rows of the workspace. */
import { type SecurityEvent, type SecurityMessage, WireError } from "../wire/events.ts";
import { toJson1 } from "../wire/json1.ts";
import type { Alert } from "./alerts.ts";
import type { SourceMessage } from "./processor.ts";
import type { Recommendation } from "./recommendations.ts";
import type { RowOf } from "./workspace-schema.ts";

const PRODUCT = "Picket";

/** Times that security message 1.0 can write, ms: the years 1970 to 9999. */
const TIME_MS_MAX = 253_402_300_799_999;

/** One row per payload item; one for an event with nothing to report. */
export function eventRows(
  source: SourceMessage,
  message: SecurityMessage,
  events: readonly SecurityEvent[],
): RowOf<"SecurityIoTRawEvent">[] {
  const rows: RowOf<"SecurityIoTRawEvent">[] = [];
  for (const event of events) {
    const isTimed = event.timeMs !== null && event.timeMs > 0 && event.timeMs <= TIME_MS_MAX;
    const timeMs = isTimed ? (event.timeMs as number) : source.enqueuedTimeMs;
    const timeStamp = new Date(timeMs);
    for (const item of itemsOf(message, { ...event, timeMs })) {
      rows.push({
        AgentVersion: message.agentVersion,
        DeviceId: source.deviceId,
        EventDetails: JSON.stringify({ ...item, TimestampLocal: timeStamp.toISOString() }),
        IoTRawEventId: event.id,
        IsEmpty: event.isEmpty,
        RawEventCategory: event.category,
        RawEventName: event.name,
        RawEventType: event.eventType,
        TimeGenerated: new Date(source.enqueuedTimeMs),
        TimeStamp: timeStamp,
        Type: "SecurityIoTRawEvent",
        _IsBillable: "False",
      });
    }
  }
  return rows;
}

/** Items with their documented fields. What 1.0 cannot write is kept as it was read. */
function itemsOf(message: SecurityMessage, event: SecurityEvent): readonly object[] {
  if (event.isEmpty || event.payload.length === 0) return [{}];
  try {
    return toJson1({ ...message, events: [event] }).Events[0]?.Payload ?? [{}];
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return event.payload;
  }
}

const STATUS = { active: "New", resolved: "Resolved", dismissed: "Dismissed" } as const;

/** @param nowMs when the alert was processed */
export function alertRow(alert: Alert, nowMs: number): RowOf<"SecurityAlert"> {
  const { deviceId, rule, cause, value, range, events, count, group, explanation } = alert;
  const extended = { DeviceId: deviceId, rule, cause, value, range, events, count, group };
  return {
    AlertName: alert.displayName,
    AlertSeverity: alert.severity,
    AlertType: alert.type,
    CompromisedEntity: deviceId,
    Description: alert.description,
    DisplayName: alert.displayName,
    EndTime: new Date(alert.lastTime),
    Entities: JSON.stringify([{ Type: "iotdevice", DeviceId: deviceId }]),
    ExtendedProperties: JSON.stringify({ ...extended, explanation }),
    IsIncident: false,
    ProcessingEndTime: new Date(nowMs),
    ProductComponentName: "detect",
    ProductName: PRODUCT,
    ProviderName: PRODUCT,
    RemediationSteps: alert.remediation,
    StartTime: new Date(alert.firstTime),
    Status: STATUS[alert.state],
    SystemAlertId: alert.id,
    TimeGenerated: new Date(nowMs),
    Type: "SecurityAlert",
    VendorName: PRODUCT,
    VendorOriginalId: alert.id,
  };
}

export function recommendationRow(
  item: Recommendation,
  hubName: string,
): RowOf<"SecurityRecommendation"> {
  const changed = new Date(item.changedTime);
  return {
    AssessedResourceId: hubName,
    Description: item.description,
    DeviceId: item.deviceId,
    DiscoveredTimeUTC: new Date(item.firstTime),
    Environment: PRODUCT,
    FirstEvaluationDate: new Date(item.firstTime),
    IsSnapshot: false,
    Properties: JSON.stringify({ remediation: item.remediation }),
    ProviderName: PRODUCT,
    RecommendationAdditionalData: JSON.stringify(item.details),
    RecommendationDisplayName: item.displayName,
    RecommendationId: item.id,
    RecommendationName: item.type,
    RecommendationSeverity: item.severity,
    RecommendationState: item.state,
    ResolvedTimeUTC: item.state === "Healthy" ? changed : null,
    StatusChangeDate: changed,
    TimeGenerated: changed,
    Type: "SecurityRecommendation",
  };
}

export function deadLetterRow(source: SourceMessage, reason: string): RowOf<"PicketDeadLetter"> {
  return {
    TimeGenerated: new Date(source.enqueuedTimeMs),
    DeviceId: source.deviceId,
    ModuleId: source.moduleId,
    Reason: reason,
    Body: Buffer.from(source.body).toString("base64"),
  };
}
