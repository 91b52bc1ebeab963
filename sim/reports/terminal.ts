/** A run in a terminal: a short table, and what was not met. */
import { durationText } from "../duration.ts";
import { isPassed, type RunResult } from "../result.ts";
import { renderTable } from "../table.ts";
import type { Report } from "./report.ts";

/** Rows of a table for a single scenario's boards; more are put together. */
const BOARDS_MAX = 12;
const COLUMNS = ["packets", "messages", "bytes", "events", "failedSends", "restarts", "alerts"];

export function runTable(results: readonly RunResult[]): string {
  const rows = results.map((result) => [
    isPassed(result) ? "pass" : "FAIL",
    result.scenario,
    durationText(result.durationMs),
    result.seed,
    result.boards.length,
    ...COLUMNS.map((name) => result.totals[name] ?? 0),
  ]);
  return renderTable([["", "scenario", "time", "seed", "boards", ...COLUMNS], ...rows]);
}

export function boardTable({ boards }: RunResult): string {
  const rows = boards
    .slice(0, BOARDS_MAX)
    .map(({ deviceId, counters }) => [deviceId, ...COLUMNS.map((name) => counters[name] ?? 0)]);
  const rest = boards.length - rows.length;
  const more = rest > 0 ? `and ${rest} more boards\n` : "";
  return renderTable([["board", ...COLUMNS], ...rows]) + more;
}

/** What was not met, and how to see it again; empty when all was. */
export function failureText({ result, lineOf }: Pick<Report, "result" | "lineOf">): string {
  if (isPassed(result)) return "";
  const failed = result.checks.filter(({ isMet }) => !isMet);
  const lines = failed.map((check) => {
    const line = check.place === undefined ? "" : `  (line ${lineOf(check)})`;
    return `  expected ${check.name}${line}\n     found ${check.found}\n`;
  });
  return `${result.file}: ${failed.length} of ${result.checks.length} checks failed\n${lines.join("")}  repeat: ${repeatCommand(result)}\n`;
}

export function repeatCommand({ file, seed, repeatWith }: RunResult): string {
  return ["picket sim run", file, "--seed", seed, ...repeatWith].join(" ");
}
