import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ABI_VERSION } from "../assembly/abi.ts";
import { buildCore } from "../boards/build.ts";
import { checkFits, chooseSlot, flashBoard, planFlash, slotImage } from "../boards/flash.ts";
import { listBoards, loadBoard } from "../boards/profile.ts";
import { type ExternalProgrammer, programmersOf, renderCommand } from "../boards/programmers.ts";
import { buildIdOf, readSlot } from "../boards/slot.ts";
import * as layout from "../boards/slot-layout.ts";

const has = (program: string) => spawnSync(program, ["--version"]).error === undefined;
const directory = mkdtempSync(join(tmpdir(), "picket-flash-tool-"));
const picket = (...args: string[]) =>
  spawnSync(process.execPath, ["cli/picket.js", "flash", ...args], { encoding: "utf8" });
const boards = listBoards();

function boardsOf(programmer: ExternalProgrammer): string[] {
  return boards.filter((board) => programmersOf(board).includes(programmer));
}

let wasm: Uint8Array;
beforeAll(async () => {
  ({ wasm } = await buildCore());
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("flash tool", () => {
  it.each(boards)("flash tool: an image for %s has whole program units and fits", (board) => {
    const profile = loadBoard(board);
    const { bytes, memory } = profile.partitions.core_a;
    const image = slotImage(profile, wasm, 3);
    expect(image.length % (profile.memories[memory]?.program_bytes ?? 0)).toBe(0);
    expect(readSlot(image, ABI_VERSION)).toMatchObject({ sequence: 3, buildId: buildIdOf(wasm) });
    expect(() => checkFits(profile, bytes)).not.toThrow();
    expect(() => checkFits(profile, bytes + 1)).toThrow(`a slot of ${board} ${bytes}`);
  });

  it("flash tool: the slot that does not run is chosen, with the next number", () => {
    const profile = loadBoard("mps2-an386");
    const at = (sequence: number) => readSlot(slotImage(profile, wasm, sequence), ABI_VERSION);
    expect(chooseSlot([layout.IMAGE_EMPTY, layout.IMAGE_EMPTY])).toEqual({ slot: 0, sequence: 1 });
    expect(chooseSlot([at(4), at(3)])).toEqual({ slot: 1, sequence: 5 });
    expect(chooseSlot([at(4), at(5)])).toEqual({ slot: 0, sequence: 6 });
    expect(chooseSlot([at(0xffff_ffff), layout.IMAGE_BAD_DIGEST])).toEqual({
      slot: 1,
      sequence: 0,
    });
  });

  it("flash tool: a board is read, written and read back; another content is an error", () => {
    const programs = join(directory, "bin");
    const flash = join(directory, "flash.bin");
    const profile = loadBoard("b-l475e-iot01a");
    const base = 0x0800_0000;
    writeFileSync(flash, new Uint8Array(1_048_576).fill(0xff));
    spawnSync("mkdir", ["-p", programs]);
    // In place of the probe and the chip: reads and writes a file as st-flash does flash.
    const script = `#!/usr/bin/env node
const fs = require("node:fs");
const args = process.argv.slice(2).filter((arg) => !arg.startsWith("--"));
const flash = fs.readFileSync(${JSON.stringify(flash)});
const at = Number(args[2]) - ${base};
if (args[0] === "read") fs.writeFileSync(args[1], flash.subarray(at, at + Number(args[3])));
else if (!process.env.BROKEN) {
  flash.set(fs.readFileSync(args[1]), at);
  fs.writeFileSync(${JSON.stringify(flash)}, flash);
}
`;
    writeFileSync(join(programs, "st-flash"), script, { mode: 0o755 });
    const path = process.env.PATH;
    process.env.PATH = `${programs}:${path}`;
    try {
      const options = { profile, wasm, programmer: "stlink" } as const;
      const first = flashBoard(options);
      expect(first).toMatchObject({ slot: 0, sequence: 1, buildId: buildIdOf(wasm) });
      expect(flashBoard(options)).toMatchObject({ slot: 1, sequence: 2 });
      expect(flashBoard(options)).toMatchObject({ slot: 0, sequence: 3 });
      process.env.BROKEN = "1";
      expect(() => flashBoard(options)).toThrow("what was read back is not what was written");
    } finally {
      process.env.PATH = path;
      delete process.env.BROKEN;
    }
  });

  it("flash tool: wrong use is one line", () => {
    const cases = [
      [["nothing"], "unknown board"],
      [["rx65n-cloud-kit"], "no programmer here is known"],
      [["mps2-an386", "--programmer", "stlink"], "stlink does not write mps2-an386: it takes qemu"],
      [["mps2-an386", "--programmer", "other"], "Allowed choices are openocd"],
      [["mps2-an386", "--core", "package.json"], "package.json is not a WebAssembly module"],
      [["b-l475e-iot01a", "--programmer", "pyocd"], "pyocd is not installed"],
    ] as const;
    for (const [args, text] of cases.slice(0, has("pyocd") ? -1 : undefined)) {
      const { status, stderr, stdout } = picket(...args);
      expect(status).not.toBe(0);
      expect(stdout).toBe("");
      expect(stderr).toContain(text);
      expect(stderr).not.toContain("    at ");
    }
  });

  it("flash tool: a dry run prints each command line and runs none", () => {
    const { status, stdout } = picket("stm32f746g-disco", "--programmer", "stlink", "--dry-run");
    expect(status).toBe(0);
    const size = slotImage(loadBoard("stm32f746g-disco"), wasm, 1).length.toString(16);
    const lines = stdout.trim().split("\n");
    expect(lines.slice(0, 3)).toEqual([
      "st-flash read core_a.bin 0x08080000 0x40000",
      "st-flash read core_b.bin 0x080c0000 0x40000",
      "st-flash --reset write slot.bin 0x08080000",
    ]);
    expect(lines[3]).toMatch(/^st-flash read written\.bin 0x08080000 0x[0-9a-f]+$/);
    expect(size.length).toBeGreaterThan(3);
  });
});

const onQemu = has("qemu-system-arm") && has("arm-none-eabi-gcc");
describe.skipIf(!onQemu && !process.env.CI)("flash tool on QEMU (`npm run setup:firmware`)", () => {
  it("flash tool: a flashed board boots the new build and tells it in its heartbeat", async () => {
    const image = join(directory, "mps2.bin");
    const core = join(directory, "core.wasm");
    for (const [number, slots] of [16, 32, 16].entries()) {
      const built = await buildCore({ RING_SLOTS: slots });
      writeFileSync(core, built.wasm);
      const { status, stdout, stderr } = picket("mps2-an386", "--core", core, "--image", image);
      expect(stderr).toBe("");
      expect(status).toBe(0);
      const id = buildIdOf(built.wasm);
      expect(stdout).toContain(`slot ${"ABA"[number]} at`);
      expect(stdout).toContain(`boots slot ${"ABA"[number]}`);
      expect(stdout).toContain(`heartbeat: build ${id}, boot 1`);
    }
    const flash = readFileSync(image);
    flash[300] = (flash[300] ?? 0) ^ 1; // In the module of slot A, which runs.
    writeFileSync(image, flash);
    const { stdout } = picket("mps2-an386", "--core", core, "--image", image);
    expect(stdout).toContain("slot A at");
  });

  it("flash tool: what the core stores outlives the boot: its boots are counted", async () => {
    const image = join(directory, "kept.bin");
    const core = join(directory, "stores.wasm");
    writeFileSync(core, (await buildCore({ STORE_FLASH: 1 })).wasm);
    for (const boot of [1, 2, 3]) {
      const { stdout, stderr } = picket("mps2-an386", "--core", core, "--image", image);
      expect(stderr).toBe("");
      expect(stdout).toMatch(new RegExp(`heartbeat: build \\w+, boot ${boot}\\b`));
    }
  });
});

/** Runs a command without a probe: the program must come as far as looking for one. */
function tryCommands(programmer: ExternalProgrammer, board: string): string[] {
  return planFlash({ profile: loadBoard(board), wasm, programmer }).map(({ program, args }) => {
    const done = spawnSync(program, args, { encoding: "utf8", cwd: directory });
    expect(done.status, renderCommand({ program, args })).not.toBe(0);
    return `${done.stdout}${done.stderr}`;
  });
}

const debian = (program: string, programmer: ExternalProgrammer) =>
  it.skipIf(!has(program) && !process.env.CI).each(boardsOf(programmer))(
    `flash tool: ${program} (Debian) takes the command lines for %s`,
    (board) => {
      writeFileSync(join(directory, "slot.bin"), slotImage(loadBoard(board), wasm, 1));
      for (const text of tryCommands(programmer, board)) {
        if (programmer === "openocd") {
          expect(text).not.toMatch(/can't find|invalid command|wrong # args|missing/i);
          expect(text).toMatch(
            /open failed|unable to (open|find)|no device found|init mode failed/i,
          );
        } else if (programmer === "stlink") {
          expect(text).not.toMatch(/invalid command line/);
          expect(text).toMatch(/Couldn't find any ST-Link/i);
        } else {
          expect(text).not.toMatch(/Usage:|unrecognized option|invalid/);
          expect(text).toMatch(/No DFU capable USB device/);
        }
      }
    },
  );
debian("openocd", "openocd");
debian("st-flash", "stlink");
debian("dfu-util", "dfu-util");

/** A target and a flash of openocd's own that need no probe. */
const OPENOCD_DUMMY = [
  "adapter driver dummy; adapter speed 1000; transport select jtag",
  "jtag newtap a cpu -irlen 4; target create a.cpu testee -chain-position a.cpu",
  "flash bank b faux 0x080c0000 0x40000 0 0 a.cpu",
];

/** A syntax error, or no such command. */
const WRONG = /^> -601|invalid command name|wrong # args/;

/** The code and the text of each command. */
function tryOpenocd(commands: readonly string[]): string[] {
  const tried = commands.map(
    (command) => `set code [catch {${command}} said]; echo "> $code $said"`,
  );
  const script = [...OPENOCD_DUMMY, "init", ...tried, "shutdown"].flatMap((line) => ["-c", line]);
  const done = spawnSync("openocd", script, { encoding: "utf8", cwd: directory });
  return done.stderr.split("\n").filter((line) => line.startsWith("> "));
}

it.skipIf(!has("openocd") && !process.env.CI)(
  "flash tool: openocd (Debian) knows each command of the scripts, on a dummy probe",
  () => {
    const profile = loadBoard("b-l475e-iot01a");
    writeFileSync(join(directory, "slot.bin"), slotImage(profile, wasm, 1));
    for (const { args } of planFlash({ profile, wasm, programmer: "openocd" })) {
      const commands = (args.at(-1) ?? "").split("; ").slice(1, -1);
      expect(commands.length).toBeGreaterThan(2);
      const said = tryOpenocd(commands);
      expect(said).toHaveLength(commands.length);
      for (const line of said) expect(line).not.toMatch(WRONG);
      const write = commands.findIndex((command) => command.startsWith("flash write_image"));
      if (write >= 0) expect(said[write]).toMatch(/^> 0/);
    }
    // What mistakes look like.
    expect(tryOpenocd(["flash write_image erase", "dump_imag x"])).toEqual([
      expect.stringMatching(WRONG),
      expect.stringMatching(WRONG),
    ]);
  },
);
