/** Runs as one JSON document. */
import { isPassed, type RunResult } from "../result.ts";

export interface RunDocument {
  readonly passed: boolean;
  readonly runs: readonly (RunResult & { readonly passed: boolean })[];
}

export function runDocument(results: readonly RunResult[]): RunDocument {
  const runs = results.map((result) => ({ ...result, passed: isPassed(result) }));
  return { passed: runs.every(({ passed }) => passed), runs };
}
