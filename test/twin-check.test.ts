/** `picket twin check` as a user runs it. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { TWIN_OBJECT, TWIN_SETTINGS } from "../wire/twin-properties.ts";

const PICKET = fileURLToPath(new URL("../cli/picket.js", import.meta.url));
const directory = mkdtempSync(`${tmpdir()}/picket-twin-`);
const good = file("good.json", {
  desired: { [TWIN_OBJECT]: { highPriorityMessageFrequency: { value: "PT1M" } }, Nobody: 1 },
});
const bad = file("bad.json", {
  desired: { Login_Disabled: 3, CollectorsCore_PriorityIntervals: "9,8,7" },
});
const none = `${directory}/none.json`;
writeFileSync(none, "{'desired': {}}");

afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, content: unknown): string {
  const path = `${directory}/${name}`;
  writeFileSync(path, JSON.stringify(content));
  return path;
}

function picket(...args: readonly string[]): { status: number; stdout: string; stderr: string } {
  try {
    const stdout = execFileSync(process.execPath, [PICKET, "twin", "check", ...args], {
      encoding: "utf8",
      stdio: "pipe",
    });
    return { status: 0, stdout, stderr: "" };
  } catch (error) {
    return error as { status: number; stdout: string; stderr: string };
  }
}

describe("twin check", () => {
  it("twin check: both verdicts and the effective values at --json", () => {
    const { status, stdout } = picket("--json", good, bad, none);
    const defaults = Object.fromEntries(
      TWIN_SETTINGS.map((setting) => [setting.name, setting.default]),
    );
    const faults = ["CollectorsCore_PriorityIntervals", "Login_Disabled"];
    const both = (valid: boolean, invalidFields: readonly string[]) => ({
      core: { valid, invalidFields },
      schema: { valid, invalidFields },
    });
    expect(JSON.parse(stdout)).toEqual([
      {
        file: good,
        ...both(true, []),
        effective: { ...defaults, highPriorityMessageFrequency: "PT1M" },
      },
      { file: bad, ...both(false, faults), effective: defaults },
      { file: none, ...both(false, []), effective: defaults },
    ]);
    expect(status).toBe(1);
  }, 120_000);

  it("twin check: status 0 and what differs from the defaults at valid documents", () => {
    const { status, stdout } = picket(good);
    expect(status).toBe(0);
    expect(stdout).toContain("good.json: valid");
    expect(stdout).toContain("highPriorityMessageFrequency: PT1M (default PT7M)");
    expect(stdout).toContain("not known, not obeyed: Nobody");
  }, 120_000);

  it("twin check: one line at a file that is not there", () => {
    const { status, stderr } = picket(good, `${directory}/absent.json`);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^picket: .*absent\.json: no such file\n$/);
  }, 120_000);
});
