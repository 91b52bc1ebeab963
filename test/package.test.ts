/** The packed package, installed beside the packages that this clone has. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const work = mkdtempSync(join(tmpdir(), "picket-package-"));
const installed = join(work, "node_modules", "picket");
const BYTES_MAX = 1_500_000;
let tarball: string;

function run(command: string, args: readonly string[], cwd: string) {
  const env = { ...process.env, XDG_CACHE_HOME: join(work, "cache") };
  const result = spawnSync(command, args, { cwd, env, encoding: "utf8" });
  return { status: result.status, out: result.stdout, error: result.stderr };
}

const picket = (...args: string[]) =>
  run(process.execPath, [join(installed, "cli", "picket.js"), ...args], work);

const filesOf = (folder: string) => readdirSync(folder, { recursive: true }).sort();

beforeAll(() => {
  const packed = run("npm", ["pack", "--json", "--pack-destination", work], root);
  expect(packed.status, packed.error).toBe(0);
  tarball = join(
    work,
    `picket-${JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version}.tgz`,
  );
  mkdirSync(installed, { recursive: true });
  expect(run("tar", ["xzf", tarball, "--strip-components=1"], installed).status).toBe(0);
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (name.startsWith(".") || name === "wasm3-node") continue;
    symlinkSync(join(root, "node_modules", name), join(work, "node_modules", name));
  }
  const addon = join(installed, "node_modules", "wasm3-node");
  expect(run(process.execPath, ["install.js", "--strict"], addon).status).toBe(0);
}, 120_000);

afterAll(() => rmSync(work, { recursive: true, force: true }));

it("package: holds what runs and nothing of the tests", () => {
  const tops = readdirSync(installed);
  for (const part of ["assembly", "boards", "cli", "detect", "host", "hub", "sim", "wire"]) {
    expect(tops).toContain(part);
  }
  expect(tops).not.toContain("test");
  expect(tops).not.toContain(".ci");
  expect(readFileSync(tarball).length).toBeLessThan(BYTES_MAX);
});

it("package: nothing of packing stays in the clone", () => {
  expect(existsSync(join(root, "host", "wasm3-node", "vendor"))).toBe(false);
});

it("package: simulates on both engines, and writes nothing into itself", () => {
  const before = filesOf(installed);
  const scenario = join(installed, "sim", "scenarios", "brute-force.yaml");
  for (const engine of ["v8", "wasm3"]) {
    const result = picket("sim", "run", scenario, "--engine", engine);
    expect(result.error).not.toMatch(/picket:/);
    expect(result.status).toBe(0);
    expect(result.out).toMatch(/^pass +brute-force/m);
  }
  expect(filesOf(installed)).toEqual(before);
}, 60_000);

it("package: shows its help and refuses a wrong argument in one line", () => {
  expect(picket("--help").out).toMatch(/^Usage: picket/);
  const { status, error } = picket("replay", "/nowhere.pcap", "--device", "10.0.0.1");
  expect(status).toBe(1);
  expect(error.trim().split("\n")).toHaveLength(1);
});
