/** JSON Schema (draft-07) of security message 1.0, made from the table in `json1-table.ts`. */
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { WireError } from "./events.ts";
import { FORMATS, KINDS } from "./json1-kinds.ts";
import { EVENTS, type Field } from "./json1-table.ts";
import { printable } from "./printable.ts";

const TEXT_MAP = { type: "object", additionalProperties: { type: "string" } };

/** The whole schema; its formats are those of `FORMATS`. */
export const JSON1_SCHEMA = {
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "Security message 1.0",
  ...record({
    AgentVersion: { type: "string" },
    AgentId: { type: "string", format: "guid" },
    MessageSchemaVersion: { const: "1.0" },
    Events: { type: "array", minItems: 1, items: { $ref: "#/definitions/Event" } },
  }),
  definitions: {
    Event: eventSchema(),
    ...Object.fromEntries(Object.entries(EVENTS).map(([name, table]) => [name, itemSchema(table)])),
  },
};

let validate: ValidateFunction | null = null;

/** @throws WireError one line: the path in the message and what is wrong there */
export function checkJson1(message: unknown): void {
  validate ??= new Ajv({ formats: FORMATS, strictTypes: false }).compile(JSON1_SCHEMA);
  if (validate(message)) return;
  const [error] = validate.errors ?? [];
  throw new WireError(error ? errorLine(error) : "the message does not match the schema");
}

/** An object that has all these properties and, unless optional, no others. */
function record(properties: Record<string, object>, optional: readonly string[] = []): object {
  const required = Object.keys(properties).filter((key) => !optional.includes(key));
  return { type: "object", properties, required, additionalProperties: false };
}

function eventSchema(): object {
  const names = Object.keys(EVENTS);
  const payload = (name: string) => ({
    if: { properties: { Name: { const: name } } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { properties: { Payload: { items: { $ref: `#/definitions/${name}` } } } },
  });
  const fields = record({
    Id: { type: "string", format: "guid" },
    TimestampLocal: { type: "string", format: "timestamp" },
    TimestampUTC: { type: "string", format: "timestamp" },
    Category: { enum: ["Periodic", "Triggered"] },
    Name: { enum: names },
    EventType: { enum: ["Security", "Operational", "Diagnostic"] },
    IsEmpty: { type: "boolean" },
    PayloadSchemaVersion: { const: "1.0" },
    Payload: { type: "array" },
  });
  const emptiness = {
    if: { properties: { IsEmpty: { const: true } } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { properties: { Category: { const: "Periodic" }, Payload: { maxItems: 0 } } },
    else: { properties: { Payload: { minItems: 1 } } },
  };
  // The fields stand first, so that the conditions only judge events that have them all.
  return { allOf: [fields, emptiness, ...names.map(payload)] };
}

function itemSchema(table: { readonly fields: Readonly<Record<string, Field>> }): object {
  const properties: Record<string, object> = {};
  const optional = ["ExtraDetails"];
  for (const field of Object.values(table.fields)) {
    if ("detail" in field) continue;
    properties[field.json] = KINDS[field.kind].schema;
    if (!field.required) optional.push(field.json);
  }
  return record({ ...properties, ExtraDetails: TEXT_MAP }, optional);
}

function errorLine({ instancePath, keyword, message, params }: ErrorObject): string {
  const path = instancePath
    .slice(1)
    .split("/")
    .map((part) => part.replace(/~1/g, "/").replace(/~0/g, "~"))
    .reduce((whole, part) => {
      if (/^\d+$/.test(part)) return `${whole}[${part}]`;
      return whole === "" ? part : `${whole}.${part}`;
    }, "");
  const more: Record<string, unknown> = {
    additionalProperties: params.additionalProperty,
    enum: Array.isArray(params.allowedValues) ? params.allowedValues.join(", ") : undefined,
    const: params.allowedValue,
  };
  const detail = more[keyword] === undefined ? "" : `: ${more[keyword]}`;
  const line = `${path === "" ? "the message" : path} ${message ?? "is wrong"}${detail}`;
  return printable(line.length > 300 ? `${line.slice(0, 300)}…` : line);
}
