/**
 * The agent alone as it is linked into an application: C kit, back end and (ahead of time) the
 * core, without libc, RTOS and network stack. Bytes come from the linker's map.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  agentFolders,
  agentUnits,
  buildKey,
  type CompiledCore,
  compileUnits,
  generateAgent,
  type ImagePart,
  ROOT,
  runCompiler,
  sizeOf,
  targetFlags,
} from "./compiler.ts";
import type { Machine } from "./firmware/machines.ts";
import { type Bytes, readMap } from "./footprint-map.ts";
import { workDirectory } from "./work-directory.ts";

/** To be raised when this file counts otherwise. */
const STEPS_VERSION = 3;

/** "core" is code only: its memory is told by the module itself. */
export type AgentImage = Readonly<Record<ImagePart, Bytes>>;

/** What is linked. */
export interface ImageOptions {
  readonly cpu: Machine["cpu"];
  /** Settings of the C kit, such as "PICKET_OBSERVATION_BYTES=256u". */
  readonly defines?: readonly string[] | undefined;
  /** Translated into the image; without one the image has wasm3 and no core. */
  readonly core?: CompiledCore | undefined;
}

/**
 * Links the agent for a processor and counts; a result of before is taken from `build/`.
 *
 * @throws Error with one line when there is no compiler
 */
export function measureImage(options: ImageOptions): AgentImage {
  const { cpu, core, defines } = options;
  const generated = generateAgent(core);
  const units = agentUnits(core, defines);
  const folders = agentFolders();
  const key = buildKey({ generated, units, folders, other: [STEPS_VERSION, cpu] });
  const directory = workDirectory("footprint");
  const path = join(directory, `${key}.json`);
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
  const { cpu, core, defines } = options;
  for (const [file, text] of Object.entries(generateAgent(core))) {
    writeFileSync(join(work, file), text);
  }
  const target = targetFlags({ cpu });
  const units = agentUnits(core, defines);
  const objects = compileUnits({ cpu, units, work, folders: agentFolders() });
  const parts = new Map(
    objects.map((object, i) => [object, (units[i] as (typeof units)[number]).part]),
  );
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

/** The program's own section headers must agree with what was read from the map. */
function checkSum(image: AgentImage, elfPath: string): void {
  const { flash, ram } = sizeOf(elfPath);
  const total = totalOf(image);
  if (total.flash === flash && total.ram === ram) return;
  throw new Error(
    `footprint: the map has ${total.flash} + ${total.ram} bytes, the image ${flash} + ${ram}`,
  );
}

/** Functions that an application calls: those of the kit's header, or the back end's alone. */
export function rootFunctions(): string[] {
  const header = ["picket.h", "picket_core.h"].find((name) =>
    existsSync(join(ROOT, "boards", "glue", name)),
  );
  const text = readFileSync(join(ROOT, "boards", "glue", header as string), "utf8");
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
