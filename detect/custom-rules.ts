/** Custom rules at work. */
import type { EventName, SecurityEvent } from "../wire/events.ts";
import { CUSTOM_RULE_TYPE } from "./catalogue.ts";
import {
  compileWhere,
  type FieldReader,
  type ItemTest,
  RuleError,
  readField,
} from "./conditions.ts";
import type { CustomRule } from "./custom-rule-schema.ts";
import { durationMs } from "./groups.ts";
import { hash53 } from "./state.ts";
import { raise, type Turn } from "./turn.ts";
import { report, type WindowSpec, windowStart } from "./windows.ts";

export interface CompiledRule {
  readonly rule: CustomRule;
  readonly events: readonly EventName[];
  readonly test: ItemTest;
  readonly by: FieldReader | null;
  /** What an item adds; null: one for every item. */
  readonly amount: FieldReader | null;
  readonly distinct: FieldReader | null;
  readonly spec: WindowSpec | null;
}

interface Measure {
  readonly sum?: string;
  readonly max?: string;
  readonly distinct?: string;
}

/** Longest text of an alert's cause or value. */
const TEXT_MAX = 256;
/** Distinct values of one window counted exactly. */
const DISTINCT_MAX = 256;

/** @throws RuleError with one line that names the rule */
export function compileRule(rule: CustomRule): CompiledRule {
  try {
    const measure: Measure = typeof rule.measure === "object" ? rule.measure : {};
    const amount = measure.sum ?? measure.max;
    return {
      rule,
      events: typeof rule.event === "string" ? [rule.event] : rule.event,
      test: compileWhere(rule.where ?? {}),
      by: rule.by === undefined ? null : readField(rule.by),
      amount: amount === undefined ? null : readField(amount),
      distinct: measure.distinct === undefined ? null : readField(measure.distinct),
      spec: rule.window === undefined ? null : windowSpec(rule, rule.window),
    };
  } catch (cause) {
    throw new RuleError(`rule ${rule.name}: ${(cause as Error).message}`, { cause });
  }
}

function windowSpec(rule: CustomRule, window: string): WindowSpec {
  const sizeMs = durationMs(window);
  if (sizeMs === null || sizeMs < 1000 || sizeMs > 31 * 86_400_000) {
    throw new RuleError(`window "${window}" is not PT1S to P31D`);
  }
  const min = rule.min ?? 0;
  const max = rule.max ?? Number.MAX_SAFE_INTEGER;
  if (rule.min === undefined && rule.max === undefined) {
    throw new RuleError("a rule with a window needs min, max or both");
  }
  if (min > max) throw new RuleError(`min ${min} is above max ${max}`);
  return {
    key: rule.name,
    type: rule.type ?? CUSTOM_RULE_TYPE,
    name: rule.displayName ?? rule.name,
    severity: rule.severity,
    kind: typeof rule.measure === "object" && "max" in rule.measure ? "gauge" : "count",
    min,
    max,
    sizeMs,
    toRaise: rule.windowsToRaise ?? 1,
    toClear: rule.windowsToClear ?? 1,
  };
}

/** Runs the rules that look at this kind of event. */
export function takeCustom(turn: Turn, event: SecurityEvent): void {
  const rules = turn.group.customByEvent[event.name];
  if (!rules) return;
  for (const compiled of rules) {
    if (compiled.spec) takeWindowed(turn, compiled, compiled.spec, event);
    else takeMatches(turn, compiled, event);
  }
}

function takeMatches(turn: Turn, compiled: CompiledRule, event: SecurityEvent): void {
  const { rule, test, by } = compiled;
  for (let index = 0; index < event.payload.length; index++) {
    if (!test(event, index)) continue;
    const cause = by ? String(by(event, index) ?? "").slice(0, TEXT_MAX) : "";
    raise(turn, {
      type: rule.type ?? CUSTOM_RULE_TYPE,
      name: rule.displayName ?? rule.name,
      severity: rule.severity,
      rule: rule.name,
      cause,
      value: cause || event.name,
      range: { expected: `no ${event.name} as rule ${rule.name} describes it` },
      explanation: `${event.name} matched rule ${rule.name}${cause && `: ${rule.by} is ${cause}`}`,
    });
  }
}

function takeWindowed(
  turn: Turn,
  compiled: CompiledRule,
  spec: WindowSpec,
  event: SecurityEvent,
): void {
  let sum = 0;
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < event.payload.length; index++) {
    if (!compiled.test(event, index)) continue;
    const value = itemValue(turn, compiled, spec, event, index);
    if (!Number.isFinite(value)) continue;
    sum += value;
    least = Math.min(least, value);
    greatest = Math.max(greatest, value);
  }
  if (spec.kind === "gauge" && greatest === Number.NEGATIVE_INFINITY) return;
  const value = spec.kind === "gauge" ? greatest : sum;
  const { timeMs } = turn;
  const { intervalMs } = event;
  report(turn, spec, {
    source: "agent",
    value,
    least: spec.kind === "gauge" ? least : sum,
    timeMs,
    intervalMs,
  });
}

function itemValue(
  turn: Turn,
  compiled: CompiledRule,
  spec: WindowSpec,
  event: SecurityEvent,
  index: number,
): number {
  if (compiled.amount) return Number(compiled.amount(event, index) ?? Number.NaN);
  if (!compiled.distinct) return 1;
  const value = compiled.distinct(event, index);
  return value !== undefined && isNewInWindow(turn, spec, String(value)) ? 1 : 0;
}

interface DistinctSet {
  start: number;
  hashes: number[];
}

function isNewInWindow(turn: Turn, spec: WindowSpec, value: string): boolean {
  turn.state.memory.distinct ??= {};
  const sets = turn.state.memory.distinct as Record<string, DistinctSet>;
  const start = windowStart(spec, turn.timeMs);
  let set = sets[spec.key];
  if (!set || set.start !== start) {
    set = { start, hashes: [] };
    sets[spec.key] = set;
  }
  const hash = hash53(value);
  if (set.hashes.length >= DISTINCT_MAX || set.hashes.includes(hash)) return false;
  set.hashes.push(hash);
  return true;
}
