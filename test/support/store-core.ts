/** The store of the core alone, compiled as a module of its own. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { renderOptionsModule } from "../../boards/options.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const ENTRY = "assembly/store-entry.ts"; // Does not exist as a file.
const ENTRY_TEXT = `
import { Start } from "./layout";
import { state } from "./state";
import { append as appendEvent, mountStore } from "./store";

const start: usize = memory.data(offsetof<Start>(), 8);
const event: usize = memory.data(4096, 8);

export function start_address(): usize {
  return start;
}
export function event_address(): usize {
  return event;
}
export function mount(): i32 {
  return mountStore(changetype<Start>(start));
}
export function append(priority: u32, bytes: u32): void {
  appendEvent(priority, event, bytes);
}
export function advance(seconds: u32): void {
  state.uptime_s += seconds;
}
export function memory_bytes(): u32 {
  return <u32>__heap_base;
}
export {
  bootCount, collectedCount, damagedCount, deliveredCount, droppedCount, firstSequence, flashDone,
  canSend, publishEvents, release, roomLeft, runStore, setCacheLimit, setInFlight, storeEpoch,
  storeRetryS, storedCount,
} from "./store";
`;

/** The exports of the module. */
export interface StoreExports {
  readonly memory: WebAssembly.Memory;
  start_address(): number;
  event_address(): number;
  memory_bytes(): number;
  mount(): number;
  advance(seconds: number): void;
  append(priority: number, bytes: number): void;
  bootCount(): number;
  collectedCount(priority: number): number;
  damagedCount(): number;
  deliveredCount(priority: number): number;
  droppedCount(priority: number): number;
  firstSequence(priority: number): number;
  flashDone(status: number): number;
  canSend(priority: number): number;
  publishEvents(priority: number, id: number, room: number): number;
  roomLeft(): number;
  release(priority: number, endSequence: number): void;
  runStore(): void;
  setCacheLimit(bytes: number): number;
  setInFlight(priority: number, endSequence: number): void;
  storeEpoch(): number;
  storeRetryS(): number;
  storedCount(priority: number): number;
}

/**
 * Compiles the store.
 *
 * @param given build options that differ from their defaults
 */
export async function buildStore(
  given: Readonly<Record<string, number>>,
): Promise<Uint8Array<ArrayBuffer>> {
  const { default: asc } = await import("assemblyscript/asc");
  const options = renderOptionsModule(given);
  const config = readFileSync(`${root}asconfig.json`, "utf8").replace("assembly/index.ts", ENTRY);
  const stderr = asc.createMemoryStream();
  let wasm: Uint8Array<ArrayBuffer> | undefined;
  const { error } = await asc.main(
    ["--target", "release", "--baseDir", root, "--outFile", "core.wasm"],
    {
      stderr,
      readFile(name, baseDir) {
        const path = name.replaceAll("\\", "/");
        if (path.endsWith("assembly/options.ts")) return options;
        if (path.endsWith(ENTRY)) return ENTRY_TEXT;
        if (path.endsWith("asconfig.json")) return config;
        const file = name.startsWith("/") ? name : `${baseDir}/${name}`;
        return existsSync(file) ? readFileSync(file, "utf8") : null;
      },
      writeFile(name, contents) {
        if (name.endsWith(".wasm")) wasm = new Uint8Array(Buffer.from(contents));
      },
    },
  );
  if (error || wasm === undefined) {
    throw new Error(`the store does not compile: ${error?.message ?? ""}\n${stderr.toString()}`);
  }
  return wasm;
}
