/** The `picket` command: finds the subcommand, prints errors as one line, sets the exit status. */
import { readdirSync } from "node:fs";
import { Command, CommanderError } from "commander";
import packageJson from "../package.json" with { type: "json" };
import { UserError } from "./errors.ts";

/** Names of expected errors of the parts: what the user gave is at fault, not we. */
const EXPECTED_ERRORS: ReadonlySet<string> = new Set([
  "UserError",
  "WireError",
  "CaptureError",
  "AddressError",
]);
const EXIT_BAD_INPUT = 1;
const EXIT_USAGE = 2;

const program = new Command("picket")
  .description(
    "An open security micro agent for RTOS-class devices, its simulator, hub and detection.",
  )
  .version(packageJson.version)
  .showHelpAfterError("(see: picket --help)")
  .exitOverride()
  .configureOutput({
    outputError: (text, write) => write(`picket: ${text.replace(/^error: /, "")}`),
  });

const commandsUrl = new URL("./commands/", import.meta.url);
for (const file of readdirSync(commandsUrl).sort()) {
  if (!file.endsWith(".ts")) continue;
  const { register } = await import(new URL(file, commandsUrl).href);
  register(program);
}
for (const command of program.commands) command.exitOverride().copyInheritedSettings(program);

// A reader that went away (`| head`) ends us quietly.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : EXIT_BAD_INPUT);
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Prints one line for what the user can mend, a stack for our own faults. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  if (error instanceof Error && EXPECTED_ERRORS.has(error.name)) {
    process.stderr.write(`picket: ${error.message.replaceAll("\n", " ")}\n`);
    return error instanceof UserError ? error.exitCode : EXIT_BAD_INPUT;
  }
  process.stderr.write(`picket: internal error, please report it\n${inspect(error)}\n`);
  return EXIT_BAD_INPUT;
}

function inspect(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
