/** Puts a core into the slot of a board that does not run, by a program that writes flash. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ABI_VERSION } from "../assembly/abi.ts";
import { BoardError } from "./board-error.ts";
import { partitionAddress } from "./geometry.ts";
import type { BoardProfile } from "./profile-fields.ts";
import {
  type Command,
  type ExternalProgrammer,
  readCommand,
  renderCommand,
  writeCommand,
} from "./programmers.ts";
import { activeSlot, encodeSlot, IMAGE_FAULTS, readSlot, type SlotImage } from "./slot.ts";

export const SLOT_NAMES = ["core_a", "core_b"] as const;

/** What is known of the slots before flashing. */
export interface SlotChoice {
  /** The one to be written: 0 or 1. */
  readonly slot: 0 | 1;
  /** Sequence number that makes it the later one. */
  readonly sequence: number;
}

export interface FlashResult extends SlotChoice {
  readonly buildId: string;
  readonly address: number;
  readonly imageBytes: number;
}

/** The slot that does not run, and the number that makes it run. */
export function chooseSlot(slots: readonly (SlotImage | number)[]): SlotChoice {
  const active = activeSlot(slots);
  const running = slots[active];
  const sequence = typeof running === "object" ? (running.sequence + 1) >>> 0 : 1;
  return { slot: active === 0 ? 1 : 0, sequence };
}

/** What a slot holds, in words. */
export function describeSlot(slot: SlotImage | number): string {
  if (typeof slot === "number") return IMAGE_FAULTS[slot] ?? `fault ${slot}`;
  return `build ${slot.buildId}, sequence ${slot.sequence}`;
}

/** @throws BoardError with one line when it does not fit a slot of the board */
export function checkFits(profile: BoardProfile, imageBytes: number): void {
  const { bytes } = profile.partitions.core_a;
  if (imageBytes <= bytes) return;
  throw new BoardError(
    `the core's image has ${imageBytes} bytes, a slot of ${profile.name} ${bytes}: leave out collectors (picket config)`,
  );
}

/** The image of a core, filled up to whole program units of the board's flash. */
export function slotImage(profile: BoardProfile, wasm: Uint8Array, sequence: number): Uint8Array {
  const memory = profile.memories[profile.partitions.core_a.memory];
  const unit = memory?.program_bytes ?? 1;
  const image = encodeSlot(wasm, ABI_VERSION, sequence);
  const filled = new Uint8Array(Math.ceil(image.length / unit) * unit).fill(0xff);
  filled.set(image);
  checkFits(profile, filled.length);
  return filled;
}

export interface FlashOptions {
  readonly profile: BoardProfile;
  readonly wasm: Uint8Array;
  readonly programmer: ExternalProgrammer;
  /** Called with each command before it is run. */
  readonly onCommand?: (command: string) => void;
}

function addressOf(profile: BoardProfile, slot: 0 | 1): number {
  return partitionAddress(profile, SLOT_NAMES[slot]);
}

/**
 * The command lines of a flashing, without running them: the slots are read, then one is written
 * (here the first) and read back. Files are named, not written.
 */
export function planFlash({ profile, wasm, programmer }: FlashOptions): Command[] {
  const { name, partitions } = profile;
  const image = slotImage(profile, wasm, 1);
  const read = (slot: 0 | 1, bytes: number, file: string) =>
    readCommand(programmer, name, { address: addressOf(profile, slot), bytes, file });
  const written = { address: addressOf(profile, 0), bytes: image.length, file: "slot.bin" };
  return [
    read(0, partitions.core_a.bytes, "core_a.bin"),
    read(1, partitions.core_b.bytes, "core_b.bin"),
    writeCommand(programmer, name, written),
    read(0, image.length, "written.bin"),
  ];
}

function run(command: Command, onCommand: FlashOptions["onCommand"]): void {
  onCommand?.(renderCommand(command));
  const { program, args } = command;
  const done = spawnSync(program, args, { encoding: "utf8" });
  if (done.error !== undefined) {
    const missing = (done.error as NodeJS.ErrnoException).code === "ENOENT";
    const why = missing ? "is not installed" : `cannot be run: ${done.error.message}`;
    throw new BoardError(`${program} ${why}`, { cause: done.error });
  }
  if (done.status === 0) return;
  const text = `${done.stderr}\n${done.stdout}`.split("\n").filter((line) => line.trim() !== "");
  const line = text.find((entry) => /error|fail|no |cannot|couldn't/i.test(entry)) ?? text[0];
  throw new BoardError(
    `${program} ended with ${done.status}: ${line?.trim() ?? "it said nothing"}`,
  );
}

/**
 * Writes the slot that does not run and reads it back.
 *
 * @throws BoardError with one line when the program is missing or fails, or the flash is not what
 *   was written
 */
export function flashBoard(options: FlashOptions): FlashResult {
  const { profile, wasm, programmer, onCommand } = options;
  const directory = mkdtempSync(join(tmpdir(), "picket-flash-"));
  const read = (slot: 0 | 1, bytes: number): Uint8Array => {
    const file = join(directory, `read-${slot}-${bytes}.bin`);
    rmSync(file, { force: true }); // dfu-util does not write over a file.
    const transfer = { address: addressOf(profile, slot), bytes, file };
    run(readCommand(programmer, profile.name, transfer), onCommand);
    return readFileSync(file);
  };
  try {
    const { core_a, core_b } = profile.partitions;
    const slots = [read(0, core_a.bytes), read(1, core_b.bytes)];
    const choice = chooseSlot(slots.map((slot) => readSlot(slot, ABI_VERSION)));
    const image = slotImage(profile, wasm, choice.sequence);
    const file = join(directory, "slot.bin");
    const address = addressOf(profile, choice.slot);
    writeFileSync(file, image);
    const transfer = { address, bytes: image.length, file };
    run(writeCommand(programmer, profile.name, transfer), onCommand);
    const written = read(choice.slot, image.length);
    if (!Buffer.from(image).equals(written.subarray(0, image.length))) {
      throw new BoardError(`${profile.name}: what was read back is not what was written`);
    }
    const found = readSlot(image, ABI_VERSION) as SlotImage;
    return { ...choice, buildId: found.buildId, address, imageBytes: image.length };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
