/** The file of a rule test: its type, its schema, and what its steps may leave out. */
import { Ajv } from "ajv";
import type { EventName } from "../wire/events.ts";
import { EVENTS } from "../wire/json1-table.ts";
import { RuleError } from "./conditions.ts";
import { schemaErrorLine } from "./groups.ts";
import type { OperationEntry } from "./inputs.ts";

/** One expected alert; what is left out may be anything. */
export interface Expectation {
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

export interface TestStep {
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
/** What a step may leave out. */
export const STEP_DEFAULTS: { readonly [N in EventName]?: Readonly<Record<string, unknown>> } = {
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

/** @throws RuleError with one line: what is wrong and where */
export function parseRuleTest(json: string, path: string): RuleTestFile {
  let file: unknown;
  try {
    file = JSON.parse(json);
  } catch (cause) {
    throw new RuleError(`${path}: no JSON: ${(cause as Error).message.split("\n")[0]}`, { cause });
  }
  if (!validate(file)) throw new RuleError(`${path}: ${schemaErrorLine(validate.errors)}`);
  return file as unknown as RuleTestFile;
}
