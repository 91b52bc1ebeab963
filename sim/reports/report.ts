/** A run as reports show it: with what only the command knows. */
import type { Check, RunResult } from "../result.ts";

export interface Report {
  readonly result: RunResult;
  /** Real time: when the run began (ms since 1970), and how long it took. */
  readonly startedMs: number;
  readonly tookMs: number;
  /** Line of the scenario that expects what a check is about; 1: none in particular. */
  readonly lineOf: (check: Check) => number;
}
