/**
 * Model of ThreadX as the agent sees it: threads with their stacks, and time in ticks. What
 * happens to threads is told to the agent as ProcessCreate and ProcessTerminate.
 */
import type { ObserverPort } from "../observer-port.ts";

/** ThreadX's usual `TX_TIMER_TICKS_PER_SECOND`. */
export const TICKS_PER_SECOND = 100;
/** A stack that is used to more than this is told once, as a Diagnostic. */
const STACK_NOTICE_SHARE = 0.9;

export interface ThreadSettings {
  readonly name: string;
  /** Name of the entry function, as the firmware's map has it. */
  readonly entry: string;
  /** 0 (highest) to 31. */
  readonly priority: number;
  readonly stackBytes: number;
}

/** One thread; `tx_thread_info_get` and the stack's high water mark. */
export interface Thread extends ThreadSettings {
  readonly id: number;
  readonly createdTick: number;
  stackUsedBytes: number;
}

export interface Threadx {
  /** `tx_time_get`: ticks, wraps at 2^32. */
  time(): number;
  /** Threads that exist, in the order of their creation. */
  threads(): readonly Readonly<Thread>[];
  /**
   * `tx_thread_create`.
   *
   * @param creator id of the thread that calls it; 0: before the kernel runs
   * @returns the thread's id, 1 or more
   * @throws Error with one line for a priority or stack that ThreadX refuses
   */
  create(settings: ThreadSettings, creator?: number): number;
  /** The thread has used this much of its stack. @returns false when there is no such thread */
  useStack(id: number, bytes: number): boolean;
  /** The thread computes without a pause until then, ms. @returns false when there is none */
  compute(id: number, untilMs: number): boolean;
  /** Interrupts take the processor until then, ms: no thread runs. */
  interrupt(untilMs: number): void;
  /**
   * When a thread of this priority next gets the processor, ms: now, or when the threads above it
   * pause.
   */
  readyMs(priority: number): number;
  /** It returned from its entry function. @returns false when there is no such thread */
  complete(id: number): boolean;
  /** `tx_thread_terminate`. @returns false when there is no such thread */
  terminate(id: number): boolean;
}

/** `TX_MINIMUM_STACK` and `TX_MAX_PRIORITIES` of most ports. */
const STACK_BYTES_MIN = 200;
const PRIORITY_MAX = 31;
const EXIT_COMPLETED = 0;
const EXIT_TERMINATED = 1;
/** Threads have ids from 1 and priorities from 0. */
const INTERRUPTS = 0;
const INTERRUPTS_PRIORITY = -1;

/** @param nowMs the board's monotonic clock, ms */
export function createThreadx(observer: ObserverPort, nowMs: () => number): Threadx {
  const threads = new Map<number, Thread>();
  /** Until when each thread computes, ms; under 0, interrupts. */
  const busy = new Map<number, number>();
  let nextId = 1;
  const time = () => Math.floor((nowMs() * TICKS_PER_SECOND) / 1000) >>> 0;

  function end(id: number, exitStatus: number): boolean {
    const thread = threads.get(id);
    if (thread === undefined) return false;
    threads.delete(id);
    busy.delete(id);
    observer.observe("ProcessTerminate", { processId: id, executable: thread.name, exitStatus });
    return true;
  }

  return {
    time,
    threads: () => [...threads.values()],
    create(settings, creator = 0) {
      const { name, entry, priority, stackBytes } = settings;
      if (!(priority >= 0 && priority <= PRIORITY_MAX)) {
        throw new Error(`thread ${name}: priority ${priority} is not 0 to ${PRIORITY_MAX}`);
      }
      if (!(stackBytes >= STACK_BYTES_MIN)) {
        throw new Error(
          `thread ${name}: a stack of ${stackBytes} bytes, ${STACK_BYTES_MIN} needed`,
        );
      }
      const id = nextId++;
      threads.set(id, { ...settings, id, createdTick: time(), stackUsedBytes: 0 });
      observer.observe("ProcessCreate", {
        processId: id,
        parentProcessId: creator,
        executable: name,
        commandLine: entry,
      });
      return id;
    },
    useStack(id, bytes) {
      const thread = threads.get(id);
      if (thread === undefined) return false;
      const notice = thread.stackBytes * STACK_NOTICE_SHARE;
      if (bytes > notice && thread.stackUsedBytes <= notice) {
        const message = `thread ${thread.name} has used ${bytes} of ${thread.stackBytes} bytes of stack`;
        observer.observe("Diagnostic", { severity: "Warning", threadId: id, message });
      }
      thread.stackUsedBytes = Math.max(thread.stackUsedBytes, bytes);
      return true;
    },
    compute(id, untilMs) {
      if (!threads.has(id)) return false;
      busy.set(id, untilMs);
      return true;
    },
    interrupt(untilMs) {
      busy.set(INTERRUPTS, untilMs);
    },
    readyMs(priority) {
      let ready = nowMs();
      for (const [id, untilMs] of busy) {
        const above = threads.get(id)?.priority ?? INTERRUPTS_PRIORITY;
        if (above < priority) ready = Math.max(ready, untilMs);
      }
      return ready;
    },
    complete: (id) => end(id, EXIT_COMPLETED),
    terminate: (id) => end(id, EXIT_TERMINATED),
  };
}
