/** Command lines of the programs that write flash, as their manuals and parsers have them. */
import { BoardError } from "./board-error.ts";

export const PROGRAMMERS = ["openocd", "stlink", "dfu-util", "pyocd", "qemu"] as const;
export type Programmer = (typeof PROGRAMMERS)[number];
/** Those that are programs of their own. */
export type ExternalProgrammer = Exclude<Programmer, "qemu">;

/** One run of a program. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

/** A range of flash and the file that it is read into or written from. */
export interface Transfer {
  readonly address: number;
  readonly bytes: number;
  readonly file: string;
}

interface Target {
  /** Configuration files of openocd 0.12. */
  readonly openocd?: readonly string[];
  /** On-board ST-Link. */
  readonly stlink?: true;
  /** The MCU's own USB boot loader. */
  readonly dfu?: true;
  /** pyocd's name of the MCU. */
  readonly pyocd?: string;
}

/** The first programmer of a board is its default. */
const TARGETS: Readonly<Record<string, Target>> = {
  "mxchip-az3166": {
    openocd: ["interface/stlink.cfg", "target/stm32f4x.cfg"],
    stlink: true,
    pyocd: "stm32f412rgtx",
  },
  "b-l475e-iot01a": {
    openocd: ["board/st_b-l475e-iot01a.cfg"],
    stlink: true,
    dfu: true,
    pyocd: "stm32l475vgtx",
  },
  "b-l4s5i-iot01a": {
    openocd: ["interface/stlink.cfg", "target/stm32l4x.cfg"],
    stlink: true,
    dfu: true,
    pyocd: "stm32l4s5vitx",
  },
  "stm32f746g-disco": {
    openocd: ["board/stm32f746g-disco.cfg"],
    stlink: true,
    dfu: true,
    pyocd: "stm32f746nghx",
  },
  "atsame54-xpro": {
    openocd: ["board/microchip_same54_xplained_pro.cfg"],
    pyocd: "atsame54p20a",
  },
  "mimxrt1060-evk": { pyocd: "mimxrt1060" },
};

const KEYS = { openocd: "openocd", stlink: "stlink", "dfu-util": "dfu", pyocd: "pyocd" } as const;

const hex = (value: number) => `0x${value.toString(16).padStart(8, "0")}`;

/** Programmers for a board, its default first. */
export function programmersOf(board: string): Programmer[] {
  if (board.startsWith("mps2-")) return ["qemu"];
  const target = TARGETS[board] ?? {};
  return (Object.keys(KEYS) as ExternalProgrammer[]).filter(
    (name) => target[KEYS[name]] !== undefined,
  );
}

function targetOf(board: string): Target {
  return TARGETS[board] ?? {};
}

/** openocd reads Tcl: braces keep all but braces and backslashes as they are. */
function tclPath(file: string): string {
  if (/[{}\\]/.test(file)) throw new BoardError(`openocd cannot take the path ${file}`);
  return `{${file}}`;
}

function openocd(board: string, commands: readonly string[]): Command {
  const files = (targetOf(board).openocd ?? []).flatMap((file) => ["-f", file]);
  const script = ["init", "reset halt", ...commands, "reset run", "shutdown"].join("; ");
  return { program: "openocd", args: [...files, "-c", script] };
}

/** pyocd's Commander takes a path in quotes. */
function pyocd(board: string, args: readonly string[]): Command {
  const [subcommand = "", ...rest] = args;
  const target = targetOf(board).pyocd ?? "";
  return { program: "pyocd", args: [subcommand, "--target", target, ...rest] };
}

/** Reads flash into a file. */
export function readCommand(
  programmer: ExternalProgrammer,
  board: string,
  { address, bytes, file }: Transfer,
): Command {
  switch (programmer) {
    case "openocd":
      return openocd(board, [`dump_image ${tclPath(file)} ${hex(address)} ${bytes}`]);
    case "stlink":
      return { program: "st-flash", args: ["read", file, hex(address), `0x${bytes.toString(16)}`] };
    case "dfu-util":
      return {
        program: "dfu-util",
        args: ["--alt", "0", "--dfuse-address", `${hex(address)}:${bytes}`, "--upload", file],
      };
    case "pyocd":
      return pyocd(board, ["commander", "-c", `savemem ${hex(address)} ${bytes} "${file}"`]);
  }
}

/** Erases what a file needs, and writes it; the board starts afterwards. */
export function writeCommand(
  programmer: ExternalProgrammer,
  board: string,
  { address, file }: Transfer,
): Command {
  switch (programmer) {
    case "openocd":
      return openocd(board, [
        `flash write_image erase ${tclPath(file)} ${hex(address)} bin`,
        `verify_image ${tclPath(file)} ${hex(address)} bin`,
      ]);
    case "stlink":
      return { program: "st-flash", args: ["--reset", "write", file, hex(address)] };
    case "dfu-util":
      return {
        program: "dfu-util",
        args: ["--alt", "0", "--dfuse-address", hex(address), "--download", file],
      };
    case "pyocd":
      return pyocd(board, ["load", "--format", "bin", "--base-address", hex(address), file]);
  }
}

/** A command as one would type it in a shell. */
export function renderCommand({ program, args }: Command): string {
  const quoted = args.map((arg) => (/^[\w./:=,-]+$/.test(arg) ? arg : `'${arg}'`));
  return [program, ...quoted].join(" ");
}
