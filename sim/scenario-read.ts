/** Reads scenarios from YAML, with errors that name file, line and what was expected. */
import { Ajv, type ErrorObject } from "ajv";
import { type Document, LineCounter, parseDocument } from "yaml";
import { FAULTS } from "./fault-kinds.ts";
import { type Scenario, ScenarioError } from "./scenario.ts";
import { checkAlertTypes, checkReferences, type Fail } from "./scenario-check.ts";
import { SCENARIO_SCHEMA } from "./scenario-schema.ts";
import { TRAFFIC } from "./traffic-kinds.ts";

const SCENARIO_BYTES_MAX = 1_048_576;
/** A YAML file of a few bytes must not stand for gigabytes. */
const ALIASES_MAX = 100;

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
 * @param alertTypes those that can be expected; absent: any
 * @throws ScenarioError
 */
export function parseScenario(
  text: string,
  file: string,
  alertTypes?: readonly string[],
): Scenario {
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
  const fail: Fail = (path, what) => {
    const line = lineOf(document, lines, path);
    throw new ScenarioError(`${file}:${line}: ${placeText(path)}${what}`);
  };
  checkReferences(scenario, fail);
  if (alertTypes !== undefined) checkAlertTypes(scenario, alertTypes, fail);
  return scenario;
}

/** Lines of places in a scenario's text, from 1; for reports. */
export function linesOf(text: string, places: readonly (readonly string[])[]): number[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  return places.map((place) => lineOf(document, lines, place));
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
    const known = (parentSchema as { properties?: object } | undefined)?.properties ?? {};
    const names = Object.keys(known).filter((name) => name !== "kind");
    return `"${params.additionalProperty}" is not known here, expected one of ${names.join(", ")}`;
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
