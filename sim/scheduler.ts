/** Virtual time: a heap of deadlines. Nothing waits, the clock jumps from one to the next. */

export interface Scheduler {
  /** Virtual milliseconds since the start of the run. */
  readonly nowMs: number;
  /** Calls `action` at a time; one in the past counts as now. Equal times: first come, first. */
  at(timeMs: number, action: () => void): void;
  /** Time of the next deadline; Infinity when there is none. */
  nextMs(): number;
  /** Runs all that is due up to and at `untilMs`, and leaves the clock there. */
  run(untilMs: number): void;
}

export function createScheduler(): Scheduler {
  const times: number[] = [];
  const orders: number[] = [];
  const actions: (() => void)[] = [];
  let order = 0;
  let nowMs = 0;

  function isBefore(a: number, b: number): boolean {
    const [timeA, timeB] = [times[a] as number, times[b] as number];
    return timeA < timeB || (timeA === timeB && (orders[a] as number) < (orders[b] as number));
  }

  function swap(a: number, b: number): void {
    for (const list of [times, orders, actions] as unknown[][]) {
      const kept = list[a];
      list[a] = list[b];
      list[b] = kept;
    }
  }

  function sift(): void {
    let at = 0;
    for (;;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < times.length && isBefore(child, least)) least = child;
      }
      if (least === at) return;
      swap(at, least);
      at = least;
    }
  }

  function pop(): () => void {
    const first = actions[0] as () => void;
    swap(0, times.length - 1);
    times.pop();
    orders.pop();
    actions.pop();
    sift();
    return first;
  }

  return {
    get nowMs() {
      return nowMs;
    },
    at(timeMs, action) {
      let at = times.length;
      times.push(Math.max(timeMs, nowMs));
      orders.push(order++);
      actions.push(action);
      while (at > 0) {
        const parent = (at - 1) >> 1;
        if (!isBefore(at, parent)) break;
        swap(at, parent);
        at = parent;
      }
    },
    nextMs: () => times[0] ?? Number.POSITIVE_INFINITY,
    run(untilMs) {
      while ((times[0] ?? Number.POSITIVE_INFINITY) <= untilMs) {
        nowMs = times[0] as number;
        pop()();
      }
      nowMs = Math.max(nowMs, untilMs);
    },
  };
}
