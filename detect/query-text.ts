/** Results of queries as text: a table, CSV (RFC 4180) or JSON. */
import { printable } from "../wire/printable.ts";
import type { QueryResult } from "./workspace.ts";

const CELL_CHARS_MAX = 60;

export function renderResult(result: QueryResult, format: "table" | "csv" | "json"): string {
  if (format === "json") return `${JSON.stringify(objects(result))}\n`;
  if (format === "csv") {
    const lines = [result.columns, ...result.rows].map((row) => row.map(csvCell).join(","));
    return `${lines.join("\r\n")}\r\n`;
  }
  return table(result);
}

function objects({ columns, rows }: QueryResult): Record<string, unknown>[] {
  return rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
}

function plain(cell: unknown): string {
  if (cell === null || cell === undefined) return "";
  return typeof cell === "object" ? JSON.stringify(cell) : String(cell);
}

function csvCell(cell: unknown): string {
  const text = plain(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function table({ columns, rows }: QueryResult): string {
  const texts = [columns, ...rows].map((row) => row.map(shown));
  const widths = columns.map((_, c) => Math.max(...texts.map((row) => row[c]?.length ?? 0)));
  const lines = texts.map((row) =>
    row
      .map((cell, c) => cell.padEnd(widths[c] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => "-".repeat(width)).join("  "));
  return `${lines.join("\n")}\n${rows.length} ${rows.length === 1 ? "row" : "rows"}\n`;
}

function shown(cell: unknown): string {
  const text = printable(plain(cell));
  return text.length > CELL_CHARS_MAX ? `${text.slice(0, CELL_CHARS_MAX - 1)}…` : text;
}
