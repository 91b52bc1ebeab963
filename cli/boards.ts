/** What the commands about boards share. */
import { Option } from "commander";
import { BACKENDS } from "../boards/profile-fields.ts";
import { UserError } from "./errors.ts";

/** Errors of the parts that tell a user, in one line, what to mend. */
const EXPECTED: ReadonlySet<string> = new Set(["BoardError", "PreprocessorError"]);

/** Runs, and turns what a user can mend into a UserError. */
export async function inOneLine(run: () => Promise<void> | void): Promise<void> {
  try {
    await run();
  } catch (error) {
    const isExpected = error instanceof Error && EXPECTED.has(error.name);
    const isSystem = error instanceof Error && "syscall" in error && "path" in error;
    if (isExpected || isSystem) throw new UserError(error.message, 1, { cause: error });
    throw error;
  }
}

/** A line about what goes on. */
export function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** For options that may be given several times. */
export function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

export function backendOption(): Option {
  return new Option("--backend <name>", "how the core runs, instead of the profile's").choices([
    ...BACKENDS,
  ]);
}
