/**
 * Tables of the workspace: the documented names and columns (Azure Monitor table reference), so
 * that queries written for Log Analytics keep their columns. `Picket*` tables are our own.
 */

/** DuckDB type of a column. */
type ColumnType = "VARCHAR" | "TIMESTAMP" | "BOOLEAN" | "DOUBLE";

const TEXT = "VARCHAR";
const TIME = "TIMESTAMP";

export const TABLES = {
  SecurityIoTRawEvent: {
    AgentVersion: TEXT,
    AssociatedResourceId: TEXT,
    AzureSubscriptionId: TEXT,
    DeviceId: TEXT,
    EventDetails: TEXT,
    IoTRawEventId: TEXT,
    IsEmpty: "BOOLEAN",
    RawEventCategory: TEXT,
    RawEventName: TEXT,
    RawEventType: TEXT,
    TimeGenerated: TIME,
    TimeStamp: TIME,
    Type: TEXT,
    _BilledSize: "DOUBLE",
    _IsBillable: TEXT,
  },
  SecurityAlert: {
    AlertLink: TEXT,
    AlertName: TEXT,
    AlertSeverity: TEXT,
    AlertType: TEXT,
    CompromisedEntity: TEXT,
    ConfidenceLevel: TEXT,
    ConfidenceScore: "DOUBLE",
    Description: TEXT,
    DisplayName: TEXT,
    EndTime: TIME,
    Entities: TEXT,
    ExtendedLinks: TEXT,
    ExtendedProperties: TEXT,
    IsIncident: "BOOLEAN",
    ProcessingEndTime: TIME,
    ProductComponentName: TEXT,
    ProductName: TEXT,
    ProviderName: TEXT,
    RemediationSteps: TEXT,
    ResourceId: TEXT,
    SourceComputerId: TEXT,
    StartTime: TIME,
    Status: TEXT,
    SubTechniques: TEXT,
    SystemAlertId: TEXT,
    Tactics: TEXT,
    Techniques: TEXT,
    TimeGenerated: TIME,
    Type: TEXT,
    VendorName: TEXT,
    VendorOriginalId: TEXT,
    WorkspaceResourceGroup: TEXT,
    WorkspaceSubscriptionId: TEXT,
  },
  SecurityRecommendation: {
    AssessedResourceId: TEXT,
    Description: TEXT,
    DeviceId: TEXT,
    DiscoveredTimeUTC: TIME,
    Environment: TEXT,
    FirstEvaluationDate: TIME,
    IsSnapshot: "BOOLEAN",
    PolicyDefinitionId: TEXT,
    Properties: TEXT,
    ProviderName: TEXT,
    RecommendationAdditionalData: TEXT,
    RecommendationDisplayName: TEXT,
    RecommendationId: TEXT,
    RecommendationName: TEXT,
    RecommendationSeverity: TEXT,
    RecommendationState: TEXT,
    ResolvedTimeUTC: TIME,
    ResourceRegion: TEXT,
    StatusChangeDate: TIME,
    TimeGenerated: TIME,
    Type: TEXT,
  },
  PicketDeadLetter: {
    TimeGenerated: TIME,
    DeviceId: TEXT,
    ModuleId: TEXT,
    Reason: TEXT,
    /** Base64 of the message, whole. */
    Body: TEXT,
  },
  /** State of each device's reducer, JSON; what detection resumes from. */
  PicketDeviceState: {
    DeviceId: TEXT,
    SavedAt: TIME,
    State: TEXT,
  },
  /** What users have set, JSON by name: rules, groups, suppressions. */
  PicketSetting: {
    Name: TEXT,
    Value: TEXT,
  },
  /** Alerts not yet taken by every output. */
  PicketOutbox: {
    Sequence: "DOUBLE",
    Output: TEXT,
    Alert: TEXT,
  },
} as const satisfies Record<string, Record<string, ColumnType>>;

export type TableName = keyof typeof TABLES;
export type Cell = string | number | boolean | null | Date;
export type RowOf<T extends TableName> = { readonly [C in keyof (typeof TABLES)[T]]?: Cell };

/** Column by which a later row replaces an earlier one. */
export const KEYS: Partial<Record<TableName, string>> = {
  SecurityAlert: "SystemAlertId",
  SecurityRecommendation: "RecommendationId",
  PicketDeviceState: "DeviceId",
  PicketSetting: "Name",
};

/** SQL that makes the tables that are missing. */
export function createTablesSql(): string {
  return (Object.keys(TABLES) as TableName[])
    .map((table) => {
      const columns = Object.entries(TABLES[table]).map(([name, type]) => `"${name}" ${type}`);
      return `CREATE TABLE IF NOT EXISTS ${table} (${columns.join(", ")});`;
    })
    .join("\n");
}
