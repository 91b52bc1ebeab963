/** Builds the C kit for the host, with sanitizers, on either back end. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { listWasm3Sources, wasm3Directory } from "wasm3-node/wasm3-sources.js";
import { translate } from "../../../boards/aot/translate.ts";
import { ENGINES } from "../../../boards/engines.ts";
import { renderAbiHeader } from "../../../boards/glue/abi-header.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const here = join(root, "test", "support", "kit");
const glue = join(root, "boards", "glue");
const aot = join(root, "boards", "aot");

export const KIT_SOURCES = ["picket.c", "picket_ring.c", "picket_inbox.c", "picket_ram.c"];
export const KIT_WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"];
export const hasCompilers = ["gcc", "clang"].every(
  (name) => spawnSync(name, ["--version"]).status === 0,
);

export interface KitBuild {
  readonly compiler: "gcc" | "clang";
  readonly backend: "aot" | "wasm3";
  /** Clang's are often without a runtime library: "undefined-trap" needs none. */
  readonly sanitizers: "address,undefined" | "thread" | "undefined-trap";
  readonly wasm: Uint8Array;
  /** Sources beside the kit: paths, or names in this folder. */
  readonly sources: readonly string[];
  readonly includes?: readonly string[];
  readonly defines?: readonly string[];
}

/** Linear memory that the core uses, rounded up to 8, bytes. */
export function usedBytes(wasm: Uint8Array): number {
  const refuse = () => -1;
  const imports = {
    publish: refuse,
    report: refuse,
    flash_read: refuse,
    flash_program: refuse,
    flash_erase: refuse,
  };
  return Math.ceil(ENGINES.v8(wasm, imports).exports.memory_bytes() / 8) * 8;
}

/** @returns path of the program, in `directory` */
export function buildKit(directory: string, build: KitBuild): string {
  const { compiler, backend, sanitizers, wasm } = build;
  const work = join(directory, `${compiler}-${backend}-${sanitizers.replaceAll(",", "-")}`);
  mkdirSync(work, { recursive: true });
  writeFileSync(join(work, "picket_abi.h"), renderAbiHeader());
  const includes = [work, glue, aot, here, join(root, "host", "wasm3-node", "src")];
  const own = ["-std=gnu11", "-g", "-O1", ...KIT_WARNINGS];
  const sanitize =
    sanitizers === "undefined-trap"
      ? ["-fsanitize=undefined", "-fsanitize-trap=undefined"]
      : [`-fsanitize=${sanitizers}`, "-fno-sanitize-recover=all"];
  const defines = build.defines ?? [];
  const units: { path: string; flags: string[] }[] = [
    ...KIT_SOURCES.map((name) => ({ path: join(glue, name), flags: [...own, ...sanitize] })),
    ...build.sources.map((name) => ({
      path: name.startsWith("/") ? name : join(here, name),
      flags: [...own, ...sanitize],
    })),
  ];
  if (backend === "aot") {
    const { c, h } = translate(wasm, { name: "core", memoryBytes: usedBytes(wasm) });
    writeFileSync(join(work, "core.c"), c);
    writeFileSync(join(work, "core.h"), h);
    // The core is bounds-checked itself, and takes slots without synchronisation that TSan knows.
    const plain = sanitizers === "thread" ? [] : sanitize;
    units.push(
      { path: join(glue, "core-aot.c"), flags: ["-g", "-O1", "-Wall", "-Wextra", ...sanitize] },
      { path: join(aot, "wasm-rt.c"), flags: ["-g", "-O1", ...plain] },
      { path: join(work, "core.c"), flags: ["-g", "-O1", "-w", ...plain] },
    );
  } else {
    // wasm3 itself is not ours, and 0.5.0 is not free of undefined behaviour.
    includes.push(wasm3Directory());
    units.push({ path: join(glue, "core-wasm3.c"), flags: ["-g", "-O1", ...sanitize] });
    for (const path of listWasm3Sources(wasm3Directory())) {
      units.push({ path, flags: ["-O1", "-w"] });
    }
  }
  const folders = [...includes, ...(build.includes ?? [])].flatMap((folder) => ["-I", folder]);
  const objects = units.map(({ path, flags }, i) => {
    const object = join(work, `${i}.o`);
    execFileSync(compiler, [...flags, ...defines, ...folders, "-c", "-o", object, path]);
    return object;
  });
  const program = join(work, "program");
  execFileSync(compiler, [...sanitize, "-o", program, ...objects, "-lpthread", "-lm"]);
  return program;
}
