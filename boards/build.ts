/** Builds the core for a set of options; a build that was made before is taken from `build/`. */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { type OptionName, renderOptionsModule, resolveOptions } from "./options.ts";
import { squeeze } from "./squeeze.ts";
import { workDirectory } from "./work-directory.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const cacheDir = workDirectory("cores");
const PAGE_BYTES = 65_536;

export interface BuiltCore {
  readonly wasm: Uint8Array;
  /** SHA-256 of the module, hexadecimal. */
  readonly digest: string;
}

/**
 * Compiles `assembly/` with the given options; the others have their defaults.
 *
 * @throws Error with one line for options that are not valid, with asc's own text if it fails
 */
export async function buildCore(
  given: Readonly<Partial<Record<OptionName, number>>> = {},
): Promise<BuiltCore> {
  const optionsModule = renderOptionsModule(given);
  const path = `${cacheDir}/${cacheKey(optionsModule)}.wasm`;
  // The largest cores are made for size; the others for wasm3, which wants short functions.
  const isLarge = resolveOptions(given).STORE_FLASH === 1;
  if (!existsSync(path)) await compile(optionsModule, memoryPages(given), isLarge, path);
  const wasm = new Uint8Array(readFileSync(path));
  return { wasm, digest: createHash("sha256").update(wasm).digest("hex") };
}

/** Changes with every source, with the options and with the compiler. */
function cacheKey(optionsModule: string): string {
  const hash = createHash("sha256").update(optionsModule);
  for (const name of readdirSync(`${root}assembly`).sort()) {
    if (name.endsWith(".ts") && name !== "options.ts") {
      hash.update(name).update(readFileSync(`${root}assembly/${name}`));
    }
  }
  hash.update(readFileSync(`${root}asconfig.json`));
  hash.update(readFileSync(`${root}boards/squeeze.ts`));
  const { resolve } = createRequire(import.meta.url);
  for (const name of ["assemblyscript", "binaryen"]) {
    hash.update(readFileSync(resolve(`${name}/package.json`)));
  }
  return hash.digest("hex").slice(0, 24);
}

async function compile(
  optionsModule: string,
  pages: number,
  isLarge: boolean,
  path: string,
): Promise<void> {
  mkdirSync(cacheDir, { recursive: true });
  const temporary = `${path}.${process.pid}`;
  const outputs = new Map<string, Uint8Array>();
  const { default: asc } = await import("assemblyscript/asc"); // Takes a second to load.
  const stderr = asc.createMemoryStream();
  const { error } = await asc.main(
    [
      "--target",
      "release",
      "--baseDir",
      root,
      "--outFile",
      "core.wasm",
      "--textFile",
      "core.wat",
      ...(isLarge ? ["--shrinkLevel", "2"] : []),
      "--initialMemory",
      String(pages),
      "--maximumMemory",
      String(pages),
    ],
    {
      stderr,
      readFile(name, baseDir) {
        if (name.replaceAll("\\", "/").endsWith("assembly/options.ts")) return optionsModule;
        const file = name.startsWith("/") ? name : `${baseDir}/${name}`;
        return existsSync(file) ? readFileSync(file, "utf8") : null;
      },
      writeFile(name, contents) {
        outputs.set(name, typeof contents === "string" ? Buffer.from(contents) : contents);
      },
    },
  );
  const wasm = outputs.get("core.wasm");
  if (error || wasm === undefined) {
    throw new Error(`the core does not compile: ${error?.message ?? ""}\n${stderr.toString()}`);
  }
  writeFileSync(temporary, isLarge ? await squeeze(wasm) : wasm);
  writeFileSync(`${path}.wat`, outputs.get("core.wat") ?? ""); // With names, for people.
  renameSync(temporary, path);
}

/** Room for one entry of a table, or more. */
const SECTOR_BYTES = 32;
const AGGREGATE_BYTES = 320;

/** Pages that hold the tables of these options, with room for the rest. */
function memoryPages(given: Readonly<Partial<Record<OptionName, number>>>): number {
  const options = resolveOptions(given);
  const chains = 4 * Math.max(options.FLOW_SLOTS_IPV4, options.FLOW_SLOTS_IPV6);
  const bytes =
    options.FLOW_SLOTS_IPV4 * 48 +
    options.FLOW_SLOTS_IPV6 * 72 +
    2 * chains +
    options.RING_SLOTS * (options.RING_HEAD_BYTES + 4) +
    options.STORE_BYTES +
    options.STORE_FLASH * options.STORE_SECTORS_MAX * SECTOR_BYTES +
    options.AGGREGATION_SLOTS * AGGREGATE_BYTES +
    options.EVENT_BYTES_MAX +
    8192;
  return Math.ceil(bytes / PAGE_BYTES);
}
