/** Integer expressions of #if (C11 6.10.1): 32-bit-safe integers, macros, defined. */

/** A header that cannot be read: one line. */
export class PreprocessorError extends Error {
  override readonly name = "PreprocessorError";
}

export interface Evaluator {
  readonly macros: ReadonlyMap<string, string>;
  /** Tokens and macros that may still be looked at, over all expressions of a text. */
  readonly budget: { steps: number };
}

const DEPTH_MAX = 64;
const TOKEN =
  /[ \t]*(?:(0[xX][0-9a-fA-F]+|\d+)[uUlL]*|([A-Za-z_]\w*)|(&&|\|\||<<|>>|[<>=!]=|[-+*/%<>!~&|^?:()]))/y;

/** Binary operators by how tightly they bind. */
const LEVELS: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["|"],
  ["^"],
  ["&"],
  ["==", "!="],
  ["<", ">", "<=", ">="],
  ["<<", ">>"],
  ["+", "-"],
  ["*", "/", "%"],
];

interface Reader {
  readonly tokens: readonly string[];
  at: number;
  depth: number;
  /** Above 0: what is read does not decide anything, as behind `0 &&`. */
  dead: number;
  readonly evaluator: Evaluator;
  /** Macros that are being replaced. */
  readonly active: ReadonlySet<string>;
}

/**
 * @throws PreprocessorError when the text is no integer expression
 */
export function evaluate(text: string, evaluator: Evaluator): number {
  return evaluateIn(text, { evaluator, active: new Set(), depth: 0, dead: 0 });
}

function evaluateIn(
  text: string,
  state: Pick<Reader, "evaluator" | "active" | "depth" | "dead">,
): number {
  const reader: Reader = { ...state, tokens: tokenize(text, state.evaluator), at: 0 };
  const value = conditional(reader);
  if (reader.at !== reader.tokens.length) throw unexpected(reader);
  return value;
}

function spend(evaluator: Evaluator): void {
  evaluator.budget.steps -= 1;
  if (evaluator.budget.steps <= 0) throw new PreprocessorError("too many macros and expressions");
}

function tokenize(text: string, evaluator: Evaluator): string[] {
  const tokens: string[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  for (let at = 0; at < end; ) {
    spend(evaluator);
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (found === null) throw new PreprocessorError(`no integer expression: ${clip(text)}`);
    tokens.push((found[1] ?? found[2] ?? found[3]) as string);
    at = TOKEN.lastIndex;
  }
  return tokens;
}

function clip(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

function unexpected({ tokens, at }: Reader): PreprocessorError {
  const token = tokens[at];
  return new PreprocessorError(
    token === undefined ? "an expression ends too early" : `unexpected ${clip(token)}`,
  );
}

function take(reader: Reader, token: string): boolean {
  if (reader.tokens[reader.at] !== token) return false;
  reader.at += 1;
  return true;
}

function expect(reader: Reader, token: string): void {
  if (!take(reader, token)) throw unexpected(reader);
}

function nest<T>(reader: Reader, parse: () => T): T {
  reader.depth += 1;
  if (reader.depth > DEPTH_MAX) throw new PreprocessorError("an expression is nested too deep");
  const value = parse();
  reader.depth -= 1;
  return value;
}

/** Reads without deciding when `isDead`. */
function unless<T>(reader: Reader, isDead: boolean, parse: () => T): T {
  reader.dead += Number(isDead);
  const value = parse();
  reader.dead -= Number(isDead);
  return value;
}

function conditional(reader: Reader): number {
  const condition = binary(reader, 0);
  if (!take(reader, "?")) return condition;
  const isTrue = condition !== 0;
  const yes = unless(reader, !isTrue, () => nest(reader, () => conditional(reader)));
  expect(reader, ":");
  const no = unless(reader, isTrue, () => nest(reader, () => conditional(reader)));
  return isTrue ? yes : no;
}

function binary(reader: Reader, level: number): number {
  const operators = LEVELS[level];
  if (operators === undefined) return unary(reader);
  let left = binary(reader, level + 1);
  for (;;) {
    const operator = reader.tokens[reader.at];
    if (operator === undefined || !operators.includes(operator)) return left;
    reader.at += 1;
    const isDead = (operator === "&&" && left === 0) || (operator === "||" && left !== 0);
    const right = unless(reader, isDead, () => binary(reader, level + 1));
    left = apply(operator, left, right, reader.dead > 0);
  }
}

function apply(operator: string, a: number, b: number, isDead: boolean): number {
  if ((operator === "/" || operator === "%") && b === 0) {
    if (isDead) return 0;
    throw new PreprocessorError("division by zero");
  }
  const results: Record<string, () => number> = {
    "||": () => Number(a !== 0 || b !== 0),
    "&&": () => Number(a !== 0 && b !== 0),
    "|": () => a | b,
    "^": () => a ^ b,
    "&": () => a & b,
    "==": () => Number(a === b),
    "!=": () => Number(a !== b),
    "<": () => Number(a < b),
    ">": () => Number(a > b),
    "<=": () => Number(a <= b),
    ">=": () => Number(a >= b),
    "<<": () => a * 2 ** (b & 31),
    ">>": () => Math.floor(a / 2 ** (b & 31)),
    "+": () => a + b,
    "-": () => a - b,
    "*": () => a * b,
    "/": () => Math.trunc(a / b),
    "%": () => a % b,
  };
  const value = results[operator]?.() ?? 0;
  if (!Number.isSafeInteger(value)) throw new PreprocessorError("a number is too large");
  return value;
}

function unary(reader: Reader): number {
  if (take(reader, "!")) return Number(nest(reader, () => unary(reader)) === 0);
  if (take(reader, "~")) return ~nest(reader, () => unary(reader));
  if (take(reader, "-")) return -nest(reader, () => unary(reader));
  if (take(reader, "+")) return nest(reader, () => unary(reader));
  if (take(reader, "(")) {
    const value = nest(reader, () => conditional(reader));
    expect(reader, ")");
    return value;
  }
  const token = reader.tokens[reader.at];
  if (token === undefined || !/^\w/.test(token)) throw unexpected(reader);
  reader.at += 1;
  if (token === "defined") return isDefined(reader);
  return /^\d/.test(token) ? parseInteger(token) : expand(reader, token);
}

function isDefined(reader: Reader): number {
  const hasParenthesis = take(reader, "(");
  const name = reader.tokens[reader.at];
  if (name === undefined || !/^[A-Za-z_]/.test(name)) throw unexpected(reader);
  reader.at += 1;
  if (hasParenthesis) expect(reader, ")");
  return Number(reader.evaluator.macros.has(name));
}

function parseInteger(token: string): number {
  const isOctal = /^0\d/.test(token);
  if (isOctal && /[89]/.test(token)) throw new PreprocessorError(`no octal number: ${clip(token)}`);
  const value = isOctal ? Number.parseInt(token, 8) : Number(token);
  if (!Number.isSafeInteger(value)) throw new PreprocessorError("a number is too large");
  return value;
}

/** The value of a macro; names without one, and those within themselves, are 0 (6.10.1.4). */
function expand(reader: Reader, name: string): number {
  const { evaluator, active } = reader;
  spend(evaluator);
  const replacement = evaluator.macros.get(name);
  if (replacement === undefined || active.has(name)) return 0;
  if (replacement === "") throw new PreprocessorError(`${name} is empty, an integer is wanted`);
  return nest(reader, () =>
    evaluateIn(replacement, {
      evaluator,
      active: new Set(active).add(name),
      depth: reader.depth,
      dead: reader.dead,
    }),
  );
}
