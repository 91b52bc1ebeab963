/** Messages of the original agent (p…, s…) and of its schema's builder (g…), with their JSON. */
import { readdirSync, readFileSync } from "node:fs";

export const FIXTURES = new URL("../fixtures/legacy/", import.meta.url);

export const SAMPLES: readonly string[] = readdirSync(FIXTURES)
  .filter((name) => name.endsWith(".bin"))
  .map((name) => name.slice(0, -".bin".length));

/** A fresh copy of the message. */
export function sample(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`${name}.bin`, FIXTURES)));
}

export function sampleJson(name: string): string {
  return readFileSync(new URL(`${name}.json`, FIXTURES), "utf8").trimEnd();
}
