/**
 * Measures the agent's budgets in QEMU and from linked images, compares them with
 * docs/FOOTPRINT.md and writes the page anew. Options: `--json` prints the figures on stdout,
 * `--accept` takes growth of more than 2 %, `--check` leaves the page as it is.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { findGrowth, findOverBudget } from "../boards/budget.ts";
import { CORE_OPTIMIZATION } from "../boards/compiler.ts";
import { measureCosts } from "../boards/costs.ts";
import { readFigures, renderFootprintPage } from "../boards/footprint-page.ts";
import { hasCompiler, hasEmulator } from "../boards/footprint-tools.ts";
import { measureFigures, measureWasm3Image } from "../boards/measure.ts";
import { resolveOptions } from "../boards/options.ts";
import { wantsJson } from "./wants-json.ts";

const page = new URL("../docs/FOOTPRINT.md", import.meta.url);
const has = (flag: string) => process.argv.includes(flag);
const tell = (text: string) => process.stderr.write(`${text}\n`);

if (!hasCompiler() || !hasEmulator()) {
  tell("bench:firmware: no arm-none-eabi-gcc or qemu-system-arm: run `npm run setup:firmware`");
  process.exit(1);
}

// Figures that are compared are those of the wasm3 that comes with the repository.
const otherDirectory = process.env.WASM3_DIR;
Reflect.deleteProperty(process.env, "WASM3_DIR");
const figures = await measureFigures(tell);
let other: { imageWasm3: { flash: number; ram: number } } | undefined;
if (otherDirectory !== undefined) {
  process.env.WASM3_DIR = otherDirectory;
  tell(`linking with the wasm3 in ${otherDirectory}`);
  other = { imageWasm3: await measureWasm3Image() };
  Reflect.deleteProperty(process.env, "WASM3_DIR");
}
if (wantsJson()) {
  const document = other === undefined ? figures : { ...figures, otherWasm3: other };
  process.stdout.write(`${JSON.stringify(document)}\n`);
}

const before = existsSync(page) ? readFigures(readFileSync(page, "utf8")) : undefined;
const growth = before === undefined ? [] : findGrowth(before, figures);
for (const line of growth) tell(`grown: ${line}`);
for (const line of findOverBudget(figures)) tell(`over budget: ${line}`);
if (findOverBudget(figures).length > 0) process.exitCode = 1;

if (growth.length > 0 && !has("--accept")) {
  tell("docs/FOOTPRINT.md is left as it was; --accept takes the growth");
  process.exitCode = 1;
} else if (!has("--check")) {
  const costs = await measureCosts({
    options: resolveOptions({}),
    code: { cpu: "cortex-m4", optimization: CORE_OPTIMIZATION },
    onProgress: (done, all) => tell(`building without option ${done + 1} of ${all}`),
  });
  writeFileSync(page, renderFootprintPage(figures, costs, other));
  tell("wrote docs/FOOTPRINT.md");
}
