/** The JSON Schema (draft-07) of a module twin document, from the table of properties. */
import { Ajv, type ErrorObject } from "ajv";
import { DURATION_PATTERN } from "./duration.ts";
import {
  TWIN_DURATION_CHARS_MAX,
  TWIN_OBJECT,
  TWIN_PROPERTIES,
  type TwinProperty,
} from "./twin-properties.ts";

type Schema = Readonly<Record<string, unknown>>;

/** Beside the form: some digit is not 0. */
const SOME_TIME = "^(?=.*[1-9])";
const MINUTES = "[1-9][0-9]{0,3}";

/** Null is the same as absent, everywhere: the hub takes it for a removal. */
function orNull(schema: { type: string } & Schema): Schema {
  return { ...schema, type: [schema.type, "null"] };
}

function valueSchema({ kind, min, max }: TwinProperty): Schema {
  switch (kind) {
    case "duration":
      return orNull({
        type: "string",
        maxLength: TWIN_DURATION_CHARS_MAX,
        pattern: SOME_TIME + DURATION_PATTERN.slice(1),
      });
    case "size":
      return orNull({
        type: "integer",
        ...(min !== undefined && { minimum: min }),
        ...(max !== undefined && { maximum: max }),
      });
    case "boolean":
      return orNull({ type: "boolean" });
    case "priority":
      return { enum: ["High", "Low", "Off", null] };
    case "disabled":
      return { enum: [true, false, "True", "False", null] };
    case "frequency":
      return { enum: ["High", "Medium", "Low", null] };
    case "intervals":
      return orNull({ type: "string", pattern: `^${MINUTES},${MINUTES},${MINUTES}$` });
    default:
      throw new Error(`a ${kind} is no value`);
  }
}

function properties(
  style: TwinProperty["style"],
  schemaOf: (property: TwinProperty) => Schema,
): Schema {
  const chosen = TWIN_PROPERTIES.filter((property) => property.style === style);
  return Object.fromEntries(
    chosen.map((property) => [property.name, { description: property.doc, ...schemaOf(property) }]),
  );
}

/** Conflicts between properties, the order of flat intervals and the depth are not in it. */
export const TWIN_SCHEMA: Schema = {
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "Module twin of a Picket agent, as the hub delivers it",
  type: "object",
  properties: {
    desired: orNull({
      type: "object",
      properties: {
        ...properties("flat", valueSchema),
        [TWIN_OBJECT]: orNull({
          type: "object",
          properties: properties("object", (property) =>
            orNull({ type: "object", properties: { value: valueSchema(property) } }),
          ),
        }),
      },
    }),
  },
};

const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(TWIN_SCHEMA);

/**
 * Names of the properties that are not as the schema says.
 *
 * @returns null: the document is no object
 */
export function twinSchemaFaults(document: unknown): ReadonlySet<string> | null {
  if (validate(document)) return new Set();
  const names = (validate.errors ?? []).map(faultyName);
  return names.includes("") ? null : new Set(names);
}

/** `/desired`, then a flat property or the object, then its property, then `/value`. */
function faultyName({ instancePath }: ErrorObject): string {
  const [, desired, first, second] = instancePath.split("/");
  return second ?? first ?? desired ?? "";
}
