/** Engines by the names that commands and reports use. */
import type { Engine } from "./engine.ts";
import { v8 } from "./v8.ts";
import { wasm3 } from "./wasm3.ts";

export const ENGINES = { v8, wasm3 } as const satisfies Record<string, Engine>;

export type EngineName = keyof typeof ENGINES;

/** @throws Error with one line for a name that is none */
export function engineNamed(name: string): Engine {
  if (Object.hasOwn(ENGINES, name)) return ENGINES[name as EngineName];
  throw new Error(`no engine "${name}"; there are ${Object.keys(ENGINES).join(", ")}`);
}
