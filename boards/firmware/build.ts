/** Compiles and links the firmware of a machine. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  agentFolders,
  agentUnits,
  buildKey,
  CORE_OPTIMIZATION,
  type CompiledCore,
  compileUnits,
  generateAgent,
  ROOT,
  runCompiler,
  targetFlags,
  type Unit,
  WARNINGS,
} from "../compiler.ts";
import { workDirectory } from "../work-directory.ts";
import { renderLinkerScript } from "./linker-script.ts";
import { MACHINES, type Machine, type MachineName } from "./machines.ts";
import { renderBoardHeader, renderProtocolHeader } from "./protocol-header.ts";

const sources = join(ROOT, "boards", "firmware");

/** How the core runs: read from a slot by wasm3, or translated to C and linked in. */
export type Backend =
  | { readonly kind: "wasm3" }
  | { readonly kind: "aot"; readonly wasm: Uint8Array; readonly memoryBytes: number };

export interface Firmware {
  readonly machine: Machine;
  /** The linked program. */
  readonly elfPath: string;
}

function compiledCore(backend: Backend): CompiledCore | undefined {
  if (backend.kind === "wasm3") return undefined;
  return {
    wasm: backend.wasm,
    memoryBytes: backend.memoryBytes,
    optimization: CORE_OPTIMIZATION,
  };
}

/** Files that are made for this build, by name. */
function generate(machine: Machine, backend: Backend): Record<string, string> {
  return {
    ...generateAgent(compiledCore(backend)),
    "board.h": renderBoardHeader(machine, backend.kind === "wasm3"),
    "protocol.h": renderProtocolHeader(),
    "board.ld": renderLinkerScript(machine),
  };
}

/** To be raised when this file builds otherwise. */
const STEPS_VERSION = 2;

/**
 * Builds the firmware of a machine; one that was built before is taken from `build/`.
 *
 * @throws Error when the compiler is missing or refuses
 */
export function buildFirmware(name: MachineName, backend: Backend): Firmware {
  const machine: Machine = MACHINES[name];
  const generated = generate(machine, backend);
  const own = readdirSync(sources).filter((file) => file.endsWith(".c"));
  const units: Unit[] = [
    ...own.sort().map((file) => ({ path: join(sources, file), flags: WARNINGS })),
    ...agentUnits(compiledCore(backend)),
  ];
  const folders = [sources, ...agentFolders()];
  const key = buildKey({ generated, units, folders, other: STEPS_VERSION });
  const directory = join(workDirectory("firmware"), key);
  const elfPath = join(directory, "firmware.elf");
  if (existsSync(elfPath)) return { machine, elfPath };

  const work = `${directory}.${process.pid}`;
  mkdirSync(work, { recursive: true });
  for (const [file, text] of Object.entries(generated)) writeFileSync(join(work, file), text);
  const objects = compileUnits({ cpu: machine.cpu, units, work, folders });
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
