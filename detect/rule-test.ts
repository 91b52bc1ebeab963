/**
 * Rule tests: a rule file, a sequence of events (or a capture) with its times, and the alerts that
 * must come of it; what a team keeps beside its rules and runs before it changes them.
 */
import { Ajv } from "ajv";
import type { EventName, SecurityEvent } from "../wire/events.ts";
import { EVENTS } from "../wire/json1-table.ts";
import type { Alert } from "./alerts.ts";
import { stableId } from "./alerts.ts";
import { RuleError } from "./conditions.ts";
import { createDetection } from "./detection.ts";
import { GROUP_STATE_PREFIX, type Signal } from "./group-baseline.ts";
import { durationMs, schemaErrorLine } from "./groups.ts";
import type { DetectionInput, OperationEntry } from "./inputs.ts";
import { createProcessor, type SourceMessage } from "./processor.ts";
import { optionsOf } from "./rule-files.ts";
import type { DetectionOptions } from "./settings.ts";

/** One expected alert; what is left out may be anything. */
interface Expectation {
  readonly rule: string;
  readonly type?: string;
  readonly cause?: string;
  readonly value?: number | string;
  readonly count?: number;
  readonly severity?: string;
  readonly state?: string;
  /** When it is first raised: time since the start of the test. */
  readonly at?: string;
}

interface TestStep {
  readonly at: string;
  readonly device?: string;
  readonly name?: EventName;
  readonly interval?: string;
  readonly payload?: readonly Record<string, unknown>[];
  readonly tags?: Readonly<Record<string, string>>;
  readonly operation?: Partial<OperationEntry>;
  /** Time passes, nothing comes. */
  readonly tick?: true;
}

export interface RuleTestFile {
  readonly name: string;
  /** Path of a rule file, from the test's folder, or the rules themselves. */
  readonly rules?: string | object;
  readonly group?: string;
  readonly steps?: readonly TestStep[];
  readonly capture?: { readonly file: string; readonly device: string; readonly interval?: string };
  readonly expect: readonly Expectation[];
}

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

const text = { type: "string" };
const texts = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, text]));

export const RULE_TEST_SCHEMA = {
  type: "object",
  required: ["name", "expect"],
  additionalProperties: false,
  properties: {
    $schema: text,
    name: text,
    rules: { type: ["string", "object"] },
    group: text,
    capture: {
      type: "object",
      required: ["file", "device"],
      additionalProperties: false,
      properties: texts(["file", "device", "interval"]),
    },
    steps: {
      type: "array",
      items: {
        type: "object",
        required: ["at"],
        additionalProperties: false,
        properties: {
          ...texts(["at", "device", "interval"]),
          name: { enum: Object.keys(EVENTS) },
          payload: { type: "array", items: { type: "object" } },
          tags: { type: "object", additionalProperties: text },
          operation: { type: "object" },
          tick: { const: true },
        },
      },
    },
    expect: {
      type: "array",
      items: {
        type: "object",
        required: ["rule"],
        additionalProperties: false,
        properties: {
          ...texts(["rule", "type", "cause", "severity", "state", "at"]),
          value: { type: ["number", "string"] },
          count: { type: "integer" },
        },
      },
    },
  },
  oneOf: [{ required: ["steps"] }, { required: ["capture"] }],
};

const validate = new Ajv({ strict: false }).compile(RULE_TEST_SCHEMA);
/** 2026-01-05, a Monday: tests that name hours of the week can count on it. */
const START_MS = Date.UTC(2026, 0, 5);

/** Runs one test file. @throws RuleError when the file itself is wrong */
export function runRuleTest(json: string, path: string, ports: RuleTestPorts): RuleTestResult {
  let file: unknown;
  try {
    file = JSON.parse(json);
  } catch (cause) {
    throw new RuleError(`${path}: no JSON: ${(cause as Error).message.split("\n")[0]}`, { cause });
  }
  if (!validate(file)) throw new RuleError(`${path}: ${schemaErrorLine(validate.errors)}`);
  const test = file as unknown as RuleTestFile;
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
    ...DEFAULTS[step.name as EventName],
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

/** What a step may leave out. */
const DEFAULTS: { readonly [N in EventName]?: Readonly<Record<string, unknown>> } = {
  NetworkActivity: {
    protocol: 6,
    localAddress: "10.0.0.2",
    localPort: 40_000,
    remotePort: 0,
    packetsIn: 1,
    packetsOut: 1,
    bytesIn: 0,
    bytesOut: 0,
    initiator: "local",
    outbound: true,
  },
  ConnectionCreate: { protocol: 6, direction: "Out", remotePort: 0, processId: 0, executable: "" },
  CloudToDeviceMessages: { transport: "MQTT" },
  Login: { processId: 0, operation: "Login", executable: "" },
  ProcessCreate: { processId: 0, parentProcessId: 0, userId: "", commandLine: "" },
};

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
