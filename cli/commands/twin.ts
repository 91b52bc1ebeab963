/** `picket twin check`: what core and JSON Schema make of module twin documents. */
import type { Command } from "commander";

const HELP = `
A document is what the hub delivers, {"desired":{…}}. Both the agent's core and the JSON Schema
judge it: as the first document after a start. With --json: an array of
{file, core: {valid, invalidFields}, schema: {valid, invalidFields}, effective}.

Exit status: 0 when all documents are valid, else 1.

Examples:
  picket twin check twin.json
  picket twin check --json twins/*.json | jq '.[] | select(.core.valid | not)'
  az iot hub module-twin show -n HUB -d DEVICE -m MODULE --query properties > twin.json`;

export function register(program: Command): void {
  program
    .command("twin")
    .description("work with module twins")
    .command("check")
    .summary("judge module twin documents")
    .description("Judge module twin documents with the agent's core and with the JSON Schema.")
    .argument("<file...>", "files with one document each")
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action(async (files: string[], options: { json?: true }) =>
      (await import("../twin.ts")).checkTwins(files, options.json === true),
    );
}
