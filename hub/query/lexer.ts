import { refuse } from "../errors.ts";

export type Token =
  | { readonly kind: "word"; readonly text: string }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "sign"; readonly text: string };

/** Longest query looked at, characters. */
export const QUERY_CHARS_MAX = 16_384;

/** Long chains become deep trees, which are walked by recursion. */
const TOKENS_MAX = 2000;

const TOKEN =
  /\s*(?:'((?:[^'\\]|\\.|'')*)'|"((?:[^"\\]|\\.)*)"|(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|([A-Za-z_$][\w$-]*)|(<=|>=|!=|<>|[=<>()[\],.*+\-/%]))/y;

/** Splits a query of the IoT Hub query language. @throws HubError 400 */
export function tokenize(query: string): Token[] {
  if (query.length > QUERY_CHARS_MAX) throw refuse.argument("the query is too long");
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  let at = 0;
  const end = query.trimEnd().length;
  while (at < end) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(query);
    if (match === null) {
      throw refuse.argument(`the query has an unexpected character at position ${at}`);
    }
    const [, single, double, number, word, sign] = match;
    const text = single?.replaceAll("''", "'") ?? double;
    if (text !== undefined) tokens.push({ kind: "text", value: text.replace(/\\(.)/g, "$1") });
    else if (number !== undefined) tokens.push({ kind: "number", value: Number(number) });
    else if (word !== undefined) tokens.push({ kind: "word", text: word });
    else tokens.push({ kind: "sign", text: sign ?? "" });
    at = TOKEN.lastIndex;
    if (tokens.length > TOKENS_MAX) throw refuse.argument("the query has too many parts");
  }
  return tokens;
}
