/** Compiles and links the firmware of a machine. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { renderLinkerScript } from "./linker-script.ts";
import { MACHINES, type Machine, type MachineName } from "./machines.ts";
import { renderBoardHeader, renderProtocolHeader } from "./protocol-header.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const sources = join(root, "boards", "firmware");
const COMPILER = "arm-none-eabi-gcc";

const WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"];
const COMMON = ["-std=gnu11", "-Os", "-g", "-ffunction-sections", "-fdata-sections"];

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

function targetFlags(machine: Machine): string[] {
  return [`-mcpu=${machine.cpu}`, "-mthumb", "-mfloat-abi=soft"];
}

function compilerVersion(): string {
  try {
    return execFileSync(COMPILER, ["--version"], { encoding: "utf8" });
  } catch (cause) {
    throw new Error(`no ${COMPILER}: install it with \`npm run setup:firmware\``, { cause });
  }
}

function run(args: readonly string[]): void {
  try {
    execFileSync(COMPILER, args, { stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
  } catch (cause) {
    const text = String((cause as { stderr?: unknown }).stderr);
    throw new Error(`${COMPILER}: ${args.at(-1)}: ${text}`, { cause });
  }
}

function listUnits(): Unit[] {
  return readdirSync(sources)
    .filter((name) => name.endsWith(".c"))
    .sort()
    .map((name) => ({ path: join(sources, name), flags: WARNINGS }));
}

/** Changes with every byte that decides about the program. */
function buildKey(units: readonly Unit[], generated: Readonly<Record<string, string>>): string {
  const hash = createHash("sha256").update(compilerVersion()).update(JSON.stringify(generated));
  hash.update(JSON.stringify([COMMON, WARNINGS, STEPS_VERSION]));
  for (const name of readdirSync(sources).sort()) {
    if (/\.[ch]$/.test(name)) hash.update(name).update(readFileSync(join(sources, name)));
  }
  for (const { path, flags } of units) hash.update(path.slice(root.length)).update(flags.join());
  return hash.digest("hex").slice(0, 24);
}

/** To be raised when this file builds otherwise. */
const STEPS_VERSION = 1;

/**
 * Builds the firmware of a machine; one that was built before is taken from `build/`.
 *
 * @throws Error when the compiler is missing or refuses
 */
export function buildFirmware(name: MachineName): Firmware {
  const machine: Machine = MACHINES[name];
  const generated = {
    "board.h": renderBoardHeader(machine),
    "protocol.h": renderProtocolHeader(),
    "board.ld": renderLinkerScript(machine),
  };
  const units = listUnits();
  const directory = join(root, "build", "firmware", buildKey(units, generated));
  const elfPath = join(directory, "firmware.elf");
  if (existsSync(elfPath)) return { machine, elfPath };

  mkdirSync(directory, { recursive: true });
  for (const [file, text] of Object.entries(generated)) writeFileSync(join(directory, file), text);
  const includes = ["-I", sources, "-I", directory];
  const objects = units.map(({ path, flags }, index) => {
    const object = join(directory, `${index}.o`);
    run([...targetFlags(machine), ...COMMON, ...flags, ...includes, "-c", "-o", object, path]);
    return object;
  });
  const temporary = `${elfPath}.${process.pid}`;
  const specs = [
    "--specs=nano.specs",
    "-nostartfiles",
    "-Wl,--gc-sections",
    "-Wl,--fatal-warnings",
  ];
  const script = ["-T", join(directory, "board.ld"), `-Wl,-Map=${join(directory, "firmware.map")}`];
  run([...targetFlags(machine), ...specs, ...script, "-o", temporary, ...objects]);
  renameSync(temporary, elfPath);
  return { machine, elfPath };
}
