/** `picket fit`: the largest caches that fit a board. */
import type { Command } from "commander";
import { differing, fitBoard } from "../../boards/fit.ts";
import { footprintJson, renderFootprint } from "../../boards/footprint-text.ts";
import { listBoards, loadBoard } from "../../boards/profile.ts";
import type { BackendName } from "../../boards/profile-fields.ts";
import { withSettings } from "../../boards/settings.ts";
import { wholeNumber } from "../arguments.ts";
import { backendOption, collect, inOneLine, progress } from "../boards.ts";

const BYTES_MAX = 999_999_999;

interface Flags {
  readonly ram?: number;
  readonly flash?: number;
  readonly backend?: BackendName;
  readonly set: readonly string[];
  readonly json?: true;
}

export function register(program: Command): void {
  program
    .command("fit")
    .description("find the largest flow tables and store that fit a board")
    .argument("<board>", "board, or a profile of your own (*.json)")
    .option(
      "--ram <bytes>",
      "RAM for the agent, instead of the profile's",
      wholeNumber(1, BYTES_MAX),
    )
    .option("--flash <bytes>", "flash for the agent", wholeNumber(1, BYTES_MAX))
    .addOption(backendOption())
    .option(
      "--set <option=value>",
      "an option of the core; may be given several times",
      collect,
      [],
    )
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      `
Flow tables and store grow together, in the proportions that the board's options have; the result
is built and measured. Boards: ${listBoards().join(", ")}.

Examples:
  picket fit mxchip-az3166
  picket fit b-l475e-iot01a --ram 24576 --backend aot --set FLOW_SLOTS_IPV6=0`,
    )
    .action(run);
}

async function run(board: string, flags: Flags): Promise<void> {
  await inOneLine(async () => {
    const profile = withSettings(loadBoard(board), flags.set);
    const fit = await fitBoard(
      {
        ...profile,
        backend: flags.backend ?? profile.backend,
        agent_ram_bytes: flags.ram ?? profile.agent_ram_bytes,
        agent_flash_bytes: flags.flash ?? profile.agent_flash_bytes,
      },
      progress,
    );
    const { footprint, spareBytes, options } = fit;
    if (flags.json) {
      const document = { ...footprintJson(footprint), spareBytes };
      process.stdout.write(`${JSON.stringify(document)}\n`);
      return;
    }
    const settings = Object.entries(differing(options)).map(([name, value]) => `${name}=${value}`);
    process.stdout.write(renderFootprint(footprint));
    process.stdout.write(`${spareBytes} bytes of RAM to spare; options: ${settings.join(" ")}\n`);
  });
}
