/** A bounded table by connection key, in which what was used longest ago makes room. */

export interface ConnectionTable<T> {
  readonly size: number;
  /** The value of the first `keyBytes` bytes of `key`; undefined if there is none. */
  find(key: Uint8Array, keyBytes: number): T | undefined;
  /** Adds a value for a key that is not there; returns the value that made room for it. */
  add(key: Uint8Array, keyBytes: number, value: T): T | undefined;
  /** Makes a value the one used last. */
  touch(value: T): void;
  remove(value: T): void;
}

interface Entry<T> {
  readonly hash: number;
  readonly key: Uint8Array;
  readonly value: T;
}

/** Makes a table of at most `most` values. A look-up allocates nothing. */
export function createConnectionTable<T>(most: number): ConnectionTable<T> {
  const buckets = new Map<number, Entry<T>[]>();
  /** In the order of their last use. */
  const entries = new Map<T, Entry<T>>();

  function remove(value: T): void {
    const entry = entries.get(value);
    if (entry === undefined) return;
    entries.delete(value);
    const left = (buckets.get(entry.hash) ?? []).filter((other) => other !== entry);
    if (left.length === 0) buckets.delete(entry.hash);
    else buckets.set(entry.hash, left);
  }

  return {
    get size() {
      return entries.size;
    },
    find(key, keyBytes) {
      const bucket = buckets.get(hashOf(key, keyBytes));
      if (bucket === undefined) return undefined;
      for (const entry of bucket) {
        if (equals(entry.key, key, keyBytes)) return entry.value;
      }
      return undefined;
    },
    add(key, keyBytes, value) {
      let oldest: T | undefined;
      if (entries.size >= most) {
        oldest = entries.keys().next().value as T;
        remove(oldest);
      }
      const entry = { hash: hashOf(key, keyBytes), key: key.slice(0, keyBytes), value };
      entries.set(value, entry);
      const bucket = buckets.get(entry.hash);
      if (bucket === undefined) buckets.set(entry.hash, [entry]);
      else bucket.push(entry);
      return oldest;
    },
    touch(value) {
      const entry = entries.get(value);
      if (entry === undefined) return;
      entries.delete(value);
      entries.set(value, entry);
    },
    remove,
  };
}

/** FNV-1a. An attacker who makes keys collide gains a walk through one bounded table. */
function hashOf(key: Uint8Array, keyBytes: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < keyBytes; i++) hash = Math.imul(hash ^ (key[i] as number), 0x01000193);
  return hash;
}

function equals(a: Uint8Array, b: Uint8Array, bytes: number): boolean {
  if (a.length !== bytes) return false;
  for (let i = 0; i < bytes; i++) if (a[i] !== b[i]) return false;
  return true;
}
