/** A QEMU process with its serial line as two pipes, read and written without an event loop. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface MachineOptions {
  /** QEMU's name of the machine. */
  readonly machine: string;
  /** The firmware, ELF. */
  readonly elfPath: string;
  /** Files put into memory before the start, as a programmer would. */
  readonly images?: readonly { readonly path: string; readonly address: number }[];
}

/** The serial line of a running machine. */
export interface SerialLine {
  write(bytes: Uint8Array): void;
  /**
   * What has arrived, at least one byte.
   *
   * @throws Error when nothing comes within `timeoutMs`
   */
  read(timeoutMs: number): Uint8Array;
  /** Stops the machine and removes its pipes. */
  close(): void;
}

const PROGRAM = "qemu-system-arm";
const READ_BYTES = 65_536;
const WAIT_MS_MAX = 2;

function qemuArguments(options: MachineOptions, pipe: string): string[] {
  const images = options.images ?? [];
  const loaders = images.flatMap(({ path, address }) => [
    "-device",
    `loader,file=${path},addr=0x${address.toString(16)},force-raw=on`,
  ]);
  return [
    ...["-machine", options.machine, "-kernel", options.elfPath, ...loaders],
    // One instruction, one nanosecond of the board's time: timers count instructions.
    ...["-icount", "shift=0", "-display", "none", "-monitor", "none"],
    ...["-chardev", `pipe,id=line,path=${pipe}`, "-serial", "chardev:line"],
  ];
}

/** Sleeps without an event loop. */
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/**
 * Starts a machine.
 *
 * @throws Error when QEMU is not installed
 */
export function startMachine(options: MachineOptions): SerialLine {
  const directory = mkdtempSync(join(tmpdir(), "picket-qemu-"));
  const pipe = join(directory, "line");
  execFileSync("mkfifo", [`${pipe}.in`, `${pipe}.out`]);
  const flags = constants.O_RDWR | constants.O_NONBLOCK;
  const toMachine = openSync(`${pipe}.in`, flags);
  const fromMachine = openSync(`${pipe}.out`, flags);
  const child = spawnQemu(options, pipe);
  const buffer = Buffer.alloc(READ_BYTES);
  let isOpen = true;

  function close(): void {
    if (!isOpen) return;
    isOpen = false;
    process.off("exit", close);
    child.kill("SIGKILL");
    closeSync(toMachine);
    closeSync(fromMachine);
    rmSync(directory, { recursive: true, force: true });
  }
  process.once("exit", close);

  return {
    close,
    write: (bytes) => writeAll(toMachine, bytes),
    read(timeoutMs) {
      const count = readSome(fromMachine, buffer, timeoutMs);
      if (count === 0) throw new Error(`${options.machine}: no answer within ${timeoutMs} ms`);
      return buffer.subarray(0, count);
    },
  };
}

function spawnQemu(options: MachineOptions, pipe: string): ChildProcess {
  const child = spawn(PROGRAM, qemuArguments(options, pipe), {
    stdio: ["ignore", "ignore", "inherit"],
  });
  child.on("error", () => {}); // Told below, and by the timeout of the first read.
  if (child.pid === undefined) {
    throw new Error(`no ${PROGRAM}: install it with \`npm run setup:firmware\``);
  }
  child.unref();
  return child;
}

function isAgain(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "EAGAIN";
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(file, bytes, done);
    } catch (error) {
      if (!isAgain(error)) throw error;
      Atomics.wait(sleeper, 0, 0, 1);
    }
  }
}

/** 0 when the time is over. Waits longer the longer nothing comes. */
function readSome(file: number, buffer: Buffer, timeoutMs: number): number {
  const end = performance.now() + timeoutMs;
  let waitMs = 0.02;
  for (;;) {
    try {
      return readSync(file, buffer);
    } catch (error) {
      if (!isAgain(error)) throw error;
    }
    if (performance.now() > end) return 0;
    Atomics.wait(sleeper, 0, 0, waitMs);
    waitMs = Math.min(waitMs * 1.5, WAIT_MS_MAX);
  }
}
