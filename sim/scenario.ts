/** Scenarios: their shape, and reading them from YAML with errors that name file and line. */
import { Ajv, type ErrorObject } from "ajv";
import { type Document, LineCounter, parseDocument } from "yaml";
import { OBSERVED_EVENTS, SNAPSHOT_EVENTS } from "./core.ts";
import { durationMs } from "./duration.ts";
import {
  type COUNTER_NAMES,
  FAULTS,
  type REFUSALS,
  SCENARIO_SCHEMA,
  TRAFFIC,
} from "./scenario-schema.ts";

export interface BoardEntry {
  readonly name: string;
  readonly count?: number;
  readonly profile?: string;
  readonly engine?: "v8" | "wasm3";
  readonly options?: Readonly<Record<string, number>>;
  readonly addresses?: readonly string[];
  readonly intervals?: {
    readonly high?: string;
    readonly low?: string;
    readonly snapshot?: string;
  };
  readonly group?: string;
  readonly twin?: object;
  readonly startAfter?: string;
  readonly flash?: {
    readonly sectorBytes: number;
    readonly sectors: number;
    readonly unitBytes: number;
  };
  readonly snapshots?: Readonly<Record<string, readonly object[]>>;
}

/** One entry of `traffic`; which fields a kind has: `TRAFFIC` in scenario-schema.ts. */
export interface TrafficEntry {
  readonly kind: string;
  readonly board?: string;
  readonly from?: string;
  readonly until?: string;
  readonly peer?: string;
  readonly every?: string;
  readonly count?: number;
  readonly bytes?: number;
  readonly port?: number;
  readonly jitter?: number;
  readonly direction?: "in" | "out";
  readonly style?: "syn" | "fin" | "connect";
  readonly ports?: number;
  readonly file?: string;
  readonly repeat?: number;
}

/** One entry of `faults`; which fields a kind has: `FAULTS` in scenario-schema.ts. */
export interface FaultEntry {
  readonly kind: string;
  readonly board?: string;
  readonly from?: string;
  readonly for?: string;
  readonly probability?: number;
  readonly delay?: string;
  readonly by?: string;
  readonly every?: string;
  readonly count?: number;
  readonly bytes?: number;
  readonly duringFlash?: boolean;
  readonly reason?: keyof typeof REFUSALS;
}

interface Timed {
  readonly board?: string;
  readonly at: string;
  readonly every?: string;
  readonly count?: number;
}

export interface ObservationEntry extends Timed {
  readonly event: string;
  readonly item: Readonly<Record<string, unknown>>;
}

export interface TwinEntry extends Timed {
  readonly desired: object;
  readonly patch?: boolean;
}

export interface MethodEntry extends Timed {
  readonly name: string;
  readonly payload?: unknown;
}

interface Bounds {
  readonly board?: string;
  readonly min?: number;
  readonly max?: number;
}

export interface Expectations {
  readonly alerts?: readonly (Bounds & { type: string; cause?: string; by?: string })[];
  readonly events?: readonly (Bounds & { name: string; where?: object; by?: string })[];
  readonly counters?: readonly (Bounds & { name: CounterName })[];
  readonly reported?: readonly { property: string; board?: string; value: unknown }[];
  readonly nothingElse?: readonly ("alerts" | "events" | "losses")[];
}

export type CounterName = (typeof COUNTER_NAMES)[number];

/** What a scenario says of detection; sim hands it on as it is. */
export interface DetectionEntry {
  readonly groups?: Readonly<Record<string, object>>;
  readonly suspicious?: readonly string[];
  readonly warmUp?: string;
}

export interface Scenario {
  readonly name: string;
  readonly purpose: string;
  readonly duration: string;
  readonly seed?: number;
  readonly start?: string;
  readonly boards: readonly BoardEntry[];
  readonly peers?: Readonly<Record<string, string>>;
  readonly traffic?: readonly TrafficEntry[];
  readonly faults?: readonly FaultEntry[];
  readonly observations?: readonly ObservationEntry[];
  readonly twin?: readonly TwinEntry[];
  readonly methods?: readonly MethodEntry[];
  readonly detection?: DetectionEntry;
  readonly expect?: Expectations;
}

/** A scenario that cannot be used: one line, `FILE:LINE: where: what was expected`. */
export class ScenarioError extends Error {
  override readonly name = "ScenarioError";
}

const SCENARIO_BYTES_MAX = 1_048_576;
/** A YAML file of a few bytes must not stand for gigabytes. */
const ALIASES_MAX = 100;
export const DEFAULT_START = "2026-01-01T00:00:00Z";

const validate = new Ajv({
  allErrors: true,
  verbose: true,
  strict: false,
  discriminator: true,
}).compile(SCENARIO_SCHEMA);

/**
 * Reads a scenario.
 *
 * @param file what errors call it
 * @throws ScenarioError
 */
export function parseScenario(text: string, file: string): Scenario {
  if (text.length > SCENARIO_BYTES_MAX) {
    throw new ScenarioError(`${file}: longer than ${SCENARIO_BYTES_MAX} bytes`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const fault = document.errors[0];
  if (fault) {
    const what = fault.message.split("\n")[0];
    throw new ScenarioError(`${file}:${lines.linePos(fault.pos[0]).line}: ${what}`);
  }
  const value: unknown = toValue(document, file);
  if (!validate(value)) {
    const error = mostTelling(validate.errors ?? []);
    const path = error.instancePath.split("/").slice(1).map(unescapePointer);
    const line = lineOf(document, lines, path, error);
    throw new ScenarioError(`${file}:${line}: ${placeText(path)}${errorText(error)}`);
  }
  const scenario = value as unknown as Scenario;
  checkReferences(scenario, (path, what) => {
    const line = lineOf(document, lines, path);
    throw new ScenarioError(`${file}:${line}: ${placeText(path)}${what}`);
  });
  return scenario;
}

function toValue(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (cause) {
    throw new ScenarioError(`${file}: ${(cause as Error).message}`, { cause });
  }
}

/** The deepest error is the one that is meant; of alternatives, the one whose tag fits. */
function mostTelling(errors: readonly ErrorObject[]): ErrorObject {
  const depth = (error: ErrorObject) => error.instancePath.split("/").length;
  // A name that is not known is the likely reason for another that is missing.
  const rank = (error: ErrorObject) => {
    if (error.keyword === "oneOf") return -1;
    return depth(error) + (error.keyword === "additionalProperties" ? 0.5 : 0);
  };
  return errors.reduce((best, error) => (rank(error) > rank(best) ? error : best));
}

function errorText(error: ErrorObject): string {
  const { keyword, params, parentSchema } = error;
  const described = (parentSchema as { description?: string } | undefined)?.description;
  if (keyword === "additionalProperties") {
    return `"${params.additionalProperty}" is not known here`;
  }
  if (keyword === "required") return `"${params.missingProperty}" is missing`;
  if (keyword === "enum") return `expected one of ${params.allowedValues.join(", ")}`;
  if (keyword === "discriminator") return `${kindText(error)}`;
  if (keyword === "type") return `expected ${described ?? params.type}`;
  if (keyword === "pattern") return describedPattern(params.pattern, described);
  return `${error.message}`;
}

function describedPattern(pattern: string, described: string | undefined): string {
  if (described) return `expected ${described}`;
  if (pattern.includes("ms|s|m|h|d")) return "expected a duration such as 250ms, 10s, 5m, 2h, 1d";
  return `expected text that matches ${pattern}`;
}

function kindText(error: ErrorObject): string {
  const table = error.instancePath.startsWith("/traffic") ? TRAFFIC : FAULTS;
  const found = JSON.stringify(error.params.tagValue) ?? "none";
  return `unknown kind ${found}, expected one of ${Object.keys(table).join(", ")}`;
}

function lineOf(
  document: Document,
  lines: LineCounter,
  path: readonly string[],
  error?: ErrorObject,
): number {
  const extra = error?.params.additionalProperty ?? error?.params.tag;
  for (const tail of extra === undefined ? [[]] : [[extra], []]) {
    for (let length = path.length; length >= 0; length--) {
      const node = document.getIn([...path.slice(0, length), ...tail], true);
      const range = (node as { range?: [number, number, number] } | undefined)?.range;
      if (range) return lines.linePos(range[0]).line;
      if (tail.length > 0) break;
    }
  }
  return 1;
}

function placeText(path: readonly string[]): string {
  if (path.length === 0) return "";
  const text = path.map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`)).join("");
  return `${text.replace(/^\./, "")}: `;
}

function unescapePointer(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}

/** What a schema cannot say: names that must exist, times in order. */
function checkReferences(
  scenario: Scenario,
  fail: (path: readonly string[], what: string) => never,
): void {
  const boards = new Set<string>();
  for (const [i, { name }] of scenario.boards.entries()) {
    if (boards.has(name)) fail(["boards", `${i}`, "name"], `"${name}" stands there twice`);
    boards.add(name);
  }
  for (const [i, { event }] of (scenario.observations ?? []).entries()) {
    const known: readonly string[] = OBSERVED_EVENTS;
    if (known.includes(event)) continue;
    fail(["observations", `${i}`, "event"], `expected one of ${known.join(", ")}`);
  }
  for (const [i, { snapshots = {} }] of scenario.boards.entries()) {
    const known: readonly string[] = SNAPSHOT_EVENTS;
    const unknown = Object.keys(snapshots).find((event) => !known.includes(event));
    if (unknown === undefined) continue;
    fail(["boards", `${i}`, "snapshots", unknown], `expected one of ${known.join(", ")}`);
  }
  const lists = { traffic: scenario.traffic, faults: scenario.faults, twin: scenario.twin };
  const timed = { ...lists, observations: scenario.observations, methods: scenario.methods };
  for (const [list, entries] of Object.entries(timed)) {
    for (const [i, { board }] of (entries ?? []).entries()) {
      if (board === undefined || boards.has(board)) continue;
      const known = [...boards].join(", ");
      fail([list, `${i}`, "board"], `no board "${board}", expected one of ${known}`);
    }
  }
  const peers = scenario.peers ?? {};
  for (const [i, { peer, from, until }] of (scenario.traffic ?? []).entries()) {
    if (peer !== undefined && !(peer in peers) && !/^[0-9.]+$|:/.test(peer)) {
      const known = Object.keys(peers).join(", ") || "none is given";
      fail(["traffic", `${i}`, "peer"], `no peer "${peer}", expected an address or: ${known}`);
    }
    if (until !== undefined && durationMs(until) < durationMs(from ?? "0s")) {
      fail(["traffic", `${i}`, "until"], `ends before it begins (from ${from ?? "0s"})`);
    }
  }
}
