/**
 * Writes what is derived: the message constants of core and wire from `wire/message.cddl`, the
 * records of observations from `wire/observations.ts`, and the core's options from
 * `boards/options.ts`. `--check` writes nothing and fails on drift.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { renderOptionsModule } from "../boards/options.ts";
import { renderOptionsPage } from "../boards/options-schema.ts";
import { messageConstants } from "./message-constants.ts";

const root = new URL("../", import.meta.url);
const check = process.argv.includes("--check");

function emit(path: string, text: string): void {
  const url = new URL(path, root);
  if (!check) {
    writeFileSync(url, text);
  } else if (!existsSync(url) || readFileSync(url, "utf8") !== text) {
    console.error(`${path} is not what its source says: run \`npm run generate\``);
    process.exitCode = 1;
  }
}

const cddl = readFileSync(new URL("wire/message.cddl", root), "utf8");
emit("assembly/message.ts", messageConstants(cddl, "assembly"));
emit("wire/picket-keys.ts", messageConstants(cddl, "wire"));
emit("assembly/options.ts", renderOptionsModule({}));
emit("docs/options.md", renderOptionsPage());
// It uses the constants above.
const { observationsCddl, recordsModule } = await import("./records-module.ts");
emit("assembly/records.ts", recordsModule());
emit("wire/observations.cddl", observationsCddl());
const { twinTableModule } = await import("./twin-table.ts");
emit("assembly/twin-table.ts", twinTableModule());
const { twinPage } = await import("./twin-docs.ts");
emit("docs/twin.md", twinPage(readFileSync(new URL("docs/twin.md", root), "utf8")));
