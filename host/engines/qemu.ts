/**
 * The core on a board under QEMU as an engine: its memory is there, `memory` is a copy here. What
 * the host writes into ring and input buffer goes over before each call; `pull` brings the rest.
 */
import { createHash } from "node:crypto";
import * as abi from "../../assembly/abi.ts";
import { openRemoteCore, type RemoteCore } from "../qemu/core.ts";
import { type Link, openLink } from "../qemu/link.ts";
import { type MachineOptions, startMachine } from "../qemu/machine.ts";
import { CORE_EXPORTS, type CoreExports, type CoreImports, type CoreInstance } from "./engine.ts";
import { wasm3StackBytes } from "./wasm3-stack.ts";

/** Runs cores on boards; each core has a machine of its own, until it is released. */
export interface QemuEngine {
  (wasm: Uint8Array, imports: CoreImports): CoreInstance;
  /** All cores so far are done with: later ones of the same module run on their machines. */
  release(): void;
  /** Stops all of its machines. */
  close(): void;
}

/** The machine for a core, which has `memoryBytes` of linear memory. */
export type PrepareMachine = (wasm: Uint8Array, memoryBytes: number) => MachineOptions;

/** Exports that always answer the same: asked once. */
const CONSTANTS = ["abi_version", "memory_bytes", "ring_address", "input_address"] as const;
const ROUND_BYTES = 8;
/** Behind the copy of the memory: for what the core hands over, and for what it programs. */
const HANDED_BYTES = 65_536;
const PROGRAM_BYTES = 65_536;
const WORD = 4;
/** Changed words that are so near to each other go in one piece, bytes. */
const GAP_BYTES = 16;

interface QemuMachine {
  readonly link: Link;
  /** SHA-256 of the module that its flash holds. */
  readonly module: string;
  isTaken: boolean;
  /** A call did not come to its end. */
  isBroken: boolean;
}

export function createQemuEngine(prepare: PrepareMachine): QemuEngine {
  const machines: QemuMachine[] = [];
  const engine = (wasm: Uint8Array, imports: CoreImports): CoreInstance => {
    const memoryBytes = usedMemoryBytes(wasm);
    const module = createHash("sha256").update(wasm).digest("hex");
    const isFree = (other: QemuMachine) => !other.isTaken && !other.isBroken;
    let machine = machines.find((other) => isFree(other) && other.module === module);
    if (machine === undefined) {
      const link = openLink(startMachine(prepare(wasm, memoryBytes)));
      machine = { link, module, isTaken: true, isBroken: false };
      machines.push(machine);
    }
    machine.isTaken = true;
    return openCore(machine, imports, memoryBytes, wasm3StackBytes(wasm));
  };
  return Object.assign(engine, {
    release() {
      for (const machine of machines) machine.isTaken = false;
    },
    close() {
      for (const { link } of machines.splice(0)) link.close();
    },
  });
}

/** Linear memory that a core uses, asked of the module itself; rounded up to 8 bytes. */
export function usedMemoryBytes(wasm: Uint8Array): number {
  const module = new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>);
  const host = Object.fromEntries(
    WebAssembly.Module.imports(module).map(({ name }) => [name, () => abi.E_FLASH]),
  );
  const { exports } = new WebAssembly.Instance(module, { host });
  const used = (exports as unknown as CoreExports).memory_bytes();
  return Math.ceil(used / ROUND_BYTES) * ROUND_BYTES;
}

function openCore(
  machine: QemuMachine,
  imports: CoreImports,
  memoryBytes: number,
  stackBytes: number,
): CoreInstance {
  const memory = new ArrayBuffer(memoryBytes + HANDED_BYTES + PROGRAM_BYTES);
  const copy = new Uint8Array(memory, 0, memoryBytes);
  const handed = new Uint8Array(memory, memoryBytes, HANDED_BYTES);
  /** The bytes of a program stay until it is done, whatever is handed over meanwhile. */
  const programmed = new Uint8Array(memory, memoryBytes + HANDED_BYTES);

  function hand(part: Uint8Array): number {
    handed.set(part);
    return memoryBytes;
  }
  const core = openRemoteCore(machine.link, {
    memoryBytes,
    stackBytes,
    publish: (id, part, more) => imports.publish(id, hand(part), part.length, more ? 1 : 0),
    report: (part, more) => imports.report(hand(part), part.length, more ? 1 : 0),
    flash: {
      read(address, to) {
        const result = imports.flash_read(address, memoryBytes, to.length);
        to.set(handed.subarray(0, to.length));
        return result;
      },
      program(address, from) {
        programmed.set(from);
        return imports.flash_program(address, programmed.byteOffset, from.length);
      },
      erase: (address) => imports.flash_erase(address),
    },
  });
  const constants = new Map(CONSTANTS.map((name) => [name as string, core.call(name).result]));
  const mirror = createMirror(core, copy);
  const exports = Object.fromEntries(
    CORE_EXPORTS.map((name) => [
      name,
      (...values: number[]) => {
        const answer = constants.get(name);
        if (answer !== undefined) return answer;
        mirror.beforeCall();
        machine.isBroken = true; // Until it is over: an import may throw in the middle.
        const { result } = core.call(name, ...values);
        machine.isBroken = false;
        mirror.afterCall();
        return result;
      },
    ]),
  );
  return {
    exports: exports as unknown as CoreExports,
    memory,
    pull: mirror.pull,
    push: mirror.push,
  };
}

/** Keeps ring and input buffer of the copy and of the board the same. */
function createMirror(core: RemoteCore, copy: Uint8Array) {
  const view = new DataView(copy.buffer, copy.byteOffset, copy.length);
  const input = core.call("input_address").result;
  const ring = core.call("ring_address").result;
  copy.set(core.readMemory(0, copy.length));
  const known = copy.slice();
  const knownView = new DataView(known.buffer);

  /** Sends the words between two addresses that are not as the board has them. */
  function send(from: number, to: number): void {
    let first = -1;
    let end = -1;
    for (let at = from; at < to; at += WORD) {
      if (view.getUint32(at, true) === knownView.getUint32(at, true)) continue;
      if (first >= 0 && at - end > GAP_BYTES) {
        write(first, end);
        first = -1;
      }
      if (first < 0) first = at;
      end = at + WORD;
    }
    if (first >= 0) write(first, end);
  }

  function write(from: number, to: number): void {
    core.writeMemory(from, copy.subarray(from, to));
    known.set(copy.subarray(from, to), from);
  }

  function fetch(from: number, bytes: number): void {
    const now = core.readMemory(from, bytes);
    copy.set(now, from);
    known.set(now, from);
  }

  const u16 = (offset: number) => view.getUint16(ring + offset, true);
  const u32 = (offset: number) => view.getUint32(ring + offset, true);

  return {
    beforeCall(): void {
      send(input, input + abi.INPUT_BYTES);
      const slotBytes = abi.SLOT_HEAD + u16(abi.RING_HEAD_BYTES_MAX);
      const slots = u16(abi.RING_SLOTS_COUNT) * slotBytes;
      send(ring + abi.RING_SLOTS, ring + abi.RING_SLOTS + slots);
      send(ring, ring + abi.RING_SLOTS); // Last, as it says which slots are taken.
    },
    /** The core counts what it drained, and clears the first words of those slots. */
    afterCall(): void {
      const before = u32(abi.RING_DRAINED);
      fetch(ring, abi.RING_SLOTS);
      const slotBytes = abi.SLOT_HEAD + u16(abi.RING_HEAD_BYTES_MAX);
      const count = u16(abi.RING_SLOTS_COUNT);
      const drained = (u32(abi.RING_DRAINED) - before) >>> 0;
      for (let i = 0; i < Math.min(drained, count); i++) {
        const slot = ring + abi.RING_SLOTS + ((before + i) & (count - 1)) * slotBytes;
        view.setUint32(slot, 0, true);
        knownView.setUint32(slot, 0, true);
      }
    },
    pull: () => fetch(0, copy.length),
    push: () => write(0, copy.length),
  };
}
