/**
 * `tsx scripts/detect-quality.ts [--json] [--seed N]`: precision and recall over generated,
 * labelled captures, each run through agent and detection as `picket detect` does.
 */
import { buildCore } from "../boards/build.ts";
import { REPLAY_OPTIONS } from "../sim/replay.ts";
import { measureCaptures } from "../test/support/labelled-captures.ts";
import { wantsJson } from "./wants-json.ts";

const CAPTURES_EACH = 10;
const LINES_MAX = 40;

const at = process.argv.indexOf("--seed");
const seed = at < 0 ? 1 : Number(process.argv[at + 1]);
const { wasm } = await buildCore({ ...REPLAY_OPTIONS });
const quality = measureCaptures(wasm, CAPTURES_EACH, seed);
if (wantsJson()) process.stdout.write(`${JSON.stringify(quality)}\n`);
else {
  const share = (value: number) => `${(100 * value).toFixed(1)} %`;
  const { captures, precision, recall, quiet, wrong, missed } = quality;
  process.stdout.write(
    `${captures} captures from seed ${seed}: precision ${share(precision)}, ` +
      `recall ${share(recall)}, ${share(quiet)} of the quiet ones stayed quiet\n`,
  );
  for (const line of wrong.slice(0, LINES_MAX)) process.stdout.write(`wrong   ${line}\n`);
  for (const line of missed.slice(0, LINES_MAX)) process.stdout.write(`missed  ${line}\n`);
}
