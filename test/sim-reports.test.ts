import { describe, expect, it } from "vitest";
import { githubAnnotations } from "../sim/reports/github.ts";
import { htmlPage } from "../sim/reports/html.ts";
import { runDocument } from "../sim/reports/json.ts";
import { junitXml } from "../sim/reports/junit.ts";
import type { Report } from "../sim/reports/report.ts";
import { failureText, runTable } from "../sim/reports/terminal.ts";
import type { RunResult } from "../sim/result.ts";

const HOSTILE = `<script>alert("1")</script>&\u0000`;

function result(isMet: boolean, name = "test"): RunResult {
  return {
    scenario: name,
    file: `dir/${name}.yaml`,
    repeatWith: ["--board", "b"],
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
      {
        name: `second ${HOSTILE}`,
        isMet,
        found: "100 %\nof, it: all",
        place: ["expect", "alerts", "0"],
      },
    ],
    timeline: [{ timeMs: 500, deviceId: HOSTILE, kind: "fault", text: HOSTILE }],
    digest: "00",
  };
}

function report(isMet: boolean, name?: string): Report {
  return {
    result: result(isMet, name),
    startedMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    tookMs: 5000,
    lineOf: ({ place }) => (place === undefined ? 1 : 12),
  };
}

/** What Jenkins' and Ant's schemas let an element hold, by our own reading; `file` is GitLab's. */
const JUNIT: Readonly<Record<string, { attributes: string; needs: string; holds: string }>> = {
  testsuites: {
    attributes: "name tests failures errors time",
    needs: "",
    holds: "testsuite",
  },
  testsuite: {
    attributes: "name package id file timestamp hostname tests failures errors skipped time",
    needs: "name package id timestamp hostname tests failures errors time",
    holds: "properties testcase",
  },
  properties: { attributes: "", needs: "", holds: "property" },
  property: { attributes: "name value", needs: "name value", holds: "" },
  testcase: {
    attributes: "classname name file time",
    needs: "classname name time",
    holds: "failure",
  },
  failure: { attributes: "message type", needs: "type", holds: "" },
};

/** Walks the tags of a document that has no comments and no CDATA. */
function checkJunit(xml: string): void {
  const open: string[] = [];
  const tags = /<(\/?)([a-z]+)((?: [a-z]+="[^"<]*")*)(\/?)>/g;
  for (const [, isEnd, name = "", rest = "", isEmpty] of xml.matchAll(tags)) {
    if (isEnd) {
      expect(open.pop()).toBe(name);
      continue;
    }
    const { attributes, needs } = JUNIT[name] as (typeof JUNIT)[string];
    const given = [...rest.matchAll(/ ([a-z]+)=/g)].map(([, attribute]) => attribute);
    expect(attributes.split(" ")).toEqual(expect.arrayContaining(given));
    expect(given).toEqual(expect.arrayContaining(needs.split(" ").filter(Boolean)));
    const parent = open.at(-1);
    if (parent !== undefined) expect(JUNIT[parent]?.holds.split(" ")).toContain(name);
    if (!isEmpty) open.push(name);
  }
  expect(open).toEqual([]);
  expect(xml.match(/</g)).toHaveLength(1 + (xml.match(tags)?.length ?? 0)); // And the first line.
}

describe("reports", () => {
  it("junit: counts, escapes, keeps to the schema, and tells how to repeat a failure", () => {
    const xml = junitXml([report(true), report(false, "other")]);
    expect(xml).toMatch(/<testsuites name="picket sim" tests="4" failures="1" errors="0" time="10/);
    expect(xml).toMatch(/<testsuite name="other" [^>]*tests="2" failures="1" errors="0"/);
    expect(xml).toContain('timestamp="2026-01-02T03:04:05"');
    expect(xml.match(/<testcase [^>]* time="2\.500"/g)).toHaveLength(4);
    expect(xml.match(/<failure /g)).toHaveLength(1);
    expect(xml).toContain('type="expectation">dir/other.yaml:12: expected second');
    expect(xml).toContain("picket sim run dir/other.yaml --seed 7 --board b");
    expect(xml).not.toContain("<script>");
    expect(xml).not.toContain("\u0000");
    checkJunit(xml);
  });

  it("github: one line for each failure, with what the format needs escaped", () => {
    expect(githubAnnotations([report(true)])).toBe("");
    const text = githubAnnotations([report(false)]);
    expect(text.split("\n")).toHaveLength(2);
    expect(text).toMatch(
      /^::error file=dir\/test\.yaml,line=12,title=picket sim%3A test::expected/,
    );
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
    expect(failureText(report(true))).toBe("");
    expect(failureText(report(false))).toMatch(/1 of 2 checks failed[\s\S]*repeat: picket sim run/);
  });
});
