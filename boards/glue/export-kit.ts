/**
 * Writes what the C kit needs beside its sources: `picket_abi.h`, and a core as C. CMake runs this
 * file: `node --import tsx boards/glue/export-kit.ts DIR aot|wasm3 [CORE.wasm]`.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { checkCoreModule } from "../../host/core-module.ts";
import { usedMemoryBytes } from "../../host/engines/qemu.ts";
import { wasm3StackBytes } from "../../host/engines/wasm3-stack.ts";
import { translate } from "../aot/translate.ts";
import { buildCore } from "../build.ts";
import { buildIdOf } from "../slot.ts";
import { renderAbiHeader } from "./abi-header.ts";

const MODULE_HEADER = `/* The core of this image: for picket_setup_t. */
#ifndef PICKET_MODULE_H
#define PICKET_MODULE_H

#include "picket_core.h"

extern const picket_core_module_t picket_module;
extern const uint8_t picket_module_build_id[4];

#endif
`;
const BYTES_PER_LINE = 16;

function renderBytes(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += BYTES_PER_LINE) {
    lines.push(`  ${[...bytes.subarray(at, at + BYTES_PER_LINE)].join(", ")},`);
  }
  return lines.join("\n");
}

function renderModule(wasm: Uint8Array, memoryBytes: number, backend: "aot" | "wasm3"): string {
  const id = [...Buffer.from(buildIdOf(wasm), "hex")].join(", ");
  const isWasm3 = backend === "wasm3";
  const array = isWasm3 ? `static const uint8_t wasm[] = {\n${renderBytes(wasm)}\n};\n\n` : "";
  const fields = isWasm3
    ? `wasm, sizeof wasm, ${memoryBytes}u, ${wasm3StackBytes(wasm)}u`
    : "0, 0, 0, 0";
  return `#include "picket_module.h"

${array}const picket_core_module_t picket_module = {${fields}};
const uint8_t picket_module_build_id[4] = {${id}};
`;
}

/** Contents of the files, by name. */
export function exportKit(wasm: Uint8Array, backend: "aot" | "wasm3"): Record<string, string> {
  const memoryBytes = usedMemoryBytes(wasm);
  const files = {
    "picket_abi.h": renderAbiHeader(),
    "picket_module.h": MODULE_HEADER,
    "picket_module.c": renderModule(wasm, memoryBytes, backend),
  };
  if (backend === "wasm3") return files;
  const { c, h } = translate(wasm, { name: "core", memoryBytes });
  return { ...files, "core.c": c, "core.h": h };
}

async function main(directory: string, backend: string, path: string | undefined): Promise<void> {
  if (backend !== "aot" && backend !== "wasm3") throw new Error(`no back end "${backend}"`);
  const wasm = path ? new Uint8Array(readFileSync(path)) : (await buildCore()).wasm;
  checkCoreModule(wasm, path ?? "the core module");
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of Object.entries(exportKit(wasm, backend))) {
    writeFileSync(join(directory, name), text);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [, , directory = "", backend = "", path] = process.argv;
  main(directory, backend, path).catch((error: Error) => {
    console.error(`export-kit: ${error.message}`);
    process.exitCode = 1;
  });
}
