/** What `picket twin check` does. */
import { buildCore } from "../boards/build.ts";
import { checkTwin, type TwinVerdict } from "../host/twin.ts";
import { evaluateTwin, type TwinEvaluation } from "../wire/twin-evaluate.ts";
import { twinCheckText } from "../wire/twin-text.ts";
import { readInput } from "./files.ts";

const DOCUMENT_BYTES_MAX = 64 * 2 ** 20;
/** No limits but the documented ones: which board it will be is not known here. */
const CORE_OPTIONS = { TWIN: 1, STORE_FLASH: 1, MESSAGE_BYTES_MAX: 262_144 } as const;

interface Checked {
  readonly file: string;
  readonly core: TwinVerdict;
  readonly schema: TwinEvaluation;
}

export async function checkTwins(files: readonly string[], json: boolean): Promise<void> {
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
