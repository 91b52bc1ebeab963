/**
 * JUnit XML as CI systems read it: a suite for each scenario, a case for each check. Elements and
 * attributes are those that the schemas of Jenkins and of Ant have in common, and `file`, which
 * GitLab shows.
 */
import { isPassed } from "../result.ts";
import type { Report } from "./report.ts";
import { repeatCommand } from "./terminal.ts";

export function junitXml(reports: readonly Report[]): string {
  const suites = reports.map(suiteXml).join("");
  const tests = reports.reduce((sum, { result }) => sum + result.checks.length, 0);
  const failures = reports.reduce((sum, report) => sum + failed(report), 0);
  const tookMs = reports.reduce((sum, report) => sum + report.tookMs, 0);
  const head = `<testsuites name="picket sim" tests="${tests}" failures="${failures}" errors="0" time="${seconds(tookMs)}">`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${head}\n${suites}</testsuites>\n`;
}

function failed({ result }: Report): number {
  return result.checks.filter(({ isMet }) => !isMet).length;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function suiteXml(report: Report, id: number): string {
  const { result, startedMs, tookMs } = report;
  const { scenario, checks, durationMs, purpose, seed, file } = result;
  // The schema's time has no zone; it is UTC.
  const timestamp = new Date(startedMs).toISOString().slice(0, 19);
  const head =
    `<testsuite name="${escapeXml(scenario)}" package="picket.sim" id="${id}"` +
    ` file="${escapeXml(file)}" timestamp="${timestamp}" hostname="localhost"` +
    ` tests="${checks.length}" failures="${failed(report)}" errors="0" skipped="0"` +
    ` time="${seconds(tookMs)}">`;
  const properties = [
    ["purpose", purpose],
    ["seed", String(seed)],
    ["virtualSeconds", seconds(durationMs)],
    ["boards", boardsText(report)],
    ["digest", result.digest],
    ["passed", String(isPassed(result))],
    ...Object.entries(result.totals).map(([name, value]) => [name, String(value)]),
  ];
  const listed = properties
    .map(
      ([name, value]) =>
        `      <property name="${escapeXml(name as string)}" value="${escapeXml(value as string)}"/>\n`,
    )
    .join("");
  const cases = checks.map((check) => caseXml(check, report)).join("");
  return `  ${head}\n    <properties>\n${listed}    </properties>\n${cases}  </testsuite>\n`;
}

function boardsText({ result }: Report): string {
  const names = result.boards.map(({ board, profile }) => profile?.name ?? board);
  return [...new Set(names)].join(", ");
}

/** All cases of a suite come of one run: each has its share of the time. */
function caseXml(check: Report["result"]["checks"][number], report: Report): string {
  const { result, tookMs, lineOf } = report;
  const { name, isMet, found, place } = check;
  const names = `classname="${escapeXml(`picket.sim.${result.scenario}`)}" name="${escapeXml(name)}"`;
  const time = seconds(tookMs / result.checks.length);
  const head = `    <testcase ${names} file="${escapeXml(result.file)}" time="${time}"`;
  if (isMet) return `${head}/>\n`;
  const where = `${result.file}:${lineOf(check)}`;
  const text = `${where}: expected ${name}\nfound ${found}\nrepeat: ${repeatCommand(result)}`;
  const type = place === undefined ? "invariant" : "expectation";
  const message = `message="${escapeXml(`found ${found}`)}" type="${type}"`;
  return `${head}>\n      <failure ${message}>${escapeXml(text)}</failure>\n    </testcase>\n`;
}

/** For texts and attributes; characters that XML 1.0 cannot have are replaced. */
export function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd]/g, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
