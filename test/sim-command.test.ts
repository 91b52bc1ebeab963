import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "picket-sim-"));
const beacon = "sim/scenarios/beacon.yaml";

const has = (program: string) => spawnSync(program, ["--version"]).status === 0;
const onQemu = has("arm-none-eabi-gcc") && has("qemu-system-arm");

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
    expect(stdout).toMatch(/::error file=[^,]*b\.yaml,line=19,title=/);
    expect(stderr).toContain("Picket_Beacon of sensor by 1m: at least 1  (line 19)");
    expect(stderr).toContain("repeat: picket sim run");
  });

  it("command: one line and status 2 for bad files and bad usage", () => {
    const bad = picket("run", join(scratch, "none.yaml"));
    expect(bad.status).toBe(2);
    expect(bad.stderr).toMatch(/^picket: [^\n]*none\.yaml: cannot be read \(ENOENT\)\n$/);
    const file = join(scratch, "c.yaml");
    writeFileSync(file, readFileSync(join(root, beacon), "utf8").replace("every: 5m", "evry: 5m"));
    const key = picket("run", beacon, file);
    expect(key.status).toBe(2);
    expect(key.stderr).toMatch(
      /c\.yaml:15: traffic\[1\]: "evry" is not known here, expected one of/,
    );
    for (const words of [
      ["run"],
      ["run", beacon, "--seed", "x"],
      ["run", beacon, "--engine", "v9"],
      ["run", beacon, "--board", "none"],
      ["replay", join(scratch, "none.picket")],
      ["replay", beacon],
      ["fleet", join(root, beacon)],
      ["run", "--what"],
      ["walk"],
    ]) {
      const usage = picket(...words);
      expect(usage.status).toBe(2);
      expect(usage.stderr.trim().split("\n")).toHaveLength(1);
    }
  });

  it("command: a signal ends a run in good order", async () => {
    const words = ["cli/picket.js", "sim", "run", beacon, beacon, "--real-time"];
    let ended: { status: unknown; told: string } = { status: null, told: "" };
    // One that comes before the command has begun to run ends it at once: wait longer then.
    for (let waitMs = 4000; ended.status === null && waitMs <= 32_000; waitMs *= 2) {
      const child = spawn(process.execPath, words, {
        cwd: root,
        stdio: ["ignore", "ignore", "pipe"],
      });
      let told = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        told += text;
      });
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      child.kill("SIGINT");
      const status = await new Promise((resolve) => child.on("close", resolve));
      ended = { status, told };
    }
    expect(ended).toEqual({
      status: 130,
      told: "picket: interrupted after 0 of 2 scenarios\n",
    });
  });

  it("command: virtual time goes as fast as --speed says", () => {
    const file = join(scratch, "d.yaml");
    const text = readFileSync(join(root, beacon), "utf8").replace("duration: 15m", "duration: 2m");
    writeFileSync(file, text.replace(/expect:[\s\S]*/, ""));
    const start = performance.now();
    const fast = picket("run", file, "--json", "-");
    const fastMs = performance.now() - start;
    const slow = picket("run", file, "--speed", "40", "--json", "-");
    expect(performance.now() - start - 2 * fastMs).toBeGreaterThan(500);
    const digestOf = (text: string) => JSON.parse(text).runs[0].digest;
    expect(digestOf(slow.stdout)).toBe(digestOf(fast.stdout));
  });

  it.skipIf(!onQemu && !process.env.CI)("command: QEMU's board sends the same bytes", () => {
    const file = join(scratch, "e.yaml");
    const text = readFileSync(join(root, beacon), "utf8").replace("duration: 15m", "duration: 90s");
    writeFileSync(file, text.replace(/expect:[\s\S]*/, ""));
    const runOn = (engine: string) => {
      const words = ["--engine", engine, "--board", "mps2-an500", "--json", "-"];
      const { status, stdout } = picket("run", file, ...words);
      expect(status).toBe(0);
      return JSON.parse(stdout).runs[0];
    };
    const [here, there] = [runOn("v8"), runOn("qemu")];
    expect(there.digest).toBe(here.digest);
    expect(there.totals.messages).toBeGreaterThan(5);
    expect(there.boards[0].profile.name).toBe("mps2-an500");
  });

  it("command: records and replays, and tells a fleet's cost", () => {
    const recording = join(scratch, "r.picket");
    expect(picket("record", beacon, "--out", recording).status).toBe(0);
    expect(picket("replay", recording).stdout).toMatch(/^the same: \d+ calls/);
    const memory = join(scratch, "memory.bin");
    const tail = join(scratch, "tail.picket");
    const from = ["--at", "7m", "--snapshot", memory];
    expect(picket("record", beacon, "--out", tail, ...from).status).toBe(0);
    const rest = picket("replay", tail, "--snapshot", memory, "--board", "sensor", "--json");
    expect(rest.status).toBe(0);
    const { calls, difference } = JSON.parse(rest.stdout);
    expect(difference).toBeNull();
    expect(calls).toBeGreaterThan(100);
    expect(picket("replay", tail).status).toBe(1);
    expect(picket("record", beacon, "--out", tail, "--at", "7m").status).toBe(2);
    const fleet = picket("fleet", "--boards", "1000", "--sample", "10", "--hours", "6", "--json");
    const { boards, simulated, perDay } = JSON.parse(fleet.stdout);
    expect({ boards, simulated }).toEqual({ boards: 1000, simulated: 10 });
    expect(perDay.units).toBeGreaterThan(1000);
  });
});
