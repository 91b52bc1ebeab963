import { openJournal } from "./store/journal.ts";

/**
 * A keyed set of JSON values. Values are kept by reference: replace, never change in place.
 * A change is visible at once and durable after the store's next `flush` or `committed`.
 */
export interface Collection<T> {
  get(key: string): T | undefined;
  has(key: string): boolean;
  put(key: string, value: T): void;
  /** False: there was none. */
  delete(key: string): boolean;
  keys(): IterableIterator<string>;
  values(): IterableIterator<T>;
  readonly size: number;
}

/** All state of a hub except telemetry; survives `kill -9` when it has a directory. */
export interface Store {
  /** The same name always gives the same collection. */
  collection<T>(name: string): Collection<T>;
  /** Writes what has changed, now. */
  flush(): void;
  /** Resolves when what has changed so far is written; many callers share one write. */
  committed(): Promise<void>;
  close(): void;
}

type Change = (collection: string, key: string, value: unknown) => void;

/** Opens the state in `dir`; without one, everything is in memory. */
export function openStore(dir: string | null, log: (line: string) => void): Store {
  const maps = new Map<string, Map<string, unknown>>();
  const mapOf = (name: string) => {
    let map = maps.get(name);
    if (map === undefined) {
      map = new Map();
      maps.set(name, map);
    }
    return map;
  };
  const journal = dir === null ? null : openJournal(dir, mapOf, maps, log);
  let pending: Promise<void> | null = null;

  const flush = () => journal?.flush();
  /** Many changes of one turn of the event loop share one write. */
  const committed = () => {
    if (journal === null || !journal.isDirty()) return Promise.resolve();
    pending ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        pending = null;
        try {
          journal.flush();
          resolve();
        } catch (error) {
          reject(error);
        }
      });
    });
    return pending;
  };
  const change: Change = (collection, key, value) => {
    journal?.append(collection, key, value);
    committed().catch((error) => log(`state is not written: ${error.message}`));
  };
  return {
    collection: <T>(name: string) =>
      createCollection<T>(mapOf(name) as Map<string, T>, name, change),
    flush,
    committed,
    close: () => journal?.close(),
  };
}

function createCollection<T>(map: Map<string, T>, name: string, change: Change): Collection<T> {
  return {
    get: (key) => map.get(key),
    has: (key) => map.has(key),
    put: (key, value) => {
      map.set(key, value);
      change(name, key, value);
    },
    delete: (key) => {
      const existed = map.delete(key);
      if (existed) change(name, key, null);
      return existed;
    },
    keys: () => map.keys(),
    values: () => map.values(),
    get size() {
      return map.size;
    },
  };
}
