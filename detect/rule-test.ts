/**
 * Rule tests: a rule file, a sequence of events (or a capture) with its times, and the alerts that
 * must come of it; what a team keeps beside its rules and runs before it changes them.
 */
import type { EventName, SecurityEvent } from "../wire/events.ts";
import { EVENTS } from "../wire/json1-table.ts";
import type { Alert } from "./alerts.ts";
import { stableId } from "./alerts.ts";
import { RuleError } from "./conditions.ts";
import { createDetection } from "./detection.ts";
import { GROUP_STATE_PREFIX, type Signal } from "./group-baseline.ts";
import { durationMs } from "./groups.ts";
import type { DetectionInput, OperationEntry } from "./inputs.ts";
import { createProcessor, type SourceMessage } from "./processor.ts";
import { optionsOf } from "./rule-files.ts";
import {
  type Expectation,
  parseRuleTest,
  type RuleTestFile,
  STEP_DEFAULTS,
  type TestStep,
} from "./rule-test-file.ts";
import type { DetectionOptions } from "./settings.ts";

export interface RuleTestResult {
  readonly name: string;
  readonly failures: readonly string[];
}

export interface RuleTestPorts {
  /** Text of a file beside the test. */
  readFile(path: string): string;
  /** Messages of a capture as an agent sends them. */
  replay(
    file: string,
    device: string,
    intervalMs: number,
  ): readonly { timeMs: number; bytes: Uint8Array }[];
}

/** 2026-01-05, a Monday: tests that name hours of the week can count on it. */
const START_MS = Date.UTC(2026, 0, 5);

/** Runs one test file. @throws RuleError when the file itself is wrong */
export function runRuleTest(json: string, path: string, ports: RuleTestPorts): RuleTestResult {
  const test = parseRuleTest(json, path);
  const options = rulesOf(test, path, ports);
  const { alerts, startMs } = test.capture
    ? runCapture(test.capture, options, path, ports)
    : { alerts: runSteps(test, options, path), startMs: START_MS };
  return { name: test.name, failures: compare(test.expect, alerts, startMs) };
}

function rulesOf(test: RuleTestFile, path: string, ports: RuleTestPorts): DetectionOptions {
  if (test.rules === undefined) return {};
  if (typeof test.rules === "object") return optionsOf(test.rules, path);
  try {
    return optionsOf(JSON.parse(ports.readFile(test.rules)), test.rules);
  } catch (error) {
    if (error instanceof RuleError) throw error;
    throw new RuleError(`${path}: rules ${test.rules}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function runSteps(test: RuleTestFile, options: DetectionOptions, path: string): Alert[] {
  const detection = createDetection(options);
  const states = new Map<string, ReturnType<typeof detection.create>>();
  const stateOf = (id: string) => {
    const state = states.get(id) ?? detection.create(id, test.group);
    states.set(id, state);
    return state;
  };
  const alerts = new Map<string, Alert>();
  (test.steps ?? []).forEach((step, i) => {
    const signals: Signal[] = [];
    const input = inputOf(step, i, path);
    const found = detection.apply(stateOf(step.device ?? "device"), input, signals);
    for (const signal of signals) {
      found.push(...detection.applySignal(stateOf(GROUP_STATE_PREFIX + signal.group), signal));
    }
    for (const alert of found) alerts.set(alert.id, alert);
  });
  return [...alerts.values()];
}

function inputOf(step: TestStep, index: number, path: string): DetectionInput {
  const where = `${path}: /steps/${index}`;
  const timeMs = START_MS + duration(step.at, `${where}/at`);
  if (step.tick) return { kind: "tick", nowMs: timeMs };
  if (step.operation) return { kind: "operation", entry: operationOf(step.operation, timeMs) };
  if (step.name === undefined) throw new RuleError(`${where}: needs name, operation or tick`);
  const payload = (step.payload ?? []).map((item) => ({
    ...STEP_DEFAULTS[step.name as EventName],
    ...item,
  }));
  const { category, eventType } = EVENTS[step.name];
  const event = {
    name: step.name,
    id: stableId("rule test", index),
    category,
    eventType,
    timeMs,
    intervalMs: step.interval === undefined ? 0 : duration(step.interval, `${where}/interval`),
    isEmpty: payload.length === 0,
    payload,
    ...(step.tags && { extraDetails: step.tags }),
  } as unknown as SecurityEvent;
  return { kind: "event", event, arrivedMs: timeMs };
}

function duration(given: string, where: string): number {
  const ms = durationMs(given);
  if (ms === null) throw new RuleError(`${where}: "${given}" is no ISO 8601 duration`);
  return ms;
}

function operationOf(given: Partial<OperationEntry>, timeMs: number): OperationEntry {
  return {
    category: "Connections",
    operationName: "",
    result: "Success",
    deviceId: "device",
    moduleId: null,
    statusCode: null,
    reason: null,
    protocol: "Mqtt",
    properties: {},
    ...given,
    timeMs,
  };
}

function runCapture(
  capture: NonNullable<RuleTestFile["capture"]>,
  options: DetectionOptions,
  path: string,
  ports: RuleTestPorts,
): { alerts: Alert[]; startMs: number } {
  const processor = createProcessor(createDetection(options));
  const alerts = new Map<string, Alert>();
  const intervalMs = duration(capture.interval ?? "PT1S", `${path}: /capture/interval`);
  let startMs = 0;
  for (const { timeMs, bytes: body } of ports.replay(capture.file, capture.device, intervalMs)) {
    startMs ||= timeMs;
    const message: SourceMessage = {
      deviceId: "device",
      moduleId: null,
      body,
      systemProperties: {},
      enqueuedTimeMs: timeMs,
    };
    for (const alert of processor.take(message).alerts) alerts.set(alert.id, alert);
  }
  return { alerts: [...alerts.values()], startMs };
}

function compare(
  expected: readonly Expectation[],
  alerts: readonly Alert[],
  startMs: number,
): string[] {
  const failures: string[] = [];
  const left = [...alerts];
  for (const expectation of expected) {
    const index = left.findIndex((alert) => differences(expectation, alert, startMs).length === 0);
    if (index >= 0) {
      left.splice(index, 1);
      continue;
    }
    const near = left.find(({ rule }) => rule === expectation.rule);
    failures.push(
      near
        ? `${expectation.rule}: ${differences(expectation, near, startMs).join("; ")}`
        : `${expectation.rule}: was not raised`,
    );
    if (near) left.splice(left.indexOf(near), 1);
  }
  for (const { rule, cause, explanation } of left) {
    failures.push(`${rule}${cause && ` (${cause})`}: was not expected: ${explanation}`);
  }
  return failures;
}

function differences(expected: Expectation, alert: Alert, startMs: number): string[] {
  const found: string[] = [];
  const { at, ...fields } = expected;
  for (const [name, wanted] of Object.entries(fields)) {
    const got = alert[name as keyof Alert];
    if (got !== wanted)
      found.push(`${name} is ${JSON.stringify(got)}, expected ${JSON.stringify(wanted)}`);
  }
  if (at !== undefined) {
    const gotMs = Date.parse(alert.firstTime) - startMs;
    if (gotMs !== durationMs(at)) found.push(`raised at PT${gotMs / 1000}S, expected ${at}`);
  }
  return found;
}
