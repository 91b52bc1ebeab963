/** The documented rule types of `deviceSecurityGroups`, and what each of them measures. */

/** `count`: added up over the window. `gauge`: least and greatest in the window. */
interface WindowRuleKind {
  readonly name: string;
  readonly metric: Metric;
}

/** What window rules measure, each fed by security events or by the hub's operations. */
export const METRICS = {
  activeConnections: "gauge",
  c2dAmqp: "count",
  c2dMqtt: "count",
  c2dHttp: "count",
  c2dRejectedAmqp: "count",
  c2dRejectedMqtt: "count",
  c2dRejectedHttp: "count",
  d2cAmqp: "count",
  d2cMqtt: "count",
  d2cHttp: "count",
  directMethods: "count",
  failedLogins: "count",
  fileUploads: "count",
  queuePurges: "count",
  twinUpdates: "count",
  unauthorized: "count",
} as const satisfies Record<string, "count" | "gauge">;
export type Metric = keyof typeof METRICS;

const outOfRange = (what: string) => `Number of ${what} is not in the allowed range`;

export const WINDOW_RULES = {
  ActiveConnectionsNotInAllowedRange: {
    name: outOfRange("active connections"),
    metric: "activeConnections",
  },
  AmqpC2DMessagesNotInAllowedRange: {
    name: outOfRange("cloud-to-device messages in AMQP"),
    metric: "c2dAmqp",
  },
  MqttC2DMessagesNotInAllowedRange: {
    name: outOfRange("cloud-to-device messages in MQTT"),
    metric: "c2dMqtt",
  },
  HttpC2DMessagesNotInAllowedRange: {
    name: outOfRange("cloud-to-device messages in HTTP"),
    metric: "c2dHttp",
  },
  AmqpC2DRejectedMessagesNotInAllowedRange: {
    name: outOfRange("rejected cloud-to-device messages in AMQP"),
    metric: "c2dRejectedAmqp",
  },
  MqttC2DRejectedMessagesNotInAllowedRange: {
    name: outOfRange("rejected cloud-to-device messages in MQTT"),
    metric: "c2dRejectedMqtt",
  },
  HttpC2DRejectedMessagesNotInAllowedRange: {
    name: outOfRange("rejected cloud-to-device messages in HTTP"),
    metric: "c2dRejectedHttp",
  },
  AmqpD2CMessagesNotInAllowedRange: {
    name: outOfRange("device-to-cloud messages in AMQP"),
    metric: "d2cAmqp",
  },
  MqttD2CMessagesNotInAllowedRange: {
    name: outOfRange("device-to-cloud messages in MQTT"),
    metric: "d2cMqtt",
  },
  HttpD2CMessagesNotInAllowedRange: {
    name: outOfRange("device-to-cloud messages in HTTP"),
    metric: "d2cHttp",
  },
  DirectMethodInvokesNotInAllowedRange: {
    name: outOfRange("direct method invokes"),
    metric: "directMethods",
  },
  FailedLocalLoginsNotInAllowedRange: {
    name: outOfRange("failed local logins"),
    metric: "failedLogins",
  },
  FileUploadsNotInAllowedRange: { name: outOfRange("file uploads"), metric: "fileUploads" },
  QueuePurgesNotInAllowedRange: { name: outOfRange("command queue purges"), metric: "queuePurges" },
  TwinUpdatesNotInAllowedRange: {
    name: outOfRange("updates to twin modules"),
    metric: "twinUpdates",
  },
  UnauthorizedOperationsNotInAllowedRange: {
    name: outOfRange("unauthorized operations"),
    metric: "unauthorized",
  },
} as const satisfies Record<string, WindowRuleKind>;
export type WindowRuleType = keyof typeof WINDOW_RULES;

export const ALLOW_RULES = {
  ConnectionToIpNotAllowed: {
    name: "Outbound connection to an IP that isn't allowed",
    valueType: "IpCidr",
  },
  ConnectionFromIpNotAllowed: {
    name: "Inbound connection from an IP that isn't allowed",
    valueType: "IpCidr",
  },
  LocalUserNotAllowed: { name: "Login by a user that isn't allowed", valueType: "String" },
  ProcessNotAllowed: { name: "Execution of a process that isn't allowed", valueType: "String" },
} as const satisfies Record<string, { name: string; valueType: "IpCidr" | "String" }>;
export type AllowRuleType = keyof typeof ALLOW_RULES;

/** Type id of the alert of a rule: documented for the 14 hub rules, the same pattern for ours. */
export function customAlertType(ruleType: WindowRuleType | AllowRuleType): string {
  return `IoT_CA_${ruleType}`;
}
