/** The files of a board's agent. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { translate } from "./aot/translate.ts";
import { BoardError } from "./board-error.ts";
import type { BuiltCore } from "./build.ts";
import type { Footprint } from "./footprint.ts";
import { renderConfigHeader, renderModuleArray } from "./header.ts";
import type { BoardProfile } from "./profile-fields.ts";

/** Contents by file name: the module, its C array, `picket_config.h`, and the core in C for aot. */
export function configFiles(
  profile: BoardProfile,
  { options, core }: Pick<Footprint, "options" | "core">,
  built: BuiltCore,
): Record<string, string | Uint8Array> {
  const files = {
    "core.wasm": built.wasm,
    "picket_config.h": renderConfigHeader(profile, options, built, core),
    "picket_core_wasm.c": renderModuleArray(built),
  };
  if (profile.backend === "wasm3") return files;
  const { c, h } = translate(built.wasm, { name: "core", memoryBytes: core.memoryBytes });
  return { ...files, "core.c": c, "core.h": h };
}

/** @throws BoardError with one line when the folder cannot be written */
export function writeFiles(
  directory: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): void {
  try {
    mkdirSync(directory, { recursive: true });
    for (const [name, contents] of Object.entries(files)) {
      writeFileSync(join(directory, name), contents);
    }
  } catch (cause) {
    throw new BoardError(`${directory}: ${(cause as Error).message}`, { cause });
  }
}
