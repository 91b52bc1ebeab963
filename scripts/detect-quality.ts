/** `tsx scripts/detect-quality.ts [--json]`: precision and recall over generated, labelled runs. */
import { createDetection } from "../detect/detection.ts";
import { measureQuality } from "./quality-runs.ts";
import { wantsJson } from "./wants-json.ts";

const RUNS_EACH = 100;

const quality = measureQuality(createDetection(), RUNS_EACH);
if (wantsJson()) process.stdout.write(`${JSON.stringify(quality)}\n`);
else {
  const share = (value: number) => `${(100 * value).toFixed(1)} %`;
  process.stdout.write(
    `${quality.runs} runs: precision ${share(quality.precision)}, recall ${share(quality.recall)}\n`,
  );
  for (const [attack, { runs, found }] of Object.entries(quality.byAttack)) {
    process.stdout.write(`${attack.padEnd(20)} ${found} of ${runs}\n`);
  }
  for (const { seed, attack, rule } of quality.wrong.slice(0, 20)) {
    process.stdout.write(`seed ${seed} (${attack}): ${rule} was raised\n`);
  }
  for (const { seed, attack } of quality.missed.slice(0, 20)) {
    process.stdout.write(`seed ${seed}: ${attack} was missed\n`);
  }
}
