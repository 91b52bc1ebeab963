/** JUnit XML as CI systems read it: a suite for each scenario, a case for each check. */
import { isPassed, type RunResult } from "../result.ts";
import { repeatCommand } from "./terminal.ts";

export function junitXml(results: readonly RunResult[]): string {
  const suites = results.map(suiteXml).join("");
  const tests = results.reduce((sum, { checks }) => sum + checks.length, 0);
  const failures = results.reduce((sum, result) => sum + failed(result).length, 0);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="picket sim" tests="${tests}" failures="${failures}">\n${suites}</testsuites>\n`;
}

function failed({ checks }: RunResult): RunResult["checks"] {
  return checks.filter(({ isMet }) => !isMet);
}

function suiteXml(result: RunResult): string {
  const { scenario, checks, durationMs, purpose, seed, file } = result;
  const time = (durationMs / 1000).toFixed(3);
  const head = `<testsuite name="${escapeXml(scenario)}" file="${escapeXml(file)}" tests="${checks.length}" failures="${failed(result).length}" errors="0" time="${time}">`;
  const properties = [
    ["purpose", purpose],
    ["seed", String(seed)],
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
  const cases = checks.map((check) => caseXml(check, result)).join("");
  return `  ${head}\n    <properties>\n${listed}    </properties>\n${cases}  </testsuite>\n`;
}

function caseXml({ name, isMet, found }: RunResult["checks"][number], result: RunResult): string {
  const head = `    <testcase classname="${escapeXml(`picket.sim.${result.scenario}`)}" name="${escapeXml(name)}" file="${escapeXml(result.file)}"`;
  if (isMet) return `${head}/>\n`;
  const text = `expected ${name}\nfound ${found}\nrepeat: ${repeatCommand(result)}`;
  return `${head}>\n      <failure message="${escapeXml(`found ${found}`)}">${escapeXml(text)}</failure>\n    </testcase>\n`;
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
