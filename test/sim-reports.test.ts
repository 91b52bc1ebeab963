import { describe, expect, it } from "vitest";
import { githubAnnotations } from "../sim/reports/github.ts";
import { htmlPage } from "../sim/reports/html.ts";
import { runDocument } from "../sim/reports/json.ts";
import { junitXml } from "../sim/reports/junit.ts";
import { failureText, runTable } from "../sim/reports/terminal.ts";
import type { RunResult } from "../sim/result.ts";

const HOSTILE = `<script>alert("1")</script>&\u0000`;

function result(isMet: boolean, name = "test"): RunResult {
  return {
    scenario: name,
    file: `dir/${name}.yaml`,
    purpose: HOSTILE,
    seed: 7,
    durationMs: 60_000,
    boards: [
      { deviceId: HOSTILE, board: "b", counters: { messages: 3 }, missing: 0, recoveryMs: 0 },
    ],
    totals: { messages: 3 },
    alerts: [],
    checks: [
      { name: "first", isMet: true, found: "1" },
      { name: `second ${HOSTILE}`, isMet, found: "100 %\nof, it: all" },
    ],
    timeline: [{ timeMs: 500, deviceId: HOSTILE, kind: "fault", text: HOSTILE }],
    digest: "00",
  };
}

describe("reports", () => {
  it("junit: counts, escapes, and tells how to repeat a failure", () => {
    const xml = junitXml([result(true), result(false, "other")]);
    expect(xml).toMatch(/<testsuites name="picket sim" tests="4" failures="1">/);
    expect(xml).toMatch(/<testsuite name="other" [^>]*tests="2" failures="1" errors="0"/);
    expect(xml.match(/<testcase /g)).toHaveLength(4);
    expect(xml.match(/<failure /g)).toHaveLength(1);
    expect(xml).toContain("picket sim run dir/other.yaml --seed 7");
    expect(xml).not.toContain("<script>");
    expect(xml).not.toContain("\u0000");
    // Each tag that opens closes.
    const open = xml.match(/<(?![/?])[^>]*[^/]>/g) ?? [];
    expect(xml.match(/<\//g)).toHaveLength(open.length);
  });

  it("github: one line for each failure, with what the format needs escaped", () => {
    expect(githubAnnotations([result(true)])).toBe("");
    const text = githubAnnotations([result(false)]);
    expect(text.split("\n")).toHaveLength(2);
    expect(text).toMatch(/^::error file=dir\/test\.yaml,line=1,title=picket sim%3A test::expected/);
    expect(text).toContain("found 100 %25%0Aof, it: all%0A");
  });

  it("html: shows each board's timeline, and hostile texts as texts", () => {
    const page = htmlPage([result(false)]);
    expect(page).not.toContain("<script>");
    expect(page).toMatch(/<svg [^>]*role="img"/);
    expect(page).toContain('class="fault"');
    expect(page).toContain("1 of 1 failed");
    expect(page).not.toMatch(/https?:\/\//);
  });

  it("json and terminal: say what passed and what did not", () => {
    expect(runDocument([result(true)]).passed).toBe(true);
    expect(runDocument([result(true), result(false)]).passed).toBe(false);
    expect(runTable([result(true), result(false)])).toMatch(/pass {2}test[\s\S]*FAIL {2}test/);
    expect(failureText(result(true))).toBe("");
    expect(failureText(result(false))).toMatch(/1 of 2 checks failed[\s\S]*repeat: picket sim run/);
  });
});
