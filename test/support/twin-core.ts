/**
 * The core's twin part alone, compiled from `assembly/` with an entry of its own: the rest of the
 * core, which only hears of the outcome, is replaced by imports of the test.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import * as abi from "../../assembly/abi.ts";
import { type OptionName, renderOptionsModule } from "../../boards/options.ts";
import type { TwinExports } from "../../host/twin.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

const FLASH_SECTORS = 16;

const ENTRY = `
import { setDefaults, settingOf, priorityOf, aggregationS } from "./config";
import { Start } from "./layout";
import { state } from "./state";
import { TWIN } from "./options";
import { beginTwin, endTwin, takeTwin } from "./twin";
import { reportTwin } from "./twin-report";
const input: usize = memory.data(256, 8);
export function input_address(): usize { return input; }
export function memory_bytes(): u32 { return <u32>__heap_base; }
export function start(): void { setDefaults(changetype<Start>(input)); }
export function twin_begin(is_patch: u32): void { if (TWIN) beginTwin(is_patch !== 0); }
export function twin_chunk(bytes: u32): void { if (TWIN) takeTwin(input, bytes); }
export function twin_end(): i32 { return TWIN ? endTwin() : 0; }
export function report_again(): void { if (TWIN) reportTwin(); }
export function setting(n: u32): u32 { return settingOf(n); }
export function priority(kind: u32): u32 { return priorityOf(kind); }
export function aggregation(kind: u32): u32 { return aggregationS(kind); }
export function is_waiting(): u32 { return state.waiting_for_twin; }
`;
const REPLACED: Readonly<Record<string, string>> = {
  "assembly/twin-entry.ts": ENTRY,
  "assembly/events.ts": `
export declare function configuration_error(property: u32, type: u32, used: u32): void;
export function configurationError(property: u32, type: u32, used: u32): void {
  configuration_error(property, type, used);
}`,
  "assembly/schedule.ts": `
export declare function flush_all(): void;
export function flushAll(): void { flush_all(); }
export function adjustSchedule(): void {}`,
  "assembly/store.ts": "export function setCacheLimit(bytes: u32): void {}",
};

/** @throws Error with asc's own text */
export async function buildTwinCore(
  given: Readonly<Partial<Record<OptionName, number>>> = {},
): Promise<Uint8Array> {
  const files: Record<string, string> = {
    ...REPLACED,
    "assembly/options.ts": renderOptionsModule(given),
  };
  const outputs = new Map<string, Uint8Array>();
  const stderr = asc.createMemoryStream();
  const { error } = await asc.main(
    [
      "assembly/twin-entry.ts",
      "--baseDir",
      root,
      "--outFile",
      "twin.wasm",
      "--runtime",
      "stub",
      "--config",
      "none",
      "--use",
      "abort=",
      "--memoryBase",
      "16",
      "-O3",
      "--shrinkLevel",
      "2",
      "--converge",
    ],
    {
      stderr,
      readFile(name, baseDir) {
        const path = name.replaceAll("\\", "/");
        for (const [file, text] of Object.entries(files)) if (path.endsWith(file)) return text;
        const file = name.startsWith("/") ? name : `${baseDir}/${name}`;
        return existsSync(file) ? readFileSync(file, "utf8") : null;
      },
      writeFile(name, contents) {
        outputs.set(name, typeof contents === "string" ? Buffer.from(contents) : contents);
      },
    },
  );
  const wasm = outputs.get("twin.wasm");
  if (error || !wasm) throw new Error(`asc: ${error?.message ?? ""}\n${stderr.toString()}`);
  return wasm;
}

export interface TwinCore extends TwinInstance {
  /** Takes what the core has said since the last call. */
  take(): { reports: Uint8Array[]; errors: (readonly [number, number, number])[]; flushes: number };
}

interface TwinInstance {
  readonly exports: TwinExports & Record<string, (...args: number[]) => number>;
  readonly memory: ArrayBuffer;
}

/**
 * A core's twin part, started.
 *
 * @param cacheBytes what its flash partition holds, a multiple of FLASH_SECTORS
 */
export function startTwinCore(
  wasm: Uint8Array,
  { cacheBytes = 2 ** 24, intervals = [0, 0, 0], report = (): number => 0 } = {},
): TwinCore {
  let parts: Uint8Array[] = [];
  let reports: Uint8Array[] = [];
  let errors: (readonly [number, number, number])[] = [];
  let flushes = 0;
  const imports = {
    host: {
      report(pointer: number, bytes: number, more: number): number {
        const result = report();
        if (result < 0) parts = [];
        if (result < 0) return result;
        parts.push(new Uint8Array(memory, pointer, bytes).slice());
        if (!more) reports.push(Buffer.concat(parts));
        if (!more) parts = [];
        return 0;
      },
    },
    events: {
      configuration_error: (property: number, type: number, used: number) =>
        void errors.push([property, type, used]),
    },
    schedule: { flush_all: () => void flushes++ },
  };
  const module = new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>);
  const instance = new WebAssembly.Instance(module, imports);
  const exports = instance.exports as unknown as TwinCore["exports"];
  const memory = (instance.exports.memory as WebAssembly.Memory).buffer;
  const input = new DataView(memory, exports.input_address(), abi.INPUT_BYTES);
  for (const [i, interval] of intervals.entries()) {
    input.setUint32(abi.START_HIGH_INTERVAL_S + 4 * i, interval, true);
  }
  input.setUint32(abi.START_FLASH_SECTOR_BYTES, cacheBytes / FLASH_SECTORS, true);
  input.setUint16(abi.START_FLASH_SECTORS, FLASH_SECTORS, true);
  exports.start?.();
  return {
    exports,
    memory,
    take() {
      const taken = { reports, errors, flushes };
      [reports, errors, flushes] = [[], [], 0];
      return taken;
    },
  };
}
