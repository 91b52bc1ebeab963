/** `picket twin check`: what core and JSON Schema make of module twin documents. */
import type { Command } from "commander";
import { buildCore } from "../../boards/build.ts";
import { checkTwin, type TwinVerdict } from "../../host/twin.ts";
import { evaluateTwin, type TwinEvaluation } from "../../wire/twin-evaluate.ts";
import { twinCheckText } from "../../wire/twin-text.ts";
import { readInput } from "../files.ts";

const DOCUMENT_BYTES_MAX = 64 * 2 ** 20;
/** No limits but the documented ones: which board it will be is not known here. */
const CORE_OPTIONS = { TWIN: 1, STORE_FLASH: 1, MESSAGE_BYTES_MAX: 262_144 } as const;

const HELP = `
A document is what the hub delivers, {"desired":{…}}. Both the agent's core and the JSON Schema
judge it: as the first document after a start. With --json: an array of
{file, core: {valid, invalidFields}, schema: {valid, invalidFields}, effective}.

Exit status: 0 when all documents are valid, else 1.

Examples:
  picket twin check twin.json
  picket twin check --json twins/*.json | jq '.[] | select(.core.valid | not)'
  az iot hub module-twin show -n HUB -d DEVICE -m MODULE --query properties > twin.json`;

interface Checked {
  readonly file: string;
  readonly core: TwinVerdict;
  readonly schema: TwinEvaluation;
}

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
    .action((files: string[], options: { json?: true }) => check(files, options.json === true));
}

async function check(files: readonly string[], json: boolean): Promise<void> {
  const documents = files.map((file) => readInput(file, DOCUMENT_BYTES_MAX));
  const { wasm } = await buildCore(CORE_OPTIONS);
  const results = documents.map((document, i): Checked => {
    const file = files[i] as string;
    return { file, core: checkTwin(wasm, document), schema: evaluateTwin(document) };
  });
  const text = json
    ? JSON.stringify(results.map(asJson), null, 2)
    : results.map(twinCheckText).join("\n");
  process.stdout.write(`${text}\n`);
  if (!results.every(({ core, schema }) => core.valid && schema.valid)) process.exitCode = 1;
}

function asJson({ file, core, schema }: Checked) {
  return {
    file,
    core: { valid: core.valid, invalidFields: core.invalidFields },
    schema: { valid: schema.valid, invalidFields: schema.invalidFields },
    effective: core.effective,
  };
}
