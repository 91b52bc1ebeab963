/**
 * The agent alone as it is linked into an application: C kit, back end and (ahead of time) the
 * core, without libc, RTOS and network stack. Bytes come from the linker's map.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { listWasm3Sources, wasm3Directory } from "wasm3-node/wasm3-sources.js";
import { translate } from "./aot/translate.ts";
import {
  COMMON,
  compilerVersion,
  runCompiler,
  targetFlags,
  WARNINGS,
  WASM3_SETTINGS,
} from "./firmware/build.ts";
import type { Machine } from "./firmware/machines.ts";
import { type Bytes, isInFlash, isInRam, readMap } from "./footprint-map.ts";
import { renderAbiHeader } from "./glue/abi-header.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const glue = join(root, "boards", "glue");
const aot = join(root, "boards", "aot");
const compat = join(root, "host", "wasm3-node", "src");
/** To be raised when this file counts otherwise. */
const STEPS_VERSION = 2;

/** Parts of an image; "core" is code only (its memory is told by the module itself). */
export type ImagePart = "core" | "runtime" | "backend" | "kit";
export type AgentImage = Readonly<Record<ImagePart, Bytes>>;

/** What is linked. */
export interface ImageOptions {
  readonly cpu: Machine["cpu"];
  /** Settings of the C kit, such as "PICKET_OBSERVATION_BYTES=256u". */
  readonly defines?: readonly string[] | undefined;
  /** Translated into the image; without one the image has wasm3 and no core. */
  readonly core?:
    | {
        readonly wasm: Uint8Array;
        readonly memoryBytes: number;
        /** How gcc optimizes the core's code. */
        readonly optimization: "-O2" | "-Os";
      }
    | undefined;
}

/** A source with the flags of its own. */
export interface ImageUnit {
  readonly part: ImagePart;
  readonly path: string;
  readonly flags: readonly string[];
}

/** The C kit, for either back end: what boards/glue has, without the back ends themselves. */
export function kitSources(): string[] {
  return readdirSync(glue)
    .filter((name) => name.endsWith(".c") && !name.startsWith("core-"))
    .sort()
    .map((name) => join(glue, name));
}

/** Sources of the agent. */
export function imageUnits({ core, defines = [] }: ImageOptions): ImageUnit[] {
  const own = [...WARNINGS, ...defines.map((define) => `-D${define}`)];
  const kit: ImageUnit[] = kitSources().map((path) => ({ part: "kit", path, flags: own }));
  if (core !== undefined) {
    return [
      ...kit,
      { part: "backend", path: join(glue, "core-aot.c"), flags: ["-Wall", "-Wextra"] },
      { part: "runtime", path: join(aot, "wasm-rt.c"), flags: WARNINGS },
      { part: "core", path: "core.c", flags: [core.optimization, "-w"] },
    ];
  }
  const settings = [...WASM3_SETTINGS, "-w"];
  const sources = listWasm3Sources(wasm3Directory());
  return [
    ...kit,
    { part: "backend", path: join(glue, "core-wasm3.c"), flags: settings },
    ...sources.map((path): ImageUnit => ({ part: "runtime", path, flags: settings })),
  ];
}

/** Sources that are made for this image, by name. */
export function generateImage({ core }: ImageOptions): Record<string, string> {
  const files = { "picket_abi.h": renderAbiHeader() };
  if (core === undefined) return files;
  const { c, h } = translate(core.wasm, { name: "core", memoryBytes: core.memoryBytes });
  return { ...files, "core.c": c, "core.h": h };
}

function imageKey(options: ImageOptions): string {
  const { core, cpu } = options;
  const hash = createHash("sha256").update(compilerVersion());
  hash.update(renderAbiHeader());
  hash.update(JSON.stringify([STEPS_VERSION, cpu, COMMON, WARNINGS, WASM3_SETTINGS]));
  hash.update(JSON.stringify([core?.memoryBytes, core?.optimization, options.defines]));
  if (core !== undefined) hash.update(core.wasm);
  for (const folder of kitFolders()) {
    for (const name of readdirSync(folder).sort()) {
      if (/\.[ch]$/.test(name)) hash.update(name).update(readFileSync(join(folder, name)));
    }
  }
  return hash.digest("hex").slice(0, 24);
}

/**
 * Links the agent for a processor and counts; a result of before is taken from `build/`.
 *
 * @throws Error with one line when there is no compiler
 */
export function measureImage(options: ImageOptions): AgentImage {
  const directory = join(root, "build", "footprint");
  const path = join(directory, `${imageKey(options)}.json`);
  if (existsSync(path)) return JSON.parse(readFileSync(path, "utf8"));
  const work = `${path}.${process.pid}`;
  mkdirSync(work, { recursive: true });
  try {
    const image = linkImage(options, work);
    writeFileSync(join(work, "image.json"), JSON.stringify(image));
    renameSync(join(work, "image.json"), path);
    return image;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function linkImage(options: ImageOptions, work: string): AgentImage {
  for (const [file, text] of Object.entries(generateImage(options))) {
    writeFileSync(join(work, file), text);
  }
  const target = targetFlags(options);
  const folders = [work, ...kitFolders()];
  const parts = new Map<string, ImagePart>();
  const objects = imageUnits(options).map((unit, index) => {
    const object = compileUnit({ cpu: options.cpu, unit, index, work, folders });
    parts.set(object, unit.part);
    return object;
  });
  const mapPath = join(work, "image.map");
  const link = [
    ...["-nostdlib", "-Wl,--gc-sections", "-Wl,--unresolved-symbols=ignore-all"],
    ...["-Wl,--no-warn-mismatch", `-Wl,-Map=${mapPath}`],
    ...rootFunctions().flatMap((name) => ["-u", name]),
    `-Wl,--entry=${rootFunctions()[0]}`,
  ];
  runCompiler([...target, ...link, "-o", join(work, "image.elf"), ...objects]);
  const image = sumParts(readMap(readFileSync(mapPath, "utf8")), parts);
  checkSum(image, join(work, "image.elf"));
  return image;
}

/** Folders of the sources and headers of the agent. */
export function kitFolders(): string[] {
  return [glue, aot, compat, wasm3Directory()];
}

/** Compiles a source into a folder, and returns the object's path. */
export function compileUnit({
  cpu,
  unit,
  index,
  work,
  folders,
}: {
  readonly cpu: Machine["cpu"];
  readonly unit: Pick<ImageUnit, "path" | "flags">;
  readonly index: number;
  readonly work: string;
  readonly folders: readonly string[];
}): string {
  const source = isAbsolute(unit.path) ? unit.path : join(work, unit.path);
  const object = join(work, `${index}-${basename(unit.path, ".c")}.o`);
  const includes = folders.flatMap((folder) => ["-I", folder]);
  const flags = [...targetFlags({ cpu }), ...COMMON, ...unit.flags, ...includes];
  runCompiler([...flags, "-c", "-o", object, source]);
  return object;
}

/** The program's own section headers must agree with what was read from the map. */
function checkSum(image: AgentImage, elfPath: string): void {
  const report = execFileSync("arm-none-eabi-size", ["-A", elfPath], { encoding: "utf8" });
  let flash = 0;
  let ram = 0;
  for (const [, section = "", bytes] of report.matchAll(/^(\.\S+)\s+(\d+)\s+\d+$/gm)) {
    if (isInFlash(section)) flash += Number(bytes);
    if (isInRam(section)) ram += Number(bytes);
  }
  const total = totalOf(image);
  if (total.flash === flash && total.ram === ram) return;
  throw new Error(
    `footprint: the map has ${total.flash} + ${total.ram} bytes, the image ${flash} + ${ram}`,
  );
}

/** Functions that an application calls: those of the kit's header, or the back end's alone. */
export function rootFunctions(): string[] {
  const header = ["picket.h", "picket_core.h"].find((name) => existsSync(join(glue, name)));
  const text = readFileSync(join(glue, header as string), "utf8");
  const found = text.matchAll(/^[a-z][\w *]*?\b(picket_\w+)\(/gm);
  return [...new Set([...found].map((match) => match[1] as string))].sort();
}

function sumParts(
  objects: ReadonlyMap<string, Bytes>,
  parts: ReadonlyMap<string, ImagePart>,
): AgentImage {
  const sums: Record<ImagePart, { flash: number; ram: number }> = {
    core: { flash: 0, ram: 0 },
    runtime: { flash: 0, ram: 0 },
    backend: { flash: 0, ram: 0 },
    kit: { flash: 0, ram: 0 },
  };
  for (const [object, { flash, ram }] of objects) {
    const sum = sums[parts.get(object) ?? "kit"]; // Alignment is the kit's.
    sum.flash += flash;
    sum.ram += ram;
  }
  return sums;
}

/** Flash and RAM of all parts. */
export function totalOf(image: AgentImage): Bytes {
  const all = Object.values(image);
  return {
    flash: all.reduce((sum, part) => sum + part.flash, 0),
    ram: all.reduce((sum, part) => sum + part.ram, 0),
  };
}
