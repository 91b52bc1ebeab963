/**
 * Writes what is derived: the message constants of core and wire from `wire/message.cddl`, and
 * the core's options from `boards/options.ts`. `--check` writes nothing and fails on drift.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { renderOptionsModule } from "../boards/options.ts";
import { messageConstants } from "./message-constants.ts";

const root = new URL("../", import.meta.url);
const cddl = readFileSync(new URL("wire/message.cddl", root), "utf8");
const outputs: Record<string, string> = {
  "assembly/message.ts": messageConstants(cddl, "assembly"),
  "wire/picket-keys.ts": messageConstants(cddl, "wire"),
  "assembly/options.ts": renderOptionsModule({}),
};

const check = process.argv.includes("--check");
for (const [path, text] of Object.entries(outputs)) {
  const url = new URL(path, root);
  if (!check) {
    writeFileSync(url, text);
  } else if (readFileSync(url, "utf8") !== text) {
    console.error(`${path} is not what its source says: run \`npx tsx scripts/generate.ts\``);
    process.exitCode = 1;
  }
}
