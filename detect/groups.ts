/**
 * Security groups in the shape of `Microsoft.Security/deviceSecurityGroups` (2019-08-01), the
 * rules of custom alerts. What we add is optional: `windowsToRaise`, `windowsToClear`.
 */
import { Ajv, type ErrorObject } from "ajv";
import { isPrefix } from "./prefix-table.ts";
import {
  ALLOW_RULES,
  type AllowRuleType,
  WINDOW_RULES,
  type WindowRuleType,
} from "./rule-types.ts";

export interface TimeWindowRule {
  readonly isEnabled: boolean;
  readonly ruleType: WindowRuleType;
  readonly displayName?: string;
  readonly description?: string;
  readonly minThreshold: number;
  readonly maxThreshold: number;
  /** ISO 8601 duration, 1 s to 31 days. */
  readonly timeWindowSize: string;
  /** Windows in a row out of range before the alert; 1 when absent. */
  readonly windowsToRaise?: number;
  /** Windows in a row in range before it resolves; 1 when absent. */
  readonly windowsToClear?: number;
}

export interface AllowlistRule {
  readonly isEnabled: boolean;
  readonly ruleType: AllowRuleType;
  readonly displayName?: string;
  readonly description?: string;
  readonly valueType?: "IpCidr" | "String";
  readonly allowlistValues: readonly string[];
}

export interface SecurityGroup {
  readonly name: string;
  readonly timeWindowRules: readonly TimeWindowRule[];
  readonly allowlistRules: readonly AllowlistRule[];
  /** Documented, without published rule types: kept as given, empty or disabled. */
  readonly thresholdRules: readonly unknown[];
  readonly denylistRules: readonly unknown[];
}

export const DEFAULT_GROUP = "default";
const VALUES_MAX = 10_000;

const ruleBase = { isEnabled: { type: "boolean" }, displayName: {}, description: {} };

/** JSON Schema of the body of PUT. */
export const GROUP_SCHEMA = {
  $id: "picket:device-security-group",
  type: "object",
  required: ["properties"],
  properties: {
    id: {},
    name: { type: "string" },
    type: {},
    properties: {
      type: "object",
      additionalProperties: false,
      properties: {
        thresholdRules: { type: "array", maxItems: 0 },
        denylistRules: { type: "array", maxItems: 0 },
        timeWindowRules: {
          type: "array",
          maxItems: 64,
          items: {
            type: "object",
            required: ["isEnabled", "ruleType", "minThreshold", "maxThreshold", "timeWindowSize"],
            additionalProperties: false,
            properties: {
              ...ruleBase,
              ruleType: { enum: Object.keys(WINDOW_RULES) },
              minThreshold: { type: "integer", minimum: 0 },
              maxThreshold: { type: "integer", minimum: 0 },
              timeWindowSize: { type: "string" },
              windowsToRaise: { type: "integer", minimum: 1, maximum: 1000 },
              windowsToClear: { type: "integer", minimum: 1, maximum: 1000 },
            },
          },
        },
        allowlistRules: {
          type: "array",
          maxItems: 16,
          items: {
            type: "object",
            required: ["isEnabled", "ruleType", "allowlistValues"],
            additionalProperties: false,
            properties: {
              ...ruleBase,
              ruleType: { enum: Object.keys(ALLOW_RULES) },
              valueType: { enum: ["IpCidr", "String"] },
              allowlistValues: {
                type: "array",
                maxItems: VALUES_MAX,
                items: { type: "string", maxLength: 1024 },
              },
            },
          },
        },
      },
    },
  },
} as const;

/** A group that does not keep to the schema: one line, with the place. */
export class GroupError extends Error {
  override readonly name = "GroupError";
}

const validate = new Ajv({ allErrors: false, strict: false }).compile(GROUP_SCHEMA);

/**
 * Reads `{properties: {...}}` and adds the rules that are left out, disabled, as the documented
 * service does.
 *
 * @throws GroupError with one line
 */
export function parseGroup(name: string, body: unknown): SecurityGroup {
  if (!/^[\w.-]{1,128}$/.test(name)) {
    throw new GroupError(
      `security group "${name.slice(0, 40)}": name must match [A-Za-z0-9_.-]{1,128}`,
    );
  }
  if (!validate(body)) {
    throw new GroupError(`security group ${name}: ${schemaErrorLine(validate.errors)}`);
  }
  const given = (body as { properties: Partial<SecurityGroup> }).properties;
  const windows = given.timeWindowRules ?? [];
  const allow = given.allowlistRules ?? [];
  for (const rule of windows) checkWindowRule(name, rule);
  for (const rule of allow) checkAllowRule(name, rule);
  return {
    name,
    thresholdRules: given.thresholdRules ?? [],
    denylistRules: given.denylistRules ?? [],
    timeWindowRules: (Object.keys(WINDOW_RULES) as WindowRuleType[]).map((ruleType) =>
      named(only(name, windows, ruleType) ?? disabledWindow(ruleType), WINDOW_RULES[ruleType].name),
    ),
    allowlistRules: (Object.keys(ALLOW_RULES) as AllowRuleType[]).map((ruleType) => {
      const found = only(name, allow, ruleType) ?? disabledAllow(ruleType);
      return {
        ...named(found, ALLOW_RULES[ruleType].name),
        valueType: ALLOW_RULES[ruleType].valueType,
      };
    }),
  };
}

/** The first error of an ajv run as one line: where and what. */
export function schemaErrorLine(errors: readonly ErrorObject[] | null | undefined): string {
  const error = errors?.[0];
  if (!error) return "does not match its schema";
  const extra = error.params as {
    additionalProperty?: string;
    allowedValues?: unknown[];
    tagValue?: unknown;
  };
  if (error.keyword === "discriminator") {
    const given = JSON.stringify(extra.tagValue) ?? "missing";
    return `${error.instancePath}: type ${given.slice(0, 64)} is not known`;
  }
  const what = extra.additionalProperty ?? extra.allowedValues?.join(", ");
  return `${error.instancePath || "/"} ${error.message}${what === undefined ? "" : ` (${what})`}`;
}

function only<R extends { ruleType: string }>(
  group: string,
  rules: readonly R[],
  ruleType: string,
) {
  const found = rules.filter((rule) => rule.ruleType === ruleType);
  if (found.length > 1) throw new GroupError(`security group ${group}: ${ruleType} stands twice`);
  return found[0];
}

function named<R extends object>(rule: R, displayName: string): R {
  return { description: displayName, ...rule, displayName };
}

function disabledWindow(ruleType: WindowRuleType): TimeWindowRule {
  return { isEnabled: false, ruleType, minThreshold: 0, maxThreshold: 0, timeWindowSize: "PT15M" };
}

function disabledAllow(ruleType: AllowRuleType): AllowlistRule {
  return { isEnabled: false, ruleType, allowlistValues: [] };
}

function checkWindowRule(group: string, rule: TimeWindowRule): void {
  const where = `security group ${group}: ${rule.ruleType}`;
  if (rule.minThreshold > rule.maxThreshold) {
    throw new GroupError(
      `${where}: minThreshold ${rule.minThreshold} is above ${rule.maxThreshold}`,
    );
  }
  const size = durationMs(rule.timeWindowSize);
  if (size === null || size < 1000 || size > 31 * 86_400_000) {
    throw new GroupError(`${where}: timeWindowSize "${rule.timeWindowSize}" is not PT1S to P31D`);
  }
}

function checkAllowRule(group: string, rule: AllowlistRule): void {
  if (ALLOW_RULES[rule.ruleType].valueType !== "IpCidr") return;
  const bad = rule.allowlistValues.find((value) => !isPrefix(value));
  if (bad !== undefined) {
    throw new GroupError(
      `security group ${group}: ${rule.ruleType}: "${bad}" is not an IP or CIDR`,
    );
  }
}

/** Milliseconds of an ISO 8601 duration of days, hours, minutes and seconds; null: is none. */
export function durationMs(text: string): number | null {
  const found =
    /^P(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,8}(?:\.\d{1,3})?)S)?)?$/.exec(
      text,
    );
  if (!found || text.endsWith("T") || text === "P") return null;
  const [days, hours, minutes, seconds] = found.slice(1).map((part) => Number(part ?? 0));
  return Math.round(
    (((days ?? 0) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60_000 + (seconds ?? 0) * 1000,
  );
}

/** ISO 8601 duration of a number of milliseconds, for texts. */
export function durationText(ms: number): string {
  if (ms % 86_400_000 === 0) return `P${ms / 86_400_000}D`;
  if (ms % 3_600_000 === 0) return `PT${ms / 3_600_000}H`;
  if (ms % 60_000 === 0) return `PT${ms / 60_000}M`;
  return `PT${ms / 1000}S`;
}
