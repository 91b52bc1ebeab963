import type { ObservedName } from "../wire/observations.ts";
import type { Observed } from "./observations.ts";

/** Takes what happens on the board: the agent, or a test that looks. */
export interface ObserverPort {
  observe<N extends ObservedName>(name: N, item: Observed<N>): void;
}
