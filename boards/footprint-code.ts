/** Bytes of the core's code when it is translated to C and compiled, by itself. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  agentFolders,
  COMMON,
  compilerVersion,
  compileUnits,
  generateAgent,
  ROOT,
} from "./compiler.ts";
import type { CoreSize } from "./core-size.ts";
import type { Machine } from "./firmware/machines.ts";
import { workDirectory } from "./work-directory.ts";

/** To be raised when this file counts otherwise. */
const STEPS_VERSION = 1;

export interface CodeOptions {
  readonly cpu: Machine["cpu"];
  readonly optimization: "-O2" | "-Os";
  readonly wasm: Uint8Array;
  readonly size: CoreSize;
}

/**
 * @returns bytes of code and constants; a result of before is taken from `build/`
 * @throws Error with one line when there is no compiler
 */
export function measureCode(options: CodeOptions): number {
  const { cpu, optimization, wasm, size } = options;
  const hash = createHash("sha256").update(compilerVersion()).update(wasm);
  hash.update(JSON.stringify([STEPS_VERSION, cpu, optimization, size.memoryBytes, COMMON]));
  hash.update(readFileSync(join(ROOT, "boards/aot/wasm-rt.h")));
  const directory = workDirectory("footprint");
  const path = join(directory, `${hash.digest("hex").slice(0, 24)}.code`);
  if (existsSync(path)) return Number(readFileSync(path, "utf8"));
  const work = mkdtempSync(join(tmpdir(), "picket-code-"));
  try {
    const core = { wasm, memoryBytes: size.memoryBytes, optimization };
    for (const [file, text] of Object.entries(generateAgent(core))) {
      writeFileSync(join(work, file), text);
    }
    const units = [{ path: "core.c", flags: [optimization, "-w"] }];
    const [object = ""] = compileUnits({ cpu, units, work, folders: agentFolders() });
    const bytes = codeBytes(object);
    mkdirSync(directory, { recursive: true });
    writeFileSync(path, String(bytes));
    return bytes;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function codeBytes(object: string): number {
  const report = execFileSync("arm-none-eabi-size", ["-A", object], { encoding: "utf8" });
  let bytes = 0;
  for (const [, size] of report.matchAll(/^\.(?:text|rodata)\S*\s+(\d+)\s/gm))
    bytes += Number(size);
  return bytes;
}
