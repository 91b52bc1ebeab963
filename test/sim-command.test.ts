import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "picket-sim-"));
const beacon = "sim/scenarios/beacon.yaml";

afterAll(() => rmSync(scratch, { recursive: true }));

function picket(...words: string[]) {
  const env = { ...process.env, GITHUB_ACTIONS: "true" };
  return spawnSync(process.execPath, ["cli/picket.js", "sim", ...words], {
    cwd: root,
    encoding: "utf8",
    env,
  });
}

describe("picket sim", () => {
  it("command: status 0 and reports when all is as expected", () => {
    const junit = join(scratch, "a.xml");
    const { status, stdout } = picket("run", beacon, "--junit", junit, "--json", "-");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ passed: true, runs: [{ scenario: "beacon" }] });
    expect(readFileSync(junit, "utf8")).toContain('failures="0"');
  });

  it("command: status 1 and an annotation when something is not", () => {
    const file = join(scratch, "b.yaml");
    const text = readFileSync(join(root, beacon), "utf8").replace("by: 10m", "by: 1m");
    writeFileSync(file, text);
    const { status, stdout, stderr } = picket("run", file);
    expect(status).toBe(1);
    expect(stdout).toContain("FAIL  beacon");
    expect(stdout).toContain("::error file=");
    expect(stderr).toContain("repeat: picket sim run");
  });

  it("command: one line and status 1 for bad files, 2 for bad usage", () => {
    const bad = picket("run", join(scratch, "none.yaml"));
    expect(bad.status).toBe(1);
    expect(bad.stderr).toMatch(/^picket: [^\n]*none\.yaml: cannot be read \(ENOENT\)\n$/);
    for (const words of [["run"], ["run", beacon, "--seed", "x"], ["run", "--what"], ["walk"]]) {
      const usage = picket(...words);
      expect(usage.status).toBe(2);
      expect(usage.stderr.trim().split("\n")).toHaveLength(1);
    }
  });

  it("command: records and replays, and tells a fleet's cost", () => {
    const recording = join(scratch, "r.picket");
    expect(picket("record", beacon, "--out", recording).status).toBe(0);
    expect(picket("replay", recording).stdout).toMatch(/^the same: \d+ calls/);
    const fleet = picket("fleet", "--boards", "1000", "--sample", "10", "--hours", "6", "--json");
    const { boards, simulated, perDay } = JSON.parse(fleet.stdout);
    expect({ boards, simulated }).toEqual({ boards: 1000, simulated: 10 });
    expect(perDay.units).toBeGreaterThan(1000);
  });
});
