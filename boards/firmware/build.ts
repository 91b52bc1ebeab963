/** Compiles and links the firmware of a machine. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { listWasm3Sources, wasm3Directory } from "wasm3-node/wasm3-sources.js";
import { translate } from "../aot/translate.ts";
import { renderAbiHeader } from "../glue/abi-header.ts";
import { renderLinkerScript } from "./linker-script.ts";
import { MACHINES, type Machine, type MachineName } from "./machines.ts";
import { renderBoardHeader, renderProtocolHeader } from "./protocol-header.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const sources = join(root, "boards", "firmware");
const glue = join(root, "boards", "glue");
const aot = join(root, "boards", "aot");
const compat = join(root, "host", "wasm3-node", "src");
const COMPILER = "arm-none-eabi-gcc";

/** Flags of our own C sources. */
export const WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"];
/** Flags of every source. */
export const COMMON = ["-std=gnu11", "-Os", "-g", "-ffunction-sections", "-fdata-sections"];

/** How the core runs: read from a slot by wasm3, or translated to C and linked in. */
export type Backend =
  | { readonly kind: "wasm3" }
  | { readonly kind: "aot"; readonly wasm: Uint8Array; readonly memoryBytes: number };

/** The C kit, as its own users build it. */
const KIT_SOURCES = [
  "picket.c",
  "picket_inbox.c",
  "picket_ring.c",
  "picket_sha256.c",
  "picket_slot.c",
];

/** wasm3's sources and its back end are compiled with these. */
export const WASM3_SETTINGS = ["-include", "picket_wasm3.h"];

export interface Firmware {
  readonly machine: Machine;
  /** The linked program. */
  readonly elfPath: string;
}

/** One source file, or a generated one, with the flags of its own. */
interface Unit {
  readonly path: string;
  readonly flags: readonly string[];
}

/** Flags that choose the processor. */
export function targetFlags(machine: Pick<Machine, "cpu">): string[] {
  return [`-mcpu=${machine.cpu}`, "-mthumb", "-mfloat-abi=soft"];
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

function listUnits(backend: Backend): Unit[] {
  const own = readdirSync(sources)
    .filter((name) => name.endsWith(".c"))
    .sort()
    .map((name) => ({ path: join(sources, name), flags: WARNINGS }))
    .concat(KIT_SOURCES.map((name) => ({ path: join(glue, name), flags: WARNINGS })));
  if (backend.kind === "wasm3") {
    const wasm3 = listWasm3Sources(wasm3Directory());
    return [
      ...own,
      { path: join(glue, "core-wasm3.c"), flags: [...WASM3_SETTINGS, "-Wall", "-Wextra"] },
      ...wasm3.map((path) => ({ path, flags: [...WASM3_SETTINGS, "-w"] })),
    ];
  }
  return [
    ...own,
    { path: join(glue, "core-aot.c"), flags: ["-Wall", "-Wextra"] },
    { path: join(aot, "wasm-rt.c"), flags: WARNINGS },
    { path: "core.c", flags: ["-O2", "-w"] },
  ];
}

/** Files that are made for this build, by name. */
function generate(machine: Machine, backend: Backend): Record<string, string> {
  const files = {
    "board.h": renderBoardHeader(machine, backend.kind === "wasm3"),
    "protocol.h": renderProtocolHeader(),
    "picket_abi.h": renderAbiHeader(),
    "board.ld": renderLinkerScript(machine),
  };
  if (backend.kind === "wasm3") return files;
  const { c, h } = translate(backend.wasm, { name: "core", memoryBytes: backend.memoryBytes });
  return { ...files, "core.c": c, "core.h": h };
}

/** Changes with every byte that decides about the program. */
function buildKey(units: readonly Unit[], generated: Readonly<Record<string, string>>): string {
  const hash = createHash("sha256").update(compilerVersion()).update(JSON.stringify(generated));
  hash.update(JSON.stringify([COMMON, STEPS_VERSION]));
  const folders = [sources, glue, aot, compat, wasm3Directory()];
  for (const folder of folders) {
    for (const name of readdirSync(folder).sort()) {
      if (/\.[ch]$/.test(name)) hash.update(name).update(readFileSync(join(folder, name)));
    }
  }
  for (const { path, flags } of units) hash.update(basename(path)).update(flags.join());
  return hash.digest("hex").slice(0, 24);
}

/** To be raised when this file builds otherwise. */
const STEPS_VERSION = 1;

/**
 * Builds the firmware of a machine; one that was built before is taken from `build/`.
 *
 * @throws Error when the compiler is missing or refuses
 */
export function buildFirmware(name: MachineName, backend: Backend): Firmware {
  const machine: Machine = MACHINES[name];
  const generated = generate(machine, backend);
  const units = listUnits(backend);
  const directory = join(root, "build", "firmware", buildKey(units, generated));
  const elfPath = join(directory, "firmware.elf");
  if (existsSync(elfPath)) return { machine, elfPath };

  const work = `${directory}.${process.pid}`;
  mkdirSync(work, { recursive: true });
  for (const [file, text] of Object.entries(generated)) writeFileSync(join(work, file), text);
  const folders = [work, sources, glue, aot, compat, wasm3Directory()];
  const includes = folders.flatMap((folder) => ["-I", folder]);
  const objects = units.map(({ path, flags }, index) => {
    const object = join(work, `${index}.o`);
    const source = isAbsolute(path) ? path : join(work, path);
    runCompiler([
      ...targetFlags(machine),
      ...COMMON,
      ...flags,
      ...includes,
      "-c",
      "-o",
      object,
      source,
    ]);
    return object;
  });
  const specs = [
    "--specs=nano.specs",
    "-nostartfiles",
    "-Wl,--gc-sections",
    "-Wl,--fatal-warnings",
  ];
  const script = ["-T", join(work, "board.ld"), `-Wl,-Map=${join(work, "firmware.map")}`];
  const output = join(work, "firmware.elf");
  runCompiler([...targetFlags(machine), ...specs, ...script, "-o", output, ...objects]);
  for (const object of objects) rmSync(object);
  moveFolder(work, directory);
  return { machine, elfPath };
}

/** Another process may have built the same meanwhile; then its result stays. */
export function moveFolder(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch {
    rmSync(from, { recursive: true, force: true });
  }
}
