/** `picket decode`: shows security messages of any format. */
import { open } from "node:fs/promises";
import type { Command } from "commander";
import { decodeMessage, decodeToJson, MESSAGE_BYTES_MAX } from "../../wire/decode.ts";
import { WireError } from "../../wire/events.ts";
import { printable } from "../../wire/printable.ts";
import { renderMessage } from "../../wire/render.ts";
import { UserError } from "../errors.ts";

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

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EACCES: "permission denied",
  EISDIR: "is a directory, not a message",
};

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
  const results: (string | null)[] = [];
  const errors: UserError[] = [];
  for (const file of files) {
    try {
      results.push(show(file, await readMessage(file), json));
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

function show(file: string, bytes: Uint8Array, json: boolean): string {
  if (json) return decodeToJson(bytes);
  return renderMessage(file === "-" ? "standard input" : file, decodeMessage(bytes)).join("\n");
}

/** At most one byte more than a message may have, whatever the file says of its size. */
async function readMessage(file: string): Promise<Uint8Array> {
  const input = file === "-" ? process.stdin : (await open(file)).createReadStream();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MESSAGE_BYTES_MAX) break;
  }
  return Buffer.concat(chunks);
}

function userError(file: string, cause: unknown): UserError {
  const name = file === "-" ? "standard input" : printable(file);
  if (cause instanceof WireError) return new UserError(`${name}: ${cause.message}`, 1, { cause });
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === undefined) throw cause;
  const what = SYSTEM_ERRORS[code] ?? `cannot be read (${code})`;
  return new UserError(`${name}: ${what}`, 1, { cause });
}
