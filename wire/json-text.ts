/**
 * JSON text with one blank of indentation, in ASCII, so that it is safe to print. A bigint is
 * written as a number with all its digits, which `JSON.stringify` alone refuses.
 *
 * @param value holds no object whose only key is "bigint"
 */
export function jsonText(value: unknown): string {
  const marked = JSON.stringify(
    value,
    (_, part: unknown) => (typeof part === "bigint" ? { bigint: `${part}` } : part),
    1,
  );
  // Inside a text each quote has a backslash before it: the pattern only finds our mark.
  return marked
    .replace(/\{\s*"bigint": "(\d+)"\s*\}/g, "$1")
    .replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
