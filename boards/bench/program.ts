/** Builds and runs the counting program (main.c) on a QEMU machine. */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startMachine } from "../../host/qemu/machine.ts";
import type { BuiltCore } from "../build.ts";
import type { CoreSize } from "../core-size.ts";
import { compilerVersion, runCompiler, targetFlags, WARNINGS } from "../firmware/build.ts";
import { renderLinkerScript } from "../firmware/linker-script.ts";
import { MACHINES, type Machine, type MachineName } from "../firmware/machines.ts";
import { compileUnit, generateImage, imageUnits, kitFolders } from "../footprint-image.ts";
import { renderModuleArray } from "../header.ts";
import type { BackendName } from "../profile-fields.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const own = join(root, "boards", "bench");
const firmware = join(root, "boards", "firmware");
const SUPPORT = ["startup.c", "syscalls.c", "timer.c", "uart.c", "usage.c"];
/** With -icount shift=0 an instruction takes 1 ns of the board's time. */
const NANOSECONDS_PER_S = 1_000_000_000;
const RUN_TIMEOUT_MS = 60_000;
/** To be raised when this file builds otherwise. */
const STEPS_VERSION = 1;

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

function generate(options: ProgramOptions, machine: Machine): Record<string, string> {
  const { backend, core, size } = options;
  const image =
    backend === "aot"
      ? { wasm: core.wasm, memoryBytes: size.memoryBytes, optimization: "-O2" as const }
      : undefined;
  return {
    ...generateImage({ cpu: machine.cpu, core: image }),
    "bench.h": renderBenchHeader(options, machine),
    "board.h": renderDevices(machine),
    "board.ld": renderLinkerScript(machine),
    ...(backend === "wasm3" ? { "module.c": renderModuleArray(core) } : {}),
  };
}

function programKey(options: ProgramOptions, files: Readonly<Record<string, string>>): string {
  const hash = createHash("sha256").update(compilerVersion()).update(JSON.stringify(files));
  hash.update(JSON.stringify([STEPS_VERSION, options.machine, options.backend]));
  for (const folder of [own, firmware, ...kitFolders()]) {
    for (const name of readdirSync(folder).sort()) {
      if (/\.[ch]$/.test(name)) hash.update(name).update(readFileSync(join(folder, name)));
    }
  }
  return hash.digest("hex").slice(0, 24);
}

/**
 * Runs the program and returns what it counted; a result of before is taken from `build/`.
 *
 * @throws Error with one line when compiler or QEMU are missing or the program fails
 */
export function runProgram(options: ProgramOptions): Counts {
  const machine: Machine = MACHINES[options.machine];
  const files = generate(options, machine);
  const directory = join(root, "build", "bench");
  const path = join(directory, `${programKey(options, files)}.json`);
  if (existsSync(path)) return JSON.parse(readFileSync(path, "utf8"));
  const work = mkdtempSync(join(tmpdir(), "picket-bench-"));
  try {
    const counts = readOutput(machine, build(options, machine, files, work));
    mkdirSync(directory, { recursive: true });
    writeFileSync(path, JSON.stringify(counts));
    return counts;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function build(
  { backend, core, size }: ProgramOptions,
  machine: Machine,
  files: Readonly<Record<string, string>>,
  work: string,
): string {
  for (const [file, text] of Object.entries(files)) writeFileSync(join(work, file), text);
  const memoryBytes = size.memoryBytes;
  const image =
    backend === "aot" ? { wasm: core.wasm, memoryBytes, optimization: "-O2" as const } : undefined;
  const agent = imageUnits({ cpu: machine.cpu, core: image }).map((unit) =>
    unit.path.endsWith("core-wasm3.c") ? { ...unit, path: join(own, "core-wasm3-all.c") } : unit,
  );
  const support = SUPPORT.map((name) => ({ path: join(firmware, name), flags: WARNINGS }));
  const mine = [{ path: join(own, "main.c"), flags: WARNINGS }];
  if (backend === "wasm3") mine.push({ path: "module.c", flags: [] });
  const folders = [work, own, firmware, ...kitFolders()];
  const objects = [...agent, ...support, ...mine].map((unit, index) =>
    compileUnit({ cpu: machine.cpu, unit, index, work, folders }),
  );
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
