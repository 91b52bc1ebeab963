/** Pieces that the schema of scenarios is made of. */

export type Schema = Readonly<Record<string, unknown>>;

export const text: Schema = { type: "string", minLength: 1, maxLength: 256 };
export const name: Schema = { type: "string", pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$" };
export const duration: Schema = { $ref: "#/$defs/duration" };
export const probability: Schema = { type: "number", minimum: 0, maximum: 1 };
export const object: Schema = { type: "object" };

export function whole(minimum: number, maximum: number): Schema {
  return { type: "integer", minimum, maximum };
}

export function described(schema: Schema, description: string): Schema {
  return { ...schema, description };
}

export function closed<P extends Readonly<Record<string, Schema>>>(
  properties: P,
  required: readonly string[] = [],
) {
  return { type: "object", additionalProperties: false, required, properties } as const;
}

export function listOf(items: Schema): Schema {
  return { type: "array", maxItems: 10_000, items };
}

/** One alternative of a list whose items say their `kind`. */
export interface Kind {
  readonly doc: string;
  readonly fields: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

export function kinds(
  common: Record<string, Schema>,
  table: Readonly<Record<string, Kind>>,
): Schema {
  const oneOf = Object.entries(table).map(([kind, { doc, fields, required = [] }]) => ({
    ...closed({ kind: { const: kind }, ...common, ...fields }, ["kind", ...required]),
    description: doc,
  }));
  return { type: "object", required: ["kind"], discriminator: { propertyName: "kind" }, oneOf };
}

export const board = described(text, "Name of a board entry; left out: all boards");
export const from = described(duration, "Begins so long after the start of the run");
export const every = described(duration, "From one to the next");
export const count = described(whole(1, 10_000_000), "So many, then no more");
export const bytes = described(whole(0, 100_000_000), "Bytes of data");
