/**
 * Memories of many boards, each kept as its difference from a common one: runs of 32-bit words
 * that differ. A run's first word is its place and length, 16 bits each.
 */

export interface Snapshots {
  /** Keeps `memory` as board `index`'s. */
  save(index: number, memory: Uint32Array): void;
  /** Makes `memory` board `index`'s; false: it has none. */
  load(index: number, memory: Uint32Array): boolean;
  /** Bytes kept for all boards. */
  readonly bytes: number;
}

/** Equal words between two that differ: up to so many stay in a run. */
const GAP_WORDS_MAX = 1;
const WORDS_MAX = 0xffff;
/** Room for growth of a board's differences, words. */
const SPARE_WORDS = 16;

/**
 * @param base what boards have in common
 * @throws Error when a memory is longer than 256 KiB
 */
export function createSnapshots(base: Uint32Array, boards: number): Snapshots {
  if (base.length > WORDS_MAX) {
    throw new Error(`a core of ${4 * base.length} bytes is too large for a fleet (256 KiB)`);
  }
  const kept = new Array<Uint32Array | undefined>(boards).fill(undefined);
  const scratch = new Uint32Array(2 * base.length + 2);
  let words = 0;

  function encode(memory: Uint32Array): number {
    let to = 0;
    const { length } = base;
    for (let at = 0; at < length; ) {
      if (memory[at] === base[at]) {
        at++;
        continue;
      }
      const first = at;
      let end = at + 1;
      for (let next = end; next < length && next - end <= GAP_WORDS_MAX; next++) {
        if (memory[next] !== base[next]) end = next + 1;
      }
      scratch[to++] = (first << 16) | (end - first);
      for (let i = first; i < end; i++) scratch[to++] = memory[i] as number;
      at = end;
    }
    return to;
  }

  return {
    get bytes() {
      return 4 * words;
    },
    save(index, memory) {
      const length = encode(memory);
      let own = kept[index];
      if (own === undefined || own.length <= length) {
        words -= own?.length ?? 0;
        own = new Uint32Array(length + SPARE_WORDS);
        words += own.length;
        kept[index] = own;
      }
      own.set(scratch.subarray(0, length));
      own[length] = 0; // No run has no words: the end.
    },
    load(index, memory) {
      const own = kept[index];
      if (own === undefined) return false;
      memory.set(base);
      for (let at = 0; at < own.length && own[at] !== 0; ) {
        const head = own[at++] as number;
        const first = head >>> 16;
        const end = first + (head & 0xffff);
        for (let i = first; i < end; i++) memory[i] = own[at++] as number;
      }
      return true;
    },
  };
}
