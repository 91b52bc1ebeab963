/**
 * As much of the C preprocessor as configuration headers need: object-like macros, conditions and
 * their expressions (C11 6.10). Includes and function-like macros are only noted. The text may be
 * hostile: every size, depth and amount of work is bounded.
 */
import { type Evaluator, evaluate, PreprocessorError } from "./preprocessor-expression.ts";

export { PreprocessorError } from "./preprocessor-expression.ts";

const TEXT_BYTES_MAX = 262_144;
const LINES_MAX = 20_000;
const NESTING_MAX = 64;
const MACROS_MAX = 4096;
const STEPS_MAX = 200_000;

export interface Preprocessed {
  /** Macros that are defined at the end, with their replacement as it stands. */
  readonly macros: ReadonlyMap<string, string>;
  /** Names that the text explicitly leaves undefined (#undef) and that are so at the end. */
  readonly undefined: ReadonlySet<string>;
  /** Value of a macro as an integer, or undefined when it is none. */
  readonly integer: (name: string) => number | undefined;
  /** What was passed over, with its line. */
  readonly ignored: readonly string[];
}

/** One #if and where it is. */
interface Branch {
  readonly line: number;
  /** The lines around it count. */
  readonly isOuterActive: boolean;
  isActive: boolean;
  /** One of its groups has been taken. */
  isTaken: boolean;
  hasElse: boolean;
}

const NAME = /^[A-Za-z_]\w*/;

/**
 * Runs a header's directives.
 *
 * @param defined macros from outside, as -D gives them
 * @throws PreprocessorError with one line: what is wrong and on which line
 */
export function preprocess(
  text: string,
  defined: Readonly<Record<string, string>> = {},
): Preprocessed {
  if (text.length > TEXT_BYTES_MAX) {
    throw new PreprocessorError(`longer than ${TEXT_BYTES_MAX} characters`);
  }
  const macros = new Map(Object.entries(defined));
  const undefinedNames = new Set<string>();
  const ignored: string[] = [];
  const branches: Branch[] = [];
  const budget = { steps: STEPS_MAX };
  const evaluator: Evaluator = { macros, budget };
  const isActive = () => branches.at(-1)?.isActive ?? true;

  function define(rest: string, line: number): void {
    const name = NAME.exec(rest)?.[0];
    if (name === undefined) throw new PreprocessorError(`line ${line}: #define without a name`);
    const after = rest.slice(name.length);
    if (after.startsWith("(")) {
      ignored.push(`line ${line}: ${name} takes arguments`);
      return;
    }
    if (macros.size >= MACROS_MAX) throw new PreprocessorError(`more than ${MACROS_MAX} macros`);
    macros.set(name, after.trim());
    undefinedNames.delete(name);
  }

  function run(directive: string, rest: string, line: number): void {
    if (/^(if|ifdef|ifndef)$/.test(directive)) {
      if (branches.length >= NESTING_MAX) {
        throw new PreprocessorError(`line ${line}: more than ${NESTING_MAX} conditions deep`);
      }
      const isTaken = isActive() && holds(directive, rest, line, evaluator);
      branches.push({
        line,
        isOuterActive: isActive(),
        isActive: isTaken,
        isTaken,
        hasElse: false,
      });
      return;
    }
    if (/^(elif|else|endif)$/.test(directive)) {
      turn(branches, directive, rest, line, evaluator);
      return;
    }
    if (!isActive()) return;
    if (directive === "define") define(rest, line);
    else if (directive === "undef") {
      const name = NAME.exec(rest)?.[0];
      if (name === undefined) throw new PreprocessorError(`line ${line}: #undef without a name`);
      macros.delete(name);
      if (undefinedNames.size < MACROS_MAX) undefinedNames.add(name);
    } else if (directive === "error") throw new PreprocessorError(`line ${line}: #error ${rest}`);
    else if (directive === "include") ignored.push(`line ${line}: #include ${rest}`);
  }

  for (const { directive, rest, line } of directives(text)) run(directive, rest, line);
  const open = branches.at(-1);
  if (open !== undefined) throw new PreprocessorError(`line ${open.line}: condition has no #endif`);
  return {
    macros,
    undefined: undefinedNames,
    ignored,
    integer(name) {
      if (!macros.has(name)) return undefined;
      try {
        return evaluate(name, evaluator);
      } catch (error) {
        if (error instanceof PreprocessorError && budget.steps > 0) return undefined;
        throw error;
      }
    },
  };
}

function holds(directive: string, rest: string, line: number, evaluator: Evaluator): boolean {
  if (directive === "if" || directive === "elif") {
    try {
      return evaluate(rest, evaluator) !== 0;
    } catch (error) {
      throw new PreprocessorError(`line ${line}: ${(error as Error).message}`, { cause: error });
    }
  }
  const name = NAME.exec(rest)?.[0];
  if (name === undefined) throw new PreprocessorError(`line ${line}: #${directive} without a name`);
  return evaluator.macros.has(name) === (directive === "ifdef");
}

/** #elif, #else, #endif */
function turn(
  branches: Branch[],
  directive: string,
  rest: string,
  line: number,
  evaluator: Evaluator,
): void {
  const branch = branches.at(-1);
  if (branch === undefined || (branch.hasElse && directive !== "endif")) {
    throw new PreprocessorError(`line ${line}: #${directive} without #if`);
  }
  if (directive === "endif") {
    branches.pop();
    return;
  }
  if (directive === "else") branch.hasElse = true;
  const isNext = branch.isOuterActive && !branch.isTaken;
  branch.isActive = isNext && (directive === "else" || holds("elif", rest, line, evaluator));
  branch.isTaken ||= branch.isActive;
}

/** Lines that begin with #, without comments and with continued lines joined. */
function* directives(text: string): Generator<{ directive: string; rest: string; line: number }> {
  const lines = stripComments(text.replaceAll(/\r\n?/g, "\n")).split("\n");
  if (lines.length > LINES_MAX) throw new PreprocessorError(`more than ${LINES_MAX} lines`);
  for (let i = 0; i < lines.length; i++) {
    const line = i + 1;
    const parts = [lines[i] as string];
    while ((parts.at(-1) as string).endsWith("\\") && i + 1 < lines.length) {
      parts.push(parts.pop()?.slice(0, -1) as string, lines[++i] as string);
    }
    const found = /^[ \t]*#[ \t]*([a-z]+)[ \t]*/.exec(parts.join(""));
    if (found === null) continue;
    const rest = parts.join("").slice(found[0].length).trim();
    yield { directive: found[1] as string, rest, line };
  }
}

/** Comments become a space, and keep their line ends; strings and characters stay. */
function stripComments(text: string): string {
  const parts: string[] = [];
  const token = /\/\*|\/\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g;
  let from = 0;
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    if (found[0] !== "/*" && found[0] !== "//") continue;
    const close = text.indexOf(found[0] === "/*" ? "*/" : "\n", found.index + 2);
    if (close < 0 && found[0] === "/*") throw new PreprocessorError("a comment has no end");
    const end = close < 0 ? text.length : found[0] === "/*" ? close + 2 : close;
    parts.push(text.slice(from, found.index), " ");
    parts.push("\n".repeat(text.slice(found.index, end).split("\n").length - 1));
    from = end;
    token.lastIndex = end;
  }
  parts.push(text.slice(from));
  return parts.join("");
}
