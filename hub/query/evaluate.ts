import { refuse } from "../errors.ts";
import {
  AGGREGATES,
  type Expression,
  type Operator,
  type Projection,
  type Query,
} from "./parser.ts";

/** A row: a twin or job as its REST view. */
export type Row = object;

/** Runs a query over rows. Comparing with what is not there is never true. @throws HubError 400 */
export function runQuery(query: Query, rows: Iterable<Row>): Row[] {
  let found: Row[] = [];
  for (const row of rows) {
    if (query.where === null || evaluate(query.where, row) === true) found.push(row);
  }
  for (const { by, descending } of query.orderBy.toReversed()) {
    const sign = descending ? -1 : 1;
    found.sort((a, b) => sign * order(evaluate(by, a), evaluate(by, b)));
  }
  const select = query.select;
  if (select !== null && (query.groupBy.length > 0 || select.some(isAggregate))) {
    found = group(query.groupBy, select, found);
  } else if (select !== null) {
    found = found.map((row) => project(select, (expression) => evaluate(expression, row)));
  }
  return query.top === null ? found : found.slice(0, query.top);
}

/** True: the row fulfils the condition. */
export function matches(condition: Expression, row: Row): boolean {
  return evaluate(condition, row) === true;
}

function project(select: readonly Projection[], value: (expression: Expression) => unknown): Row {
  const row: Record<string, unknown> = Object.create(null);
  for (const { expression, alias } of select) {
    const result = value(expression);
    if (result !== undefined) row[alias] = result;
  }
  return row;
}

function isAggregate({ expression }: Projection): boolean {
  return expression.kind === "call" && AGGREGATES.has(expression.name);
}

function group(
  by: readonly Expression[],
  select: readonly Projection[],
  rows: readonly Row[],
): Row[] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = JSON.stringify(by.map((expression) => evaluate(expression, row) ?? null));
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  if (by.length === 0 && groups.size === 0) groups.set("", []);
  return [...groups.values()].map((members) =>
    project(select, (expression) => {
      if (expression.kind === "call" && AGGREGATES.has(expression.name)) {
        return aggregate(expression.name, expression.of[0], members);
      }
      return members[0] === undefined ? undefined : evaluate(expression, members[0]);
    }),
  );
}

function aggregate(name: string, of: Expression | undefined, rows: readonly Row[]): unknown {
  if (name === "count" && of === undefined) return rows.length;
  if (of === undefined) throw refuse.argument(`${name.toUpperCase()} needs an argument`);
  const values = rows.map((row) => evaluate(of, row)).filter((value) => value !== undefined);
  if (name === "count") return values.length;
  const numbers = values.filter((value) => typeof value === "number");
  const sum = numbers.reduce((total, value) => total + value, 0);
  if (name === "sum") return sum;
  if (numbers.length === 0) return undefined;
  if (name === "avg") return sum / numbers.length;
  return numbers.reduce((a, b) => (name === "min" ? Math.min(a, b) : Math.max(a, b)));
}

function evaluate(expression: Expression, row: Row): unknown {
  switch (expression.kind) {
    case "value":
      return expression.value;
    case "path":
      return follow(expression.path, row);
    case "list":
      return expression.items.map((item) => evaluate(item, row));
    case "not":
      return !(evaluate(expression.of, row) === true);
    case "and":
      return evaluate(expression.left, row) === true && evaluate(expression.right, row) === true;
    case "or":
      return evaluate(expression.left, row) === true || evaluate(expression.right, row) === true;
    case "binary":
      return binary(
        expression.operator,
        evaluate(expression.left, row),
        evaluate(expression.right, row),
      );
    case "in": {
      const left = evaluate(expression.left, row);
      const right = evaluate(expression.right, row);
      if (!Array.isArray(right)) throw refuse.argument("IN needs a list");
      if (left === undefined) return false;
      return right.some((item) => same(item, left)) !== expression.negated;
    }
    case "call":
      return call(
        expression.name,
        expression.of.map((argument) => evaluate(argument, row)),
      );
  }
}

function follow(path: readonly string[], row: Row): unknown {
  let value: unknown = row;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    // `d.deviceId` and `devices.deviceId`: the first name may be an alias of the row itself.
    if (Object.hasOwn(value, key)) value = (value as Record<string, unknown>)[key];
    else if (value !== row || path.length === 1 || key !== path[0]) return undefined;
  }
  return value;
}

function binary(operator: Operator, left: unknown, right: unknown): unknown {
  if (left === undefined || right === undefined) return undefined;
  if (operator === "=") return same(left, right);
  if (operator === "!=") return !same(left, right);
  const isNumber = typeof left === "number" && typeof right === "number";
  if (!isNumber && !(typeof left === "string" && typeof right === "string")) return undefined;
  const a = left as number;
  const b = right as number;
  if (operator === "<") return a < b;
  if (operator === ">") return a > b;
  if (operator === "<=") return a <= b;
  if (operator === ">=") return a >= b;
  if (operator === "+") return a + b;
  if (!isNumber) return undefined;
  if (operator === "-") return a - b;
  if (operator === "*") return a * b;
  return operator === "/" ? a / b : a % b;
}

function same(left: unknown, right: unknown): boolean {
  return (
    left === right || (typeof left === "object" && JSON.stringify(left) === JSON.stringify(right))
  );
}

function order(left: unknown, right: unknown): number {
  if (left === right) return 0;
  return (left as number) < (right as number) ? -1 : 1;
}

const TEXT_TESTS: Readonly<Record<string, (text: string, part: string) => boolean>> = {
  startswith: (text, part) => text.startsWith(part),
  endswith: (text, part) => text.endsWith(part),
  contains: (text, part) => text.includes(part),
};

const TYPE_TESTS: Readonly<Record<string, (value: unknown) => boolean>> = {
  is_defined: (value) => value !== undefined,
  is_null: (value) => value === null,
  is_string: (value) => typeof value === "string",
  is_number: (value) => typeof value === "number",
  is_bool: (value) => typeof value === "boolean",
  is_array: Array.isArray,
  is_object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  is_primitive: (value) => value === null || ["string", "number", "boolean"].includes(typeof value),
};

function call(name: string, values: readonly unknown[]): unknown {
  const [first, second] = values;
  const typeTest = Object.hasOwn(TYPE_TESTS, name) ? TYPE_TESTS[name] : undefined;
  if (typeTest !== undefined) return typeTest(first);
  const textTest = Object.hasOwn(TEXT_TESTS, name) ? TEXT_TESTS[name] : undefined;
  if (textTest !== undefined) {
    return typeof first === "string" && typeof second === "string" && textTest(first, second);
  }
  throw refuse.argument(`function ${name.slice(0, 40)} is not known here`);
}
