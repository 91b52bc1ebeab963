/** `picket decode`: shows security messages of any format. */
import type { Command } from "commander";
import { UserError } from "../errors.ts";
import { inputName, readInput, readStandardInput } from "../files.ts";

const HELP = `
The format is told by the content: Picket's own (CBOR), JSON security message 1.0, or the
FlatBuffers of Microsoft's retired agent for Azure RTOS (schema 2.3). FILE "-" is standard input.

With --json a legacy message has the legacy schema's own fields; the others are JSON 1.0. One
file gives one document, several give an array in their order, with null for a damaged one.
A damaged or missing file gives one line on standard error and exit status 1.

Examples:
  picket decode message.bin
  picket decode --json message.bin
  picket decode --json *.bin > messages.json
  mosquitto_sub -N -C 1 -t 'devices/+/messages/events/#' | picket decode -`;

export function register(program: Command): void {
  program
    .command("decode")
    .summary("show security messages of any format")
    .description("Decode security messages and show what they say.")
    .argument("<file...>", "files with one message each, - for standard input")
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action((files: string[], options: { json?: boolean }) => decode(files, options.json === true));
}

async function decode(files: readonly string[], json: boolean): Promise<void> {
  const { decodeMessage, decodeToJson, MESSAGE_BYTES_MAX } = await import("../../wire/decode.ts");
  const { renderMessage } = await import("../../wire/render.ts");
  const show = (file: string, bytes: Uint8Array): string =>
    json ? decodeToJson(bytes) : renderMessage(inputName(file), decodeMessage(bytes)).join("\n");
  const results: (string | null)[] = [];
  const errors: UserError[] = [];
  for (const file of files) {
    try {
      const bytes = await (file === "-"
        ? readStandardInput(MESSAGE_BYTES_MAX)
        : readInput(file, MESSAGE_BYTES_MAX));
      results.push(show(file, bytes));
    } catch (cause) {
      errors.push(userError(file, cause));
      results.push(null);
    }
  }
  const last = errors.pop();
  if (files.length > 1 && json) {
    process.stdout.write(`[\n${results.map((result) => result ?? "null").join(",\n")}\n]\n`);
  } else {
    const shown = results.filter((result) => result !== null);
    if (shown.length > 0) process.stdout.write(`${shown.join(json ? "\n" : "\n\n")}\n`);
  }
  for (const error of errors) process.stderr.write(`picket: ${error.message}\n`);
  if (last) throw last;
}

function userError(file: string, cause: unknown): UserError {
  if (cause instanceof UserError) return cause;
  if (!(cause instanceof Error) || cause.name !== "WireError") throw cause;
  return new UserError(`${inputName(file)}: ${cause.message}`, 1, { cause });
}
