/** Builds and runs the counting program (main.c) on a QEMU machine. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startMachine } from "../../host/qemu/machine.ts";
import type { BuiltCore } from "../build.ts";
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
import type { CoreSize } from "../core-size.ts";
import { renderLinkerScript } from "../firmware/linker-script.ts";
import { MACHINES, type Machine, type MachineName } from "../firmware/machines.ts";
import { renderModuleArray } from "../header.ts";
import type { BackendName } from "../profile-fields.ts";
import { workDirectory } from "../work-directory.ts";

const own = join(ROOT, "boards", "bench");
const firmware = join(ROOT, "boards", "firmware");
const SUPPORT = ["startup.c", "syscalls.c", "timer.c", "uart.c", "usage.c"];
/** With -icount shift=0 an instruction takes 1 ns of the board's time. */
const NANOSECONDS_PER_S = 1_000_000_000;
const RUN_TIMEOUT_MS = 60_000;
/** To be raised when this file builds otherwise. */
const STEPS_VERSION = 2;

export interface ProgramOptions {
  readonly machine: MachineName;
  readonly backend: BackendName;
  readonly core: BuiltCore;
  readonly size: CoreSize;
  /** Counts instructions too: only with RING_SLOTS of 32 or more and messages up to 4,096 bytes. */
  readonly isCounting: boolean;
}

/** What the program printed, by name. */
export type Counts = Readonly<Record<string, number>>;

function renderBenchHeader(options: ProgramOptions, machine: Machine): string {
  const { backend, isCounting, size } = options;
  const module =
    backend === "wasm3"
      ? `{picket_core_wasm, ${size.wasmBytes}u, ${size.memoryBytes}u, ${size.stackBytes}u}`
      : "{0}";
  return `#include <stdint.h>
#define TICK_INSTRUCTIONS ${NANOSECONDS_PER_S / machine.clockHz}u
#define BENCH_MODULE ${module}
${backend === "wasm3" ? "#define BENCH_WASM3 1" : ""}
${isCounting ? "" : "#define BENCH_MEMORY 1"}
extern const uint8_t picket_core_wasm[];
const char *bench_compile_all(void);
`;
}

/** What timer.c and uart.c ask for. */
function renderDevices({ clockHz, uart, uartInterrupt, timer }: Machine): string {
  return `#define BOARD_CLOCK_HZ ${clockHz}u
#define BOARD_UART ${uart}u
#define BOARD_UART_INTERRUPT ${uartInterrupt}u
#define BOARD_TIMER ${timer}u
`;
}

function compiledCore({ backend, core, size }: ProgramOptions): CompiledCore | undefined {
  if (backend === "wasm3") return undefined;
  return { wasm: core.wasm, memoryBytes: size.memoryBytes, optimization: CORE_OPTIMIZATION };
}

function generate(options: ProgramOptions, machine: Machine): Record<string, string> {
  return {
    ...generateAgent(compiledCore(options)),
    "bench.h": renderBenchHeader(options, machine),
    "board.h": renderDevices(machine),
    "board.ld": renderLinkerScript(machine),
    ...(options.backend === "wasm3" ? { "module.c": renderModuleArray(options.core) } : {}),
  };
}

function listUnits(options: ProgramOptions): Unit[] {
  const agent = agentUnits(compiledCore(options)).map((unit) =>
    unit.path.endsWith("core-wasm3.c") ? { ...unit, path: join(own, "core-wasm3-all.c") } : unit,
  );
  const support = SUPPORT.map((name) => ({ path: join(firmware, name), flags: WARNINGS }));
  const mine = [{ path: join(own, "main.c"), flags: WARNINGS }];
  const module = options.backend === "wasm3" ? [{ path: "module.c", flags: [] }] : [];
  return [...agent, ...support, ...mine, ...module];
}

/**
 * Runs the program and returns what it counted; a result of before is taken from `build/`.
 *
 * @throws Error with one line when compiler or QEMU are missing or the program fails
 */
export function runProgram(options: ProgramOptions): Counts {
  const machine: Machine = MACHINES[options.machine];
  const files = generate(options, machine);
  const units = listUnits(options);
  const folders = [own, firmware, ...agentFolders()];
  const other = [STEPS_VERSION, options.machine];
  const key = buildKey({ generated: files, units, folders, other });
  const directory = workDirectory("bench");
  const path = join(directory, `${key}.json`);
  if (existsSync(path)) return JSON.parse(readFileSync(path, "utf8"));
  const work = mkdtempSync(join(tmpdir(), "picket-bench-"));
  try {
    const counts = readOutput(machine, build({ machine, files, units, folders, work }));
    mkdirSync(directory, { recursive: true });
    writeFileSync(path, JSON.stringify(counts));
    return counts;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

interface ProgramBuild {
  readonly machine: Machine;
  readonly files: Readonly<Record<string, string>>;
  readonly units: readonly Unit[];
  readonly folders: readonly string[];
  readonly work: string;
}

function build({ machine, files, units, folders, work }: ProgramBuild): string {
  for (const [file, text] of Object.entries(files)) writeFileSync(join(work, file), text);
  const objects = compileUnits({ cpu: machine.cpu, units, work, folders });
  const output = join(work, "bench.elf");
  const link = ["--specs=nano.specs", "-nostartfiles", "-Wl,--gc-sections"];
  const script = ["-T", join(work, "board.ld")];
  runCompiler([...targetFlags(machine), ...link, ...script, "-o", output, ...objects]);
  return output;
}

function readOutput(machine: Machine, elfPath: string): Counts {
  const line = startMachine({ machine: machine.name, elfPath });
  const counts: Record<string, number> = {};
  const end = performance.now() + RUN_TIMEOUT_MS;
  try {
    for (let text = ""; performance.now() < end; ) {
      text += Buffer.from(line.read(RUN_TIMEOUT_MS)).toString("latin1");
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const entry of lines) {
        if (entry === "end") return counts;
        if (entry.startsWith("failed")) throw new Error(`${machine.name}: bench ${entry}`);
        const space = entry.lastIndexOf(" ");
        counts[entry.slice(0, space)] = Number(entry.slice(space + 1));
      }
    }
    throw new Error(`${machine.name}: the bench does not end within ${RUN_TIMEOUT_MS} ms`);
  } finally {
    line.close();
  }
}
