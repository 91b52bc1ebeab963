import { State } from "./layout";
import { CAUSES } from "./message";

// Not globals: a snapshot of the agent is its memory.
export const state: State = changetype<State>(memory.data(offsetof<State>(), 8));
/** Loss counters, one for each `cause` in message.cddl; the first is not used. */
const counters: usize = memory.data(CAUSES * 4, 4);

/** Adds one to a loss counter; it stays at its greatest value. */
export function lose(cause: u32): void {
  const counter = counters + (cause << 2);
  const count = load<u32>(counter) + 1;
  if (count !== 0) store<u32>(counter, count);
}

/** Present value of a loss counter. */
export function lost(cause: u32): u32 {
  return load<u32>(cause << 2, counters);
}

/** Sets a loss counter that is counted elsewhere. */
export function setLost(cause: u32, count: u32): void {
  assert(cause < CAUSES);
  store<u32>(cause << 2, count, counters);
}
