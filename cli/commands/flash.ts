/** `picket flash`: a core into a slot of a board. */
import { writeFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { buildCore } from "../../boards/build.ts";
import { type FlashResult, flashBoard, planFlash, slotImage } from "../../boards/flash.ts";
import { bootQemu, flashQemu } from "../../boards/flash-qemu.ts";
import { listBoards, loadBoard } from "../../boards/profile.ts";
import type { BoardProfile } from "../../boards/profile-fields.ts";
import {
  PROGRAMMERS,
  type Programmer,
  programmersOf,
  renderCommand,
} from "../../boards/programmers.ts";
import { checkCoreModule } from "../../host/core-module.ts";
import { decodePicket } from "../../wire/picket.ts";
import { inOneLine, progress } from "../boards.ts";
import { UserError } from "../errors.ts";
import { readInput } from "../files.ts";

const CORE_BYTES_MAX = 2 ** 24;

interface Flags {
  readonly core?: string;
  readonly programmer?: Programmer;
  readonly image?: string;
  readonly out?: string;
  readonly dryRun?: true;
}

export function register(program: Command): void {
  program
    .command("flash")
    .description("write a core into the slot of a board that does not run, and read it back")
    .argument("<board>", "board, or a profile of your own (*.json)")
    .option("--core <file>", "the core module; else the board's is built")
    .addOption(new Option("--programmer <name>", "what writes the flash").choices(PROGRAMMERS))
    .option("--image <file>", "qemu: file with the board's flash (build/flash/BOARD.bin)")
    .option("--out <file>", "write the slot image to a file and nothing else")
    .option("--dry-run", "print the command lines and run none of them")
    .addHelpText(
      "after",
      `
The firmware runs the later of two slots with a right digest and ABI, else the other one. On QEMU
boards the new core is booted and its heartbeat shown. Boards: ${listBoards().join(", ")}.

Examples:
  picket flash mps2-an386
  picket flash b-l475e-iot01a --programmer stlink --dry-run
  picket flash mimxrt1060-evk --core build/core.wasm`,
    )
    .action(run);
}

async function run(board: string, flags: Flags): Promise<void> {
  await inOneLine(async () => {
    const profile = loadBoard(board);
    const wasm = await coreOf(profile, flags.core);
    if (flags.out !== undefined) {
      const image = slotImage(profile, wasm, 1);
      writeFileSync(flags.out, image);
      process.stdout.write(`${flags.out}: ${image.length} bytes\n`);
      return;
    }
    const programmer = programmerOf(profile, flags.programmer);
    if (programmer === "qemu") return runQemu(profile, wasm, flags);
    const options = { profile, wasm, programmer, onCommand: progress };
    if (flags.dryRun) {
      for (const command of planFlash(options)) process.stdout.write(`${renderCommand(command)}\n`);
      return;
    }
    report(flashBoard(options));
  });
}

async function coreOf(profile: BoardProfile, path: string | undefined): Promise<Uint8Array> {
  if (path === undefined) return (await buildCore(profile.options)).wasm;
  const wasm = readInput(path, CORE_BYTES_MAX);
  try {
    checkCoreModule(wasm, path);
  } catch (cause) {
    throw new UserError((cause as Error).message, 1, { cause });
  }
  return wasm;
}

function programmerOf(profile: BoardProfile, given: Programmer | undefined): Programmer {
  const known = programmersOf(profile.name);
  const programmer = given ?? known[0];
  if (programmer !== undefined && known.includes(programmer)) return programmer;
  const names =
    known.length > 0 ? `it takes ${known.join(", ")}` : "write the file of --out yourself";
  throw new UserError(
    programmer === undefined
      ? `no programmer here is known to write ${profile.name}: ${names}`
      : `${programmer} does not write ${profile.name}: ${names}`,
  );
}

function report({ slot, buildId, sequence, address, imageBytes }: FlashResult): void {
  const at = `0x${address.toString(16).padStart(8, "0")}`;
  const name = slot === 0 ? "A" : "B";
  process.stdout.write(
    `slot ${name} at ${at}: build ${buildId}, sequence ${sequence}, ${imageBytes} bytes, read back\n`,
  );
}

function runQemu(profile: BoardProfile, wasm: Uint8Array, flags: Flags): void {
  const path = flags.image ?? `build/flash/${profile.name}.bin`;
  if (flags.dryRun) {
    process.stdout.write(`write the slot of ${path} that does not run; boot ${profile.name}\n`);
    return;
  }
  const result = flashQemu(profile, wasm, path);
  report(result);
  const { info, messages } = bootQemu(profile, path);
  const name = info.slot === 0 ? "A" : "B";
  process.stdout.write(`${info.board} boots slot ${name}\n`);
  for (const event of messages.flatMap((message) => decodePicket(message).events)) {
    if (event.name !== "Heartbeat") continue;
    for (const { bootCount, buildId } of event.payload as readonly Heartbeat[]) {
      if (buildId === undefined) continue;
      process.stdout.write(`heartbeat: build ${buildId}, boot ${bootCount}\n`);
      if (buildId === result.buildId) return;
    }
  }
  throw new UserError(`${profile.name} does not say that it runs build ${result.buildId}`);
}

interface Heartbeat {
  readonly bootCount?: number;
  readonly buildId?: string;
}
