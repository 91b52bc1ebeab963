/** A security group made ready for use: rules by what they look at. */
import type { EventName } from "../wire/events.ts";
import type { CompiledRule } from "./custom-rules.ts";
import type { AllowlistRule, SecurityGroup, TimeWindowRule } from "./groups.ts";
import { durationMs } from "./groups.ts";
import { createPrefixTable, type PrefixTable } from "./prefix-table.ts";
import {
  type AllowRuleType,
  customAlertType,
  METRICS,
  type Metric,
  WINDOW_RULES,
} from "./rule-types.ts";
import type { WindowSpec } from "./windows.ts";

export interface CompiledGroup {
  readonly name: string;
  readonly windows: readonly WindowSpec[];
  readonly byMetric: Readonly<Partial<Record<Metric, readonly WindowSpec[]>>>;
  readonly customByEvent: Readonly<Partial<Record<EventName, readonly CompiledRule[]>>>;
  readonly toAllowed: IpAllow | null;
  readonly fromAllowed: IpAllow | null;
  readonly users: NameAllow | null;
  readonly processes: NameAllow | null;
}

export interface IpAllow {
  readonly table: PrefixTable;
  readonly values: readonly string[];
}

export interface NameAllow {
  readonly names: ReadonlySet<string>;
  readonly values: readonly string[];
}

/** Takes a group that `parseGroup` has checked, and all custom rules. */
export function compileGroup(
  group: SecurityGroup,
  rules: readonly CompiledRule[] = [],
): CompiledGroup {
  const windows: WindowSpec[] = [];
  const byMetric: Partial<Record<Metric, WindowSpec[]>> = {};
  for (const rule of group.timeWindowRules) {
    if (!rule.isEnabled) continue;
    const spec = windowSpec(rule);
    const { metric } = WINDOW_RULES[rule.ruleType];
    windows.push(spec);
    byMetric[metric] = [...(byMetric[metric] ?? []), spec];
  }
  const customByEvent: Partial<Record<EventName, CompiledRule[]>> = {};
  for (const compiled of rules) {
    if (compiled.rule.groups && !compiled.rule.groups.includes(group.name)) continue;
    if (compiled.spec) windows.push(compiled.spec);
    for (const name of compiled.events) {
      customByEvent[name] = [...(customByEvent[name] ?? []), compiled];
    }
  }
  const enabled = (ruleType: AllowRuleType) =>
    group.allowlistRules.find((rule) => rule.isEnabled && rule.ruleType === ruleType);
  return {
    name: group.name,
    windows,
    byMetric,
    customByEvent,
    toAllowed: ipAllow(enabled("ConnectionToIpNotAllowed")),
    fromAllowed: ipAllow(enabled("ConnectionFromIpNotAllowed")),
    users: nameAllow(enabled("LocalUserNotAllowed")),
    processes: nameAllow(enabled("ProcessNotAllowed")),
  };
}

function windowSpec(rule: TimeWindowRule): WindowSpec {
  return {
    key: rule.ruleType,
    type: customAlertType(rule.ruleType),
    kind: METRICS[WINDOW_RULES[rule.ruleType].metric],
    min: rule.minThreshold,
    max: rule.maxThreshold,
    sizeMs: durationMs(rule.timeWindowSize) as number,
    toRaise: rule.windowsToRaise ?? 1,
    toClear: rule.windowsToClear ?? 1,
  };
}

function ipAllow(rule: AllowlistRule | undefined): IpAllow | null {
  if (!rule) return null;
  return { table: createPrefixTable(rule.allowlistValues), values: rule.allowlistValues };
}

function nameAllow(rule: AllowlistRule | undefined): NameAllow | null {
  return rule ? { names: new Set(rule.allowlistValues), values: rule.allowlistValues } : null;
}
