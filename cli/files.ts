/** Files named on the command line. */
import { readFileSync, statSync } from "node:fs";
import { UserError } from "./errors.ts";

/**
 * Reads a whole file.
 *
 * @throws UserError with one line: it is missing, no file, not readable, or larger than `bytesMax`
 */
export function readInput(path: string, bytesMax: number): Uint8Array {
  try {
    const status = statSync(path);
    if (status.isDirectory()) throw new UserError(`${path}: is a folder: name a file`);
    if (status.size > bytesMax) {
      throw new UserError(`${path}: ${status.size} bytes, at most ${bytesMax} are read`);
    }
    return readFileSync(path);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const what =
      code === "ENOENT" ? "no such file" : code === "EACCES" ? "no permission to read it" : code;
    throw new UserError(`${path}: ${what}`, 1, { cause: error });
  }
}
