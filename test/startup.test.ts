import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const HEAVY = /duckdb|fastify|assemblyscript|binaryen|wabt|aedes|rhea|x509|node_modules\/mqtt\//;

function loadedBy(...args: string[]): string[] {
  const list = join(import.meta.dirname, "support/load-list.mjs");
  const { status, stderr } = spawnSync(
    process.execPath,
    ["--import", list, join(root, "cli/picket.js"), ...args],
    { cwd: root, encoding: "utf8", timeout: 60_000 },
  );
  expect(status, stderr.slice(-500)).toBe(0);
  return [...stderr.matchAll(/^loads (\S+)$/gm)].map(([, url]) => url as string);
}

it("startup: picket --help loads every command and no heavy library", () => {
  const loaded = loadedBy("--help");
  expect(loaded.filter((url) => url.includes("/cli/commands/")).length).toBeGreaterThan(10);
  expect(loaded.filter((url) => HEAVY.test(url))).toEqual([]);
  expect(loaded.filter((url) => /\/(hub|detect|console)\//.test(url))).toEqual([]);
}, 60_000);

it("startup: a command loads what it needs, so the list can tell", () => {
  const loaded = loadedBy("rules", "explain", "IoT_TiConnection");
  expect(loaded.some((url) => /duckdb/.test(url))).toBe(true);
}, 60_000);
