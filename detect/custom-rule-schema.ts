/** Custom rules as data: their type and JSON Schema (draft-07). */
import type { EventName } from "../wire/events.ts";
import type { Severity } from "./alerts.ts";

/** A test on one field: a value it must equal, or operators that must all hold. */
export type Condition =
  | string
  | number
  | boolean
  | {
      readonly eq?: string | number | boolean;
      readonly ne?: string | number | boolean;
      readonly in?: readonly (string | number)[];
      readonly notIn?: readonly (string | number)[];
      readonly gt?: number;
      readonly gte?: number;
      readonly lt?: number;
      readonly lte?: number;
      /** `*` stands for any text; letters match in either case. */
      readonly like?: string;
      readonly cidr?: readonly string[];
      readonly notCidr?: readonly string[];
      readonly exists?: boolean;
    };

export interface CustomRule {
  /** Unique; names the rule in alerts, suppressions and `why-not`. */
  readonly name: string;
  readonly displayName?: string;
  readonly severity?: Severity;
  /** Type id of its alerts; "Picket_CustomRule" when absent. */
  readonly type?: string;
  readonly enabled?: boolean;
  /** Security groups that it is for; all when absent. */
  readonly groups?: readonly string[];
  readonly event: EventName | readonly EventName[];
  /**
   * By field of the payload item; `tags.NAME` is a custom tag (ExtraDetails), `event.FIELD` a
   * field of the event itself. `protocol` takes names. All must hold.
   */
  readonly where?: Readonly<Record<string, Condition>>;
  /** Without `window`: the field that tells one cause from another. */
  readonly by?: string;
  /** ISO 8601. With it, `measure` over the window is held against `min` and `max`. */
  readonly window?: string;
  /** What is measured; matching items when absent. */
  readonly measure?:
    | "items"
    | { readonly sum: string }
    | { readonly max: string }
    | { readonly distinct: string };
  readonly min?: number;
  readonly max?: number;
  readonly windowsToRaise?: number;
  readonly windowsToClear?: number;
}

const EVENT_NAMES: readonly EventName[] = [
  "ConnectionCreate",
  "NetworkActivity",
  "ActiveConnections",
  "CloudToDeviceMessages",
  "ListeningPorts",
  "ProcessCreate",
  "ProcessTerminate",
  "Login",
  "LocalUsers",
  "FirewallConfiguration",
  "ConnectedHardware",
  "OSBaseline",
  "SystemInformation",
  "Heartbeat",
  "Diagnostic",
  "ConfigurationError",
  "DroppedEventsStatistics",
  "MessageStatistics",
];

const scalar = { type: ["string", "number", "boolean"] };
const list = { type: "array", maxItems: 1000, items: { type: ["string", "number"] } };
const texts = { type: "array", minItems: 1, maxItems: 1000, items: { type: "string" } };
const number = { type: "number" };
const field = { type: "string", pattern: "^(tags\\.|event\\.)?[A-Za-z0-9_.-]{1,64}$" };
const eventName = { enum: EVENT_NAMES };
const windows = { type: "integer", minimum: 1, maximum: 1000 };

const one = (name: string) => ({
  type: "object",
  required: [name],
  additionalProperties: false,
  properties: { [name]: field },
});

export const CONDITION_SCHEMA = {
  anyOf: [
    scalar,
    {
      type: "object",
      minProperties: 1,
      additionalProperties: false,
      properties: {
        eq: scalar,
        ne: scalar,
        in: list,
        notIn: list,
        gt: number,
        gte: number,
        lt: number,
        lte: number,
        like: { type: "string", maxLength: 256 },
        cidr: texts,
        notCidr: texts,
        exists: { type: "boolean" },
      },
    },
  ],
};

export const CUSTOM_RULE_SCHEMA = {
  type: "object",
  required: ["name", "event"],
  additionalProperties: false,
  properties: {
    name: { type: "string", pattern: "^[\\w.-]{1,64}$" },
    displayName: { type: "string", minLength: 1, maxLength: 200 },
    severity: { enum: ["High", "Medium", "Low", "Informational"] },
    type: { type: "string", pattern: "^[\\w.]{1,128}$" },
    enabled: { type: "boolean" },
    groups: { type: "array", minItems: 1, items: { type: "string" } },
    event: { anyOf: [eventName, { type: "array", minItems: 1, items: eventName }] },
    where: {
      type: "object",
      maxProperties: 32,
      propertyNames: field,
      additionalProperties: CONDITION_SCHEMA,
    },
    by: field,
    window: { type: "string" },
    measure: { anyOf: [{ const: "items" }, one("sum"), one("max"), one("distinct")] },
    min: { type: "number", minimum: 0 },
    max: { type: "number", minimum: 0 },
    windowsToRaise: windows,
    windowsToClear: windows,
  },
  dependencies: { measure: ["window"], min: ["window"], max: ["window"] },
  not: { required: ["window", "by"] },
};
