/** A QEMU board's flash in a file: written as a programmer would, then booted. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ABI_VERSION } from "../assembly/abi.ts";
import { usedMemoryBytes } from "../host/engines/qemu.ts";
import { wasm3StackBytes } from "../host/engines/wasm3-stack.ts";
import { createReceiver } from "../host/qemu/core.ts";
import { type Info, type Link, openLink } from "../host/qemu/link.ts";
import { startMachine } from "../host/qemu/machine.ts";
import {
  COMMAND_KIT_ACKNOWLEDGE,
  COMMAND_KIT_FLUSH,
  COMMAND_KIT_INIT,
  COMMAND_KIT_POLL,
  COMMAND_STORE_READ,
  STORE_BOARD,
} from "../host/qemu/protocol.ts";
import { BoardError } from "./board-error.ts";
import { buildFirmware } from "./firmware/build.ts";
import { MACHINES, type Machine, type MachineName } from "./firmware/machines.ts";
import { chooseSlot, type FlashResult, slotImage } from "./flash.ts";
import type { BoardProfile } from "./profile-fields.ts";
import { readSlot, type SlotImage } from "./slot.ts";

/** Each priority's interval is ended once, then sent, and what was acknowledged is settled. */
const POLLS = 5;
const PRIORITIES = [0, 1];
/** Divides the partition, and fits a frame. */
const STORE_PART_BYTES = 512;

function machineOf(profile: BoardProfile): Machine {
  const machine = MACHINES[profile.name as MachineName];
  if (machine === undefined) throw new BoardError(`${profile.name} is no QEMU board`);
  return machine;
}

/** Slots and store of the board; erased when there is no file yet. */
function readFlash(path: string, { slots, store }: Machine): Buffer {
  const bytes = slots[0].bytes + slots[1].bytes + store.bytes;
  if (!existsSync(path)) return Buffer.alloc(bytes, 0xff);
  const flash = readFileSync(path);
  if (flash.length === bytes) return flash;
  throw new BoardError(`${path} has ${flash.length} bytes, the board's flash ${bytes}`);
}

/**
 * Writes a core into the slot that does not run.
 *
 * @param path the flash image, made when it is not there
 * @throws BoardError with one line
 */
export function flashQemu(profile: BoardProfile, wasm: Uint8Array, path: string): FlashResult {
  const machine = machineOf(profile);
  const flash = readFlash(path, machine);
  const slots = machine.slots.map(({ origin, bytes }) => {
    const at = origin - machine.slots[0].origin;
    return flash.subarray(at, at + bytes);
  });
  const choice = chooseSlot(slots.map((slot) => readSlot(slot, ABI_VERSION)));
  const image = slotImage(profile, wasm, choice.sequence);
  const slot = slots[choice.slot] as Buffer;
  slot.fill(0xff);
  slot.set(image);
  mkdirSync(dirname(path), { recursive: true });
  writeFlash(path, flash);
  if (!readFileSync(path).equals(flash)) {
    throw new BoardError(`${path}: what was read back is not what was written`);
  }
  const { buildId } = readSlot(slot, ABI_VERSION) as SlotImage;
  const address = machine.slots[choice.slot]?.origin ?? 0;
  return { ...choice, buildId, address, imageBytes: image.length };
}

function writeFlash(path: string, flash: Buffer): void {
  writeFileSync(`${path}.new`, flash);
  renameSync(`${path}.new`, path);
}

export interface Boot {
  readonly info: Info;
  /** What the agent sent after its start. */
  readonly messages: readonly Uint8Array[];
}

/**
 * Boots a board from its flash image and has the agent send; what it stores stays in the image.
 *
 * @throws Error with one line when there is no QEMU, or no core that runs
 */
export function bootQemu(profile: BoardProfile, path: string): Boot {
  const machine = machineOf(profile);
  const { elfPath } = buildFirmware(profile.name as MachineName, { kind: "wasm3" });
  const images = [{ path, address: machine.slots[0].origin }];
  const link = openLink(startMachine({ machine: machine.name, elfPath, images }));
  try {
    const messages: Uint8Array[] = [];
    const delivered: number[] = [];
    const onEvent = createReceiver((id, message) => {
      messages.push(message);
      delivered.push(id);
    });
    const core = runningCore(readFlash(path, machine), machine, link.info);
    const needs = core === undefined ? [0, 0] : [usedMemoryBytes(core), wasm3StackBytes(core)];
    const begun = link.request(COMMAND_KIT_INIT, words(...needs, STORE_BOARD), onEvent);
    if (Buffer.from(begun).readInt32LE(0) !== 0) {
      throw new BoardError(`${profile.name}: ${Buffer.from(begun.subarray(4))}`);
    }
    for (let i = 0; i < POLLS; i++) {
      link.request(COMMAND_KIT_POLL, new Uint8Array(), onEvent);
      for (const id of delivered.splice(0)) link.request(COMMAND_KIT_ACKNOWLEDGE, words(id));
      for (const priority of i === 0 ? PRIORITIES : []) {
        link.request(COMMAND_KIT_FLUSH, words(priority), onEvent);
      }
    }
    keepStore(link, machine, path);
    return { info: link.info, messages };
  } finally {
    link.close();
  }
}

/** Puts what the core stored into the flash image: the next start finds it. */
function keepStore(link: Link, { slots, store }: Machine, path: string): void {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < store.bytes; at += STORE_PART_BYTES) {
    parts.push(link.request(COMMAND_STORE_READ, words(at, STORE_PART_BYTES)));
  }
  const flash = readFileSync(path);
  flash.set(Buffer.concat(parts), slots[0].bytes + slots[1].bytes);
  writeFlash(path, flash);
}

/** The module that the firmware has chosen. */
function runningCore(flash: Buffer, machine: Machine, { slot }: Info): Uint8Array | undefined {
  const region = slot === undefined ? undefined : machine.slots[slot];
  if (region === undefined) return undefined;
  const at = region.origin - machine.slots[0].origin;
  const image = readSlot(flash.subarray(at, at + region.bytes), ABI_VERSION);
  return typeof image === "number" ? undefined : image.wasm;
}

function words(...values: number[]): Uint8Array {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt32LE(value >>> 0, 4 * i);
  return bytes;
}
