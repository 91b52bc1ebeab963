/** Engines by the names that commands and reports use. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ABI_VERSION } from "../assembly/abi.ts";
import type { Engine } from "../host/engines/engine.ts";
import { createQemuEngine, type QemuEngine } from "../host/engines/qemu.ts";
import { v8 } from "../host/engines/v8.ts";
import { wasm3 } from "../host/engines/wasm3.ts";
import { buildFirmware } from "./firmware/build.ts";
import { MACHINES, type MachineName } from "./firmware/machines.ts";
import { encodeSlot } from "./slot.ts";

export const ENGINES = { v8, wasm3 } as const satisfies Record<string, Engine>;

const QEMU = /^qemu:([^:]+)(:aot)?$/;

/**
 * `v8`, `wasm3`, `qemu:<board>` (wasm3 in its firmware) or `qemu:<board>:aot`.
 *
 * @throws Error with one line for a name that is none
 */
export function engineNamed(name: string): Engine {
  if (Object.hasOwn(ENGINES, name)) return ENGINES[name as keyof typeof ENGINES];
  const [, board = "", aot] = QEMU.exec(name) ?? [];
  if (Object.hasOwn(MACHINES, board)) {
    return qemuEngine(board as MachineName, aot === undefined ? "wasm3" : "aot");
  }
  const boards = Object.keys(MACHINES).map((machine) => `qemu:${machine}[:aot]`);
  const names = [...Object.keys(ENGINES), ...boards].join(", ");
  throw new Error(`no engine "${name}"; there are ${names}`);
}

/** Boards under QEMU; its machines run until `close`, or the end of this process. */
export function qemuEngine(machine: MachineName, backend: "wasm3" | "aot"): QemuEngine {
  const { slots } = MACHINES[machine];
  return createQemuEngine((wasm, memoryBytes) => {
    if (backend === "aot") {
      const { elfPath } = buildFirmware(machine, { kind: "aot", wasm, memoryBytes });
      return { machine, elfPath };
    }
    const { elfPath } = buildFirmware(machine, { kind: "wasm3" });
    const image = encodeSlot(wasm, ABI_VERSION, 1);
    if (image.length > slots[0].bytes) {
      throw new Error(`${machine}: a core of ${wasm.length} bytes does not fit its slot`);
    }
    const directory = mkdtempSync(join(tmpdir(), "picket-slot-"));
    process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
    const path = join(directory, "slot.bin");
    writeFileSync(path, image);
    return { machine, elfPath, images: [{ path, address: slots[0].origin }] };
  });
}
