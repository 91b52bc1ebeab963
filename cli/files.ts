/** Files named on the command line. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { printable } from "../wire/printable.ts";
import { UserError } from "./errors.ts";

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EACCES: "no permission to read it",
  EISDIR: "is a folder: name a file",
};
const CHUNK_BYTES = 65_536;
const STANDARD_INPUT = "standard input";

/** What a message calls the input of this path; `-` is standard input. */
export function inputName(path: string): string {
  return path === "-" ? STANDARD_INPUT : printable(path);
}

/**
 * Reads a whole file or a pipe, whatever its size is said to be.
 *
 * @throws UserError with one line: it is missing, not readable, or longer than `bytesMax`
 */
export function readInput(path: string, bytesMax: number): Uint8Array {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    return readOpen(file, path, bytesMax);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code = "", message } = error as NodeJS.ErrnoException;
    const what = SYSTEM_ERRORS[code] ?? `cannot be read (${code || message})`;
    throw new UserError(`${inputName(path)}: ${what}`, 1, { cause: error });
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** As `readInput`, of what is piped into the command. */
export async function readStandardInput(bytesMax: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > bytesMax) throw tooLong("-", bytesMax);
  }
  return Buffer.concat(chunks);
}

function readOpen(file: number, path: string, bytesMax: number): Uint8Array {
  const { size } = fstatSync(file);
  if (size > bytesMax) throw tooLong(path, bytesMax);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for (;;) {
    // Devices, pipes and what lies in /proc have no size: only reading tells.
    const chunk = Buffer.allocUnsafe(Math.max(size - bytes, 0) || CHUNK_BYTES);
    const read = readSync(file, chunk);
    if (read === 0) return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, read));
    bytes += read;
    if (bytes > bytesMax) throw tooLong(path, bytesMax);
  }
}

function tooLong(path: string, bytesMax: number): UserError {
  return new UserError(`${inputName(path)}: longer than the ${bytesMax} bytes that are read`);
}
