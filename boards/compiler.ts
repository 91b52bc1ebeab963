/** gcc for boards: the flags, folders and sources that firmware, footprint and bench share. */
import { execFileSync } from "node:child_process";
import { createHash, type Hash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { basename, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { listWasm3Sources, OWN_SOURCES, wasm3Directory } from "wasm3-node/wasm3-sources.js";
import { translate } from "./aot/translate.ts";
import type { Machine } from "./firmware/machines.ts";
import { isInFlash, isInRam } from "./footprint-map.ts";
import { renderAbiHeader } from "./glue/abi-header.ts";

export const ROOT = fileURLToPath(new URL("../", import.meta.url));
const glue = join(ROOT, "boards", "glue");
const aot = join(ROOT, "boards", "aot");
const COMPILER = "arm-none-eabi-gcc";

/** Flags of our own C sources. */
export const WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"];
/** Flags of every source. */
export const COMMON = ["-std=gnu11", "-Os", "-g", "-ffunction-sections", "-fdata-sections"];
/** wasm3's sources and its back end are compiled with these. */
const WASM3_SETTINGS = ["-include", "picket_wasm3.h"];
/** How the core is optimized ahead of time: instructions count for more than flash. */
export const CORE_OPTIMIZATION = "-O2";

/** A core that is translated to C. */
export interface CompiledCore {
  readonly wasm: Uint8Array;
  readonly memoryBytes: number;
  /** How gcc optimizes the core's code. */
  readonly optimization: "-O2" | "-Os";
}

/** What a source belongs to: "core" is the core's code alone. */
export type ImagePart = "core" | "runtime" | "backend" | "kit";

/** A source, or a generated one (a path that is not absolute), with the flags of its own. */
export interface Unit {
  readonly path: string;
  readonly flags: readonly string[];
}

/** A source of the agent. */
export interface AgentUnit extends Unit {
  readonly part: ImagePart;
}

/** Flags that choose the processor. */
export function targetFlags({ cpu }: Pick<Machine, "cpu">): string[] {
  return [`-mcpu=${cpu}`, "-mthumb", "-mfloat-abi=soft"];
}

/** @throws Error with one line when there is none */
export function compilerVersion(): string {
  try {
    return execFileSync(COMPILER, ["--version"], { encoding: "utf8" });
  } catch (cause) {
    throw new Error(`no ${COMPILER}: install it with \`npm run setup:firmware\``, { cause });
  }
}

/** @throws Error with the compiler's own text */
export function runCompiler(args: readonly string[]): void {
  try {
    execFileSync(COMPILER, args, { stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
  } catch (cause) {
    const text = String((cause as { stderr?: unknown }).stderr);
    throw new Error(`${COMPILER}: ${args.at(-1)}: ${text}`, { cause });
  }
}

export interface CompileOptions {
  readonly cpu: Machine["cpu"];
  readonly units: readonly Unit[];
  /** Where generated sources are, and objects go. */
  readonly work: string;
  /** Of headers. */
  readonly folders: readonly string[];
}

/** Compiles sources into a folder. @returns paths of the objects, in order */
export function compileUnits({ cpu, units, work, folders }: CompileOptions): string[] {
  const includes = [work, ...folders].flatMap((folder) => ["-I", folder]);
  return units.map(({ path, flags }, index) => {
    const source = isAbsolute(path) ? path : join(work, path);
    const object = join(work, `${index}-${basename(path, ".c")}.o`);
    const all = [...targetFlags({ cpu }), ...COMMON, ...flags, ...includes];
    runCompiler([...all, "-c", "-o", object, source]);
    return object;
  });
}

/** Folders of the agent's sources and headers. */
export function agentFolders(): string[] {
  return [glue, aot, OWN_SOURCES, wasm3Directory()];
}

/** The C kit, for either back end: what boards/glue has, without the back ends themselves. */
export function kitSources(): string[] {
  return readdirSync(glue)
    .filter((name) => name.endsWith(".c") && !name.startsWith("core-"))
    .sort()
    .map((name) => join(glue, name));
}

/**
 * Sources of the agent.
 *
 * @param core undefined: wasm3, which reads the core's module
 * @param defines settings of the C kit, such as "PICKET_OBSERVATION_BYTES=256u"
 */
export function agentUnits(
  core: CompiledCore | undefined,
  defines: readonly string[] = [],
): AgentUnit[] {
  const own = [...WARNINGS, ...defines.map((define) => `-D${define}`)];
  const kit = kitSources().map((path): AgentUnit => ({ part: "kit", path, flags: own }));
  if (core !== undefined) {
    return [
      ...kit,
      { part: "backend", path: join(glue, "core-aot.c"), flags: ["-Wall", "-Wextra"] },
      { part: "runtime", path: join(aot, "wasm-rt.c"), flags: WARNINGS },
      { part: "core", path: "core.c", flags: [core.optimization, "-w"] },
    ];
  }
  const backend = [...WASM3_SETTINGS, "-Wall", "-Wextra"];
  const runtime = [...WASM3_SETTINGS, "-w"];
  return [
    ...kit,
    { part: "backend", path: join(glue, "core-wasm3.c"), flags: backend },
    ...listWasm3Sources(wasm3Directory()).map(
      (path): AgentUnit => ({ part: "runtime", path, flags: runtime }),
    ),
  ];
}

/** The agent's sources that are made for a core, by name. */
export function generateAgent(core: CompiledCore | undefined): Record<string, string> {
  const files = { "picket_abi.h": renderAbiHeader() };
  if (core === undefined) return files;
  const { c, h } = translate(core.wasm, { name: "core", memoryBytes: core.memoryBytes });
  return { ...files, "core.c": c, "core.h": h };
}

export interface BuildInput {
  readonly generated: Readonly<Record<string, string>>;
  readonly units: readonly Unit[];
  /** Whose C files decide about the result. */
  readonly folders: readonly string[];
  /** All else that does. */
  readonly other: unknown;
}

/** Changes with every byte that decides about what is built. */
export function buildKey({ generated, units, folders, other }: BuildInput): string {
  const hash = createHash("sha256").update(compilerVersion());
  hash.update(JSON.stringify([generated, COMMON, other]));
  for (const folder of folders) hashSources(hash, folder);
  for (const { path, flags } of units) hash.update(basename(path)).update(flags.join());
  return hash.digest("hex").slice(0, 24);
}

function hashSources(hash: Hash, folder: string): void {
  for (const name of readdirSync(folder).sort()) {
    if (/\.[ch]$/.test(name)) hash.update(name).update(readFileSync(join(folder, name)));
  }
}

/** Flash and RAM of a linked program, from its section headers; the stack is not in them. */
export function sizeOf(elfPath: string): { flash: number; ram: number } {
  const report = execFileSync("arm-none-eabi-size", ["-A", elfPath], { encoding: "utf8" });
  let flash = 0;
  let ram = 0;
  for (const [, section = "", bytes] of report.matchAll(/^(\.\S+)\s+(\d+)\s+\d+$/gm)) {
    if (isInFlash(section)) flash += Number(bytes);
    if (isInRam(section)) ram += Number(bytes);
  }
  return { flash, ram };
}
