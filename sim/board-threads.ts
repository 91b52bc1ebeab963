/** The threads of a simulated board, and when its agent's thread gets the processor. */
import type { ObserverPort } from "../host/observer-port.ts";
import { createThreadx, type Threadx } from "../host/threadx/threadx.ts";
import { durationMs } from "./duration.ts";
import type { BoardFaults } from "./fault-plan.ts";
import type { ThreadActionEntry, ThreadEntry } from "./scenario.ts";
import type { Scheduler } from "./scheduler.ts";

export interface BoardThreadsOptions {
  readonly threads: readonly ThreadEntry[];
  readonly agentPriority: number;
  readonly observer: ObserverPort;
  readonly scheduler: Scheduler;
  readonly faults: BoardFaults;
}

export interface BoardThreads {
  /** The board is switched on: those that run from the start are created. */
  powerOn(): void;
  act(entry: ThreadActionEntry): void;
  /** When the agent's thread, which has something to do, gets its turn: now or later, ms. */
  turnMs(): number;
  /** As `turnMs`, for a turn that has been late already. */
  nextMs(): number;
}

/** Where applications commonly have what can wait. */
export const AGENT_PRIORITY = 16;
const COMPUTE = "1s";

export function createBoardThreads(options: BoardThreadsOptions): BoardThreads {
  const { threads, agentPriority, observer, scheduler, faults } = options;
  let kernel: Threadx = createKernel();
  const ids = new Map<string, number>();

  function createKernel(): Threadx {
    return createThreadx(observer, () => scheduler.nowMs);
  }

  function create({ name, entry = `${name}_entry`, priority, stackBytes }: ThreadEntry): void {
    ids.set(name, kernel.create({ name, entry, priority, stackBytes }));
  }

  return {
    powerOn() {
      kernel = createKernel();
      ids.clear();
      for (const thread of threads) if (thread.atStart !== false) create(thread);
    },
    act({ thread: name, do: what, bytes = 0, for: length = COMPUTE }) {
      const thread = threads.find((other) => other.name === name);
      const id = ids.get(name) ?? 0;
      if (what === "create" && thread !== undefined) create(thread);
      if (what === "complete") kernel.complete(id);
      if (what === "terminate") kernel.terminate(id);
      if (what === "useStack") kernel.useStack(id, bytes);
      if (what === "compute") kernel.compute(id, scheduler.nowMs + durationMs(length));
    },
    turnMs() {
      const slow = faults.hits("slowAgent");
      if (slow !== undefined) {
        const { delay } = slow.entry;
        const endMs = delay === undefined ? slow.untilMs : scheduler.nowMs + durationMs(delay);
        kernel.interrupt(endMs);
      }
      return kernel.readyMs(agentPriority);
    },
    nextMs: () => kernel.readyMs(agentPriority),
  };
}
