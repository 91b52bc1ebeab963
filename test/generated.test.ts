import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { messageConstants } from "../scripts/message-constants.ts";

const root = join(import.meta.dirname, "..");

it("generated: every generated file is what its source says", () => {
  const script = join(root, "scripts/generate.ts");
  const run = () =>
    execFileSync(process.execPath, ["--import", "tsx", script, "--check"], {
      cwd: root,
      stdio: "pipe",
    });
  expect(run).not.toThrow();
});

it("generated: constants come from the rules that are numbers, and from no others", () => {
  const cddl = "kind-a = 1\nother = uint\nkind-b = 22 ; a comment\n; kind-c = 3\nx = kind-a / 4\n";
  expect(messageConstants(cddl, "wire").trim().split("\n").slice(2)).toEqual([
    "export const KIND_A = 1;",
    "export const KIND_B = 22;",
  ]);
  expect(messageConstants(cddl, "assembly")).toContain("export const KIND_A: u32 = 1;");
});
