/** The `picket` command: finds the subcommand, prints errors as one line, sets the exit status. */
import { existsSync, readdirSync } from "node:fs";
import { Command, CommanderError } from "commander";
import packageJson from "../package.json" with { type: "json" };
import { isOwnFault, UserError } from "./errors.ts";

const EXIT_BAD_INPUT = 1;
const EXIT_USAGE = 2;

// A reader that went away (`| head`) ends us quietly.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : EXIT_BAD_INPUT);
});

try {
  const program = await createProgram();
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

async function createProgram(): Promise<Command> {
  const program = new Command("picket")
    .description(
      "An open security micro agent for RTOS-class devices, its simulator, hub and detection.",
    )
    .version(packageJson.version)
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => {
        const line = text
          .replace(/^error: /, "")
          .trim()
          .replaceAll("\n", " ");
        write(`picket: ${line} (see: picket --help)\n`);
      },
    });
  const commandsUrl = new URL("./commands/", import.meta.url);
  for (const file of commandFiles(commandsUrl)) {
    const { register } = await import(new URL(file, commandsUrl).href);
    register(program);
  }
  for (const command of program.commands) command.exitOverride().copyInheritedSettings(program);
  return program;
}

/** The file of the command that is asked for, if one is; else all. */
function commandFiles(commandsUrl: URL): string[] {
  const name = process.argv[2] ?? "";
  const file = `${name}.ts`;
  if (/^[a-z0-9-]+$/.test(name) && existsSync(new URL(file, commandsUrl))) return [file];
  return readdirSync(commandsUrl)
    .filter((entry) => entry.endsWith(".ts"))
    .sort();
}

/** Prints one line for what the user can mend, a stack for our own faults. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  if (error instanceof Error && !isOwnFault(error)) {
    process.stderr.write(`picket: ${error.message.trim().replaceAll(/\s*\n\s*/g, " ")}\n`);
    return error instanceof UserError ? error.exitCode : EXIT_BAD_INPUT;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`picket: internal error, please report it\n${stack}\n`);
  return EXIT_BAD_INPUT;
}
