/** The C side of a board's configuration: `picket_config.h`, and the module as an array. */

import type { BuiltCore } from "./build.ts";
import type { CoreSize } from "./core-size.ts";
import { partitionAddress } from "./geometry.ts";
import { OPTIONS, type Option, type Options } from "./options.ts";
import { type BoardProfile, PARTITIONS } from "./profile-fields.ts";

const BYTES_PER_LINE = 16;

function define(name: string, value: number | string, comment: string): string {
  const text = typeof value === "number" ? `${value}u` : value;
  return `#define PICKET_CONFIG_${name} ${text} /* ${comment.replaceAll("*/", "* /")} */`;
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}u`;
}

function boardLines(profile: BoardProfile): string[] {
  const store = profile.partitions.store;
  const unit = profile.memories[store.memory]?.program_bytes ?? 1;
  const backend = profile.backend === "wasm3" ? "WASM3" : "AOT";
  const lines = [
    define("BOARD_NAME", JSON.stringify(profile.name), profile.title),
    define(`BACKEND_${backend}`, 1, "how the core runs"),
    define("HIGH_INTERVAL_S", profile.high_interval_s, "for picket_setup_t; 0: default"),
    define("LOW_INTERVAL_S", profile.low_interval_s, "for picket_setup_t; 0: default"),
    define("SNAPSHOT_INTERVAL_S", profile.snapshot_interval_s, "for picket_setup_t; 0: default"),
  ];
  for (const name of PARTITIONS) {
    const upper = name.toUpperCase();
    const { memory, bytes } = profile.partitions[name];
    lines.push(
      define(`${upper}_AT`, hex(partitionAddress(profile, name)), `partition in ${memory}`),
    );
    lines.push(define(`${upper}_PARTITION_BYTES`, bytes, "its size"));
  }
  lines.push(define("STORE_SECTOR_BYTES", profile.store_sector_bytes, "erased at once"));
  lines.push(define("STORE_SECTORS", store.bytes / profile.store_sector_bytes, "of them"));
  lines.push(define("STORE_PROGRAM_BYTES", unit, "programmed at once"));
  return lines;
}

function coreLines(core: BuiltCore, size: CoreSize): string[] {
  const id = core.digest.slice(0, 8).match(/../g) ?? [];
  return [
    define("CORE_SHA256", JSON.stringify(core.digest), "of the module"),
    define("CORE_BUILD_ID", `{${id.map((byte) => `0x${byte}u`).join(", ")}}`, "its first bytes"),
    define("CORE_WASM_BYTES", size.wasmBytes, "of the module"),
    define("CORE_MEMORY_BYTES", size.memoryBytes, "linear memory"),
    define("CORE_STACK_BYTES", size.stackBytes, "wasm3's stack"),
  ];
}

/** Contents of `picket_config.h`; the same for the same board, options and core. */
export function renderConfigHeader(
  profile: BoardProfile,
  options: Options,
  core: BuiltCore,
  size: CoreSize,
): string {
  const values: Readonly<Record<string, number>> = options;
  const optionLines = (Object.entries(OPTIONS) as [string, Option][]).map(([name, { doc, unit }]) =>
    define(name, values[name] ?? 0, `${doc}; ${unit}`),
  );
  return `/* Made by \`picket config ${profile.name}\`; do not edit. */
#ifndef PICKET_CONFIG_H
#define PICKET_CONFIG_H

/* The board. */
${boardLines(profile).join("\n")}

/* The core module. */
${coreLines(core, size).join("\n")}

/* What it was built with. */
${optionLines.join("\n")}

#endif
`;
}

/** The module as a C array: contents of `picket_core_wasm.c`. */
export function renderModuleArray(core: BuiltCore): string {
  const lines: string[] = [];
  for (let at = 0; at < core.wasm.length; at += BYTES_PER_LINE) {
    const bytes = [...core.wasm.subarray(at, at + BYTES_PER_LINE)];
    lines.push(`  ${bytes.map((byte) => `0x${byte.toString(16).padStart(2, "0")}`).join(", ")},`);
  }
  return `/* Made by \`picket config\`; SHA-256 ${core.digest}. */
#include <stdint.h>

extern const uint8_t picket_core_wasm[];
extern const uint32_t picket_core_wasm_bytes;

const uint8_t picket_core_wasm[] __attribute__((aligned(4))) = {
${lines.join("\n")}
};
const uint32_t picket_core_wasm_bytes = sizeof picket_core_wasm;
`;
}
