/** Rule files: groups, custom rules, suppressions and limits in one JSON document. */
import { Ajv } from "ajv";
import { BEHAVIOURS, type Behaviour, type BehaviourName } from "./behaviours.ts";
import { RuleError } from "./conditions.ts";
import { CUSTOM_RULE_SCHEMA, type CustomRule } from "./custom-rule-schema.ts";
import { compileRule } from "./custom-rules.ts";
import { durationMs, GroupError, parseGroup, schemaErrorLine } from "./groups.ts";
import type { DetectionOptions, Suppression } from "./settings.ts";

const behaviour = {
  type: "object",
  additionalProperties: false,
  properties: {
    limit: { type: "number", exclusiveMinimum: 0 },
    windowMs: { type: "integer", minimum: 1000 },
    enabled: { type: "boolean" },
  },
};
const text = { type: "string", maxLength: 512 };

/** JSON Schema of a rule file. */
export const RULE_FILE_SCHEMA = {
  $schema: "http://json-schema.org/draft-07/schema#",
  $id: "picket:rule-file",
  type: "object",
  additionalProperties: false,
  properties: {
    $schema: text,
    groups: { type: "object", additionalProperties: { type: "object" } },
    rules: { type: "array", maxItems: 1000, items: CUSTOM_RULE_SCHEMA },
    suppressions: {
      type: "array",
      maxItems: 1000,
      items: {
        type: "object",
        required: ["until"],
        additionalProperties: false,
        properties: {
          type: text,
          rule: text,
          deviceId: text,
          group: text,
          cause: text,
          until: text,
        },
      },
    },
    behaviours: {
      type: "object",
      additionalProperties: false,
      properties: Object.fromEntries(Object.keys(BEHAVIOURS).map((name) => [name, behaviour])),
    },
    silence: {
      type: "object",
      additionalProperties: false,
      properties: {
        heartbeats: { type: "integer", minimum: 1, maximum: 1000 },
        longest: { type: "string" },
      },
    },
  },
} as const;

interface RuleFile {
  readonly groups?: Readonly<Record<string, unknown>>;
  readonly rules?: readonly CustomRule[];
  readonly suppressions?: readonly (Omit<Suppression, "untilMs"> & { readonly until: string })[];
  readonly behaviours?: { readonly [N in BehaviourName]?: Partial<Behaviour> };
  readonly silence?: { readonly heartbeats?: number; readonly longest?: string };
}

const validate = new Ajv({ allErrors: false, strict: false }).compile(RULE_FILE_SCHEMA);

/**
 * Reads a rule file.
 *
 * @param name of the file, for errors
 * @throws RuleError with one line: what is wrong and where
 */
export function loadRules(json: string, name: string): DetectionOptions {
  let file: unknown;
  try {
    file = JSON.parse(json);
  } catch (cause) {
    throw new RuleError(`${name}: no JSON: ${(cause as Error).message.split("\n")[0]}`, { cause });
  }
  return optionsOf(file, name);
}

/** The same for a document that has been parsed. @throws RuleError */
export function optionsOf(file: unknown, name: string): DetectionOptions {
  if (!validate(file)) throw new RuleError(`${name}: ${schemaErrorLine(validate.errors)}`);
  const given = file as RuleFile;
  try {
    const groups = Object.entries(given.groups ?? {}).map(([group, body]) =>
      parseGroup(group, body),
    );
    const names = new Set<string>();
    for (const rule of given.rules ?? []) {
      if (names.has(rule.name)) throw new RuleError(`rule ${rule.name} stands twice`);
      names.add(rule.name);
      compileRule(rule);
    }
    return {
      groups,
      rules: given.rules ?? [],
      suppressions: (given.suppressions ?? []).map(suppressionOf),
      behaviours: given.behaviours,
      ...silenceOf(given.silence ?? {}),
    };
  } catch (error) {
    if (!(error instanceof GroupError || error instanceof RuleError)) throw error;
    throw new RuleError(`${name}: ${error.message}`, { cause: error });
  }
}

function suppressionOf(given: Omit<Suppression, "untilMs"> & { until: string }): Suppression {
  const { until, ...rest } = given;
  const untilMs = Date.parse(until);
  if (Number.isNaN(untilMs))
    throw new RuleError(`suppression: until "${until}" is no ISO 8601 time`);
  return { ...rest, untilMs };
}

function silenceOf(given: { heartbeats?: number; longest?: string }): Partial<DetectionOptions> {
  const silentMs = given.longest === undefined ? undefined : durationMs(given.longest);
  if (silentMs === null) throw new RuleError(`silence: longest "${given.longest}" is no duration`);
  return {
    ...(given.heartbeats !== undefined && { silentHeartbeats: given.heartbeats }),
    ...(silentMs !== undefined && { silentMs }),
  };
}
