/** Files named on the command line. */
import { type FileHandle, open } from "node:fs/promises";
import { printable } from "../wire/printable.ts";
import { UserError } from "./errors.ts";

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EACCES: "no permission to read it",
  EISDIR: "is a folder: name a file",
};

/** What a message calls the input of this path. */
export function inputName(path: string): string {
  return path === "-" ? "standard input" : printable(path);
}

/**
 * Reads a whole file, a pipe, or standard input (`-`), whatever its size is said to be.
 *
 * @throws UserError with one line: it is missing, not readable, or longer than `bytesMax`
 */
export async function readInput(path: string, bytesMax: number): Promise<Uint8Array> {
  try {
    if (path === "-") return await readStream(process.stdin, path, bytesMax);
    const file = await open(path);
    try {
      return await readFile(file, path, bytesMax);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code = "", message } = error as NodeJS.ErrnoException;
    const what = SYSTEM_ERRORS[code] ?? `cannot be read (${code || message})`;
    throw new UserError(`${inputName(path)}: ${what}`, 1, { cause: error });
  }
}

async function readFile(file: FileHandle, path: string, bytesMax: number): Promise<Uint8Array> {
  const status = await file.stat();
  if (status.size > bytesMax) throw tooLong(path, bytesMax);
  // Devices, pipes and what lies in /proc have no size: only reading tells.
  const hasSize = status.isFile() && status.size > 0;
  const stream = file.createReadStream({
    autoClose: false,
    ...(hasSize && { highWaterMark: status.size }),
  });
  return await readStream(stream, path, bytesMax);
}

async function readStream(
  stream: AsyncIterable<Buffer>,
  path: string,
  bytesMax: number,
): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > bytesMax) throw tooLong(path, bytesMax);
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}

function tooLong(path: string, bytesMax: number): UserError {
  return new UserError(`${inputName(path)}: longer than the ${bytesMax} bytes that are read`);
}
