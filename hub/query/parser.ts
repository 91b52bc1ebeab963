import { refuse } from "../errors.ts";
import { type Token, tokenize } from "./lexer.ts";

export type Operator = "=" | "!=" | "<" | ">" | "<=" | ">=" | "+" | "-" | "*" | "/" | "%";
export type Expression =
  | { readonly kind: "path"; readonly path: readonly string[] }
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "list"; readonly items: readonly Expression[] }
  | { readonly kind: "not"; readonly of: Expression }
  | { readonly kind: "and" | "or"; readonly left: Expression; readonly right: Expression }
  | {
      readonly kind: "binary";
      readonly operator: Operator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: "in";
      readonly negated: boolean;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: "call"; readonly name: string; readonly of: readonly Expression[] };

export interface Projection {
  readonly expression: Expression;
  readonly alias: string;
}

export interface Query {
  /** null: `*`. */
  readonly select: readonly Projection[] | null;
  readonly top: number | null;
  readonly from: "devices" | "devices.modules" | "devices.jobs";
  readonly where: Expression | null;
  readonly groupBy: readonly Expression[];
  readonly orderBy: readonly { readonly by: Expression; readonly descending: boolean }[];
}

export const AGGREGATES = new Set(["count", "avg", "sum", "min", "max"]);
const DEPTH_MAX = 64;
const COMPARISONS = new Set(["=", "!=", "<>", "<", ">", "<=", ">="]);
const SOURCES = ["devices", "devices.modules", "devices.jobs"] as const;

/** Parses `SELECT … FROM … [WHERE …] [GROUP BY …]`. @throws HubError 400 */
export function parseQuery(text: string): Query {
  const cursor = createCursor(tokenize(text));
  cursor.keyword("select");
  let top: number | null = null;
  if (cursor.isKeyword("top")) top = cursor.number();
  const select = cursor.isSign("*") ? null : projections(cursor);
  cursor.keyword("from");
  const from = source(cursor);
  const where = cursor.isKeyword("where") ? or(cursor, 0) : null;
  const groupBy: Expression[] = [];
  if (cursor.isKeyword("group")) {
    cursor.keyword("by");
    do groupBy.push(additive(cursor, 0));
    while (cursor.isSign(","));
  }
  const orderBy: { by: Expression; descending: boolean }[] = [];
  if (cursor.isKeyword("order")) {
    cursor.keyword("by");
    do {
      const by = additive(cursor, 0);
      const descending = cursor.isKeyword("desc");
      if (!descending) cursor.isKeyword("asc");
      orderBy.push({ by, descending });
    } while (cursor.isSign(","));
  }
  cursor.end();
  return { select, top, from, where, groupBy, orderBy };
}

/** Parses a condition alone: the `queryCondition` of a job. @throws HubError 400 */
export function parseCondition(text: string): Expression {
  const cursor = createCursor(tokenize(text));
  const condition = or(cursor, 0);
  cursor.end();
  return condition;
}

function source(cursor: Cursor): Query["from"] {
  let name = cursor.word();
  while (cursor.isSign(".")) name += `.${cursor.word()}`;
  const found = SOURCES.find((known) => known === name.toLowerCase());
  if (found === undefined) throw refuse.argument(`FROM must name one of ${SOURCES.join(", ")}`);
  // An alias: `FROM devices d` or `FROM devices AS d`.
  cursor.isKeyword("as");
  if (cursor.peekIsName()) cursor.word();
  return found;
}

function projections(cursor: Cursor): Projection[] {
  const list: Projection[] = [];
  do {
    const expression = additive(cursor, 0);
    let alias = defaultAlias(expression, list.length);
    if (cursor.isKeyword("as")) alias = cursor.word();
    list.push({ expression, alias });
  } while (cursor.isSign(","));
  return list;
}

function defaultAlias(expression: Expression, index: number): string {
  if (expression.kind === "path") return expression.path.at(-1) ?? "";
  return expression.kind === "call" ? expression.name : `$${index + 1}`;
}

function or(cursor: Cursor, depth: number): Expression {
  let left = and(cursor, depth);
  while (cursor.isKeyword("or")) left = { kind: "or", left, right: and(cursor, depth) };
  return left;
}

function and(cursor: Cursor, depth: number): Expression {
  let left = not(cursor, depth);
  while (cursor.isKeyword("and")) left = { kind: "and", left, right: not(cursor, depth) };
  return left;
}

function not(cursor: Cursor, depth: number): Expression {
  if (depth > DEPTH_MAX) throw refuse.argument("the query is nested too deeply");
  if (cursor.isKeyword("not")) return { kind: "not", of: not(cursor, depth + 1) };
  const left = additive(cursor, depth);
  if (cursor.isKeyword("in")) {
    return { kind: "in", negated: false, left, right: additive(cursor, depth) };
  }
  if (cursor.isKeyword("nin")) {
    return { kind: "in", negated: true, left, right: additive(cursor, depth) };
  }
  const sign = cursor.takeSign(COMPARISONS);
  if (sign === null) return left;
  const operator = (sign === "<>" ? "!=" : sign) as Operator;
  return { kind: "binary", operator, left, right: additive(cursor, depth) };
}

const ADDITIVE = new Set(["+", "-"]);
const MULTIPLICATIVE = new Set(["*", "/", "%"]);

function additive(cursor: Cursor, depth: number): Expression {
  let left = multiplicative(cursor, depth);
  for (;;) {
    const sign = cursor.takeSign(ADDITIVE);
    if (sign === null) return left;
    const right = multiplicative(cursor, depth);
    left = { kind: "binary", operator: sign as Operator, left, right };
  }
}

function multiplicative(cursor: Cursor, depth: number): Expression {
  let left = primary(cursor, depth);
  for (;;) {
    const sign = cursor.takeSign(MULTIPLICATIVE);
    if (sign === null) return left;
    const right = primary(cursor, depth);
    left = { kind: "binary", operator: sign as Operator, left, right };
  }
}

function primary(cursor: Cursor, depth: number): Expression {
  if (depth > DEPTH_MAX) throw refuse.argument("the query is nested too deeply");
  if (cursor.isSign("(")) {
    const inner = or(cursor, depth + 1);
    cursor.sign(")");
    return inner;
  }
  if (cursor.isSign("[")) {
    return { kind: "list", items: commaList(cursor, depth, "]") };
  }
  if (cursor.isSign("-")) {
    const zero: Expression = { kind: "value", value: 0 };
    return { kind: "binary", operator: "-", left: zero, right: primary(cursor, depth + 1) };
  }
  const literal = cursor.literal();
  if (literal !== undefined) return { kind: "value", value: literal.value };
  const first = cursor.word();
  if (cursor.isSign("(")) {
    const of = cursor.isSign("*") ? [] : undefined;
    if (of !== undefined) cursor.sign(")");
    const items = of ?? commaList(cursor, depth, ")");
    return { kind: "call", name: first.toLowerCase(), of: items };
  }
  const path = [first];
  for (;;) {
    if (cursor.isSign(".")) path.push(cursor.word());
    else if (cursor.isSign("[")) {
      const key = cursor.literal();
      if (key === undefined) throw refuse.argument("expected a key in [ ]");
      path.push(String(key.value));
      cursor.sign("]");
    } else return { kind: "path", path };
  }
}

function commaList(cursor: Cursor, depth: number, close: string): Expression[] {
  const items: Expression[] = [];
  if (cursor.isSign(close)) return items;
  do items.push(or(cursor, depth + 1));
  while (cursor.isSign(","));
  cursor.sign(close);
  return items;
}

interface Cursor {
  isKeyword(word: string): boolean;
  keyword(word: string): void;
  isSign(text: string): boolean;
  sign(text: string): void;
  takeSign(of: ReadonlySet<string>): string | null;
  word(): string;
  number(): number;
  literal(): { readonly value: unknown } | undefined;
  peekIsName(): boolean;
  end(): void;
}

const CONSTANTS: Readonly<Record<string, unknown>> = { true: true, false: false, null: null };
const CLAUSES = new Set(["where", "group", "order", "as"]);

function createCursor(tokens: readonly Token[]): Cursor {
  let at = 0;
  const peek = () => tokens[at];
  const fail = (wanted: string): never => {
    const token = peek();
    const found = token === undefined ? "the end" : JSON.stringify(Object.values(token)[1]);
    throw refuse.argument(`the query has ${found} where ${wanted} was expected`);
  };
  const isWord = (word: string) => {
    const token = peek();
    return token?.kind === "word" && token.text.toLowerCase() === word;
  };
  const isKeyword = (word: string) => {
    const found = isWord(word);
    if (found) at += 1;
    return found;
  };
  const isSign = (text: string) => {
    const token = peek();
    const found = token?.kind === "sign" && token.text === text;
    if (found) at += 1;
    return found;
  };
  return {
    isKeyword,
    keyword: (word) => {
      if (!isKeyword(word)) fail(word.toUpperCase());
    },
    isSign,
    sign: (text) => {
      if (!isSign(text)) fail(`'${text}'`);
    },
    takeSign: (of) => {
      const token = peek();
      if (token?.kind !== "sign" || !of.has(token.text)) return null;
      at += 1;
      return token.text;
    },
    word: () => {
      const token = peek();
      if (token?.kind !== "word") return fail("a name");
      at += 1;
      return token.text;
    },
    number: () => {
      const token = peek();
      if (token?.kind !== "number") return fail("a number");
      at += 1;
      return token.value;
    },
    literal: () => {
      const token = peek();
      if (token?.kind === "text" || token?.kind === "number") {
        at += 1;
        return { value: token.value };
      }
      if (token?.kind !== "word" || !Object.hasOwn(CONSTANTS, token.text.toLowerCase())) {
        return undefined;
      }
      at += 1;
      return { value: CONSTANTS[token.text.toLowerCase()] };
    },
    peekIsName: () => {
      const token = peek();
      return token?.kind === "word" && !CLAUSES.has(token.text.toLowerCase());
    },
    end: () => {
      if (at < tokens.length) fail("the end");
    },
  };
}
