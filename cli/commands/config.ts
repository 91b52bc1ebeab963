/** `picket config`: a board's core, header and footprint; `picket config import`: a legacy header. */
import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { configFiles, writeFiles } from "../../boards/config-files.ts";
import { measureFootprint } from "../../boards/footprint.ts";
import { footprintJson, renderFootprint } from "../../boards/footprint-text.ts";
import { importLegacy } from "../../boards/import-legacy.ts";
import { listBoards, loadBoard } from "../../boards/profile.ts";
import type { BackendName } from "../../boards/profile-fields.ts";
import { withSettings } from "../../boards/settings.ts";
import { findExcess } from "../../boards/shrink.ts";
import { backendOption, collect, inOneLine, progress } from "../boards.ts";
import { UserError } from "../errors.ts";
import { readInput } from "../files.ts";

const HEADER_BYTES_MAX = 262_144;
/** Runs without hardware, and has what most boards have. */
const IMPORT_BASE = "mps2-an386";

interface Flags {
  readonly set: readonly string[];
  readonly backend?: BackendName;
  readonly out?: string;
  readonly json?: true;
  readonly costs: boolean;
}

export function register(program: Command): void {
  program.enablePositionalOptions(); // `config import` has an --out of its own.
  const config = program
    .command("config")
    .enablePositionalOptions()
    .description("build a board's core and C header, print what they take of flash and RAM")
    .argument("<board>", "board, or a profile of your own (*.json)")
    .option(
      "--set <option=value>",
      "an option of the core; may be given several times",
      collect,
      [],
    )
    .addOption(backendOption())
    .option("--out <dir>", "write core.wasm, picket_config.h and C sources there")
    .option(
      "--no-costs",
      "do not build once more for each option, unless the agent is over its budget",
    )
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      `
Boards: ${listBoards().join(", ")}.
Options and their ranges: docs/options.md. An agent over the board's budget is an error.

Examples:
  picket config mxchip-az3166 --out build/az3166
  picket config b-l475e-iot01a --set FLOW_SLOTS_IPV4=32 --set TWIN=0
  picket config import asc_config.h --out my-board.json`,
    )
    .action(run);
  config
    .command("import")
    .description("turn the asc_config.h of Microsoft's retired agent into a board profile")
    .argument("<header>", "the header; - for standard input")
    .option("--board <board>", "the board whose memory the profile takes over", IMPORT_BASE)
    .option("--define <name[=value]>", "a macro from outside, as -D gives it", collect, [])
    .option("--out <file>", "write the profile there")
    .addHelpText(
      "after",
      `
Prints the profile, or with --out writes it; what became of each setting goes to the other stream.

Example:
  picket config import asc_config.h --board mxchip-az3166 --define NX_DISABLE_IPV6 --out az.json`,
    )
    .action(runImport);
}

async function run(board: string, flags: Flags): Promise<void> {
  await inOneLine(async () => {
    const chosen = withSettings(loadBoard(board), flags.set);
    const profile = { ...chosen, backend: flags.backend ?? chosen.backend };
    const footprint = await measureFootprint(profile, {
      withCosts: flags.costs,
      onProgress: progress,
    });
    const text = flags.json
      ? `${JSON.stringify(footprintJson(footprint))}\n`
      : renderFootprint(footprint);
    process.stdout.write(text);
    let excess = findExcess(footprint);
    if (excess.length > 0 && !flags.costs) {
      // What to shrink is known from the costs alone.
      const whole = await measureFootprint(profile, { withCosts: true, onProgress: progress });
      excess = findExcess(whole);
    }
    if (excess.length > 0) throw new UserError(excess.join("; "));
    if (flags.out === undefined) return;
    const files = configFiles(profile, footprint, footprint.built);
    writeFiles(flags.out, files);
    progress(`wrote ${Object.keys(files).join(", ")} to ${flags.out}`);
  });
}

interface ImportFlags {
  readonly board: string;
  readonly define: readonly string[];
  readonly out?: string;
}

async function runImport(path: string, flags: ImportFlags): Promise<void> {
  await inOneLine(() => {
    const text = Buffer.from(readInput(path, HEADER_BYTES_MAX)).toString("utf8");
    const defined = Object.fromEntries(
      flags.define.map((macro) => {
        const [name = "", ...value] = macro.split("=");
        return [name, value.length === 0 ? "1" : value.join("=")];
      }),
    );
    const found = importLegacy(text, loadBoard(flags.board), defined);
    const profile = `${JSON.stringify(found.profile, null, 2)}\n`;
    const report = [
      ...found.taken.map((line) => `taken over: ${line}`),
      ...found.covered.map((line) => `covered otherwise: ${line}`),
      ...found.without.map((line) => `no counterpart: ${line}`),
    ];
    if (flags.out === undefined) {
      process.stdout.write(profile);
      process.stderr.write(`${report.join("\n")}\n`);
      return;
    }
    writeFileSync(flags.out, profile);
    process.stdout.write(`${report.join("\n")}\n`);
    progress(`wrote ${flags.out}; next: picket config ${flags.out}`);
  });
}
