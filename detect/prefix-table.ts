/** Longest-prefix match over IPv4 and IPv6 prefixes, in flat memory. */
import { parseAddress, words } from "./address.ts";

export interface PrefixTable {
  /** Index (in the order given) of the longest prefix that holds the address, or -1. */
  match(address: string): number;
  /** The same for the address that `parseAddress` has just put into `words`. */
  matchWords(family: 4 | 6): number;
  readonly size: number;
}

interface Prefix {
  readonly first: readonly number[];
  readonly last: readonly number[];
  readonly bits: number;
  readonly index: number;
}

/**
 * Builds the table. Prefixes are cut into disjoint ranges, so that a look-up is one binary search.
 *
 * @param prefixes "192.0.2.0/24", "2001:db8::/32" or single addresses; bits beyond the
 *   prefix length are ignored; of equal prefixes the first counts
 * @throws RangeError that names the first text that is no prefix
 */
export function createPrefixTable(prefixes: readonly string[]): PrefixTable {
  const byFamily = { 4: [] as Prefix[], 6: [] as Prefix[] };
  prefixes.forEach((text, index) => {
    const parsed = parsePrefix(text, index);
    if (!parsed) throw new RangeError(`"${text}" is not an IP address or CIDR prefix`);
    byFamily[parsed.first.length === 1 ? 4 : 6].push(parsed);
  });
  const search4 = flatten(byFamily[4], 1);
  const search6 = flatten(byFamily[6], 4);
  const matchWords = (family: 4 | 6) => (family === 4 ? search4() : search6());
  return {
    size: prefixes.length,
    matchWords,
    match(address) {
      const family = parseAddress(address);
      return family === 0 ? -1 : matchWords(family);
    },
  };
}

/** True when the text is an address or a prefix that `createPrefixTable` takes. */
export function isPrefix(text: string): boolean {
  return parsePrefix(text, 0) !== null;
}

function parsePrefix(text: string, index: number): Prefix | null {
  const slash = text.indexOf("/");
  const family = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (family === 0) return null;
  const width = family === 4 ? 32 : 128;
  const bits = slash < 0 ? width : parseBits(text.slice(slash + 1));
  if (bits < 0 || bits > width) return null;
  const first: number[] = [];
  const last: number[] = [];
  for (let word = 0; word < width / 32; word++) {
    const kept = Math.max(0, Math.min(32, bits - word * 32));
    const mask = kept === 0 ? 0 : (0xffffffff << (32 - kept)) >>> 0;
    const value = ((words[word] as number) & mask) >>> 0;
    first.push(value);
    last.push((value | ~mask) >>> 0);
  }
  return { first, last, bits, index };
}

function parseBits(text: string): number {
  return /^(0|[1-9]\d{0,2})$/.test(text) ? Number(text) : -1;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) {
    const d = (a[i] as number) - (b[i] as number);
    if (d !== 0) return d;
  }
  return 0;
}

/** Address after `value`, or null after the last one. */
function next(value: readonly number[]): number[] | null {
  const out = [...value];
  for (let i = out.length - 1; i >= 0; i--) {
    out[i] = ((out[i] as number) + 1) >>> 0;
    if (out[i] !== 0) return out;
  }
  return null;
}

/** Sweeps nested prefixes into range starts with the innermost owner of each range. */
function sweep(prefixes: Prefix[]): { starts: (readonly number[])[]; owners: number[] } {
  prefixes.sort((a, b) => compare(a.first, b.first) || a.bits - b.bits || b.index - a.index);
  const starts: (readonly number[])[] = [];
  const owners: number[] = [];
  const open: Prefix[] = [];
  const cut = (at: readonly number[], owner: number) => {
    const previous = starts[starts.length - 1];
    if (previous && compare(previous, at) === 0) owners[owners.length - 1] = owner;
    else if (owners[owners.length - 1] !== owner) {
      starts.push(at);
      owners.push(owner);
    }
  };
  const closeUntil = (at: readonly number[] | null) => {
    for (let top = open[open.length - 1]; top; top = open[open.length - 1]) {
      if (at && compare(top.last, at) >= 0) return;
      open.pop();
      const after = next(top.last);
      if (after) cut(after, open[open.length - 1]?.index ?? -1);
    }
  };
  for (const prefix of prefixes) {
    closeUntil(prefix.first);
    cut(prefix.first, prefix.index);
    open.push(prefix);
  }
  closeUntil(null);
  return { starts, owners };
}

function flatten(prefixes: Prefix[], width: 1 | 4): () => number {
  const { starts, owners } = sweep(prefixes);
  const flat = new Uint32Array(starts.length * width);
  starts.forEach((start, i) => {
    flat.set(start, i * width);
  });
  const owner = Int32Array.from(owners);
  const buckets = indexBuckets(flat, width);
  return width === 1 ? () => search4(flat, owner, buckets) : () => search6(flat, owner, buckets);
}

/** For each value of the top 16 bits: the first range that starts at or after it. */
function indexBuckets(flat: Uint32Array, width: number): Uint32Array {
  const buckets = new Uint32Array(0x10001);
  const count = flat.length / width;
  let range = 0;
  for (let top = 0; top <= 0x10000; top++) {
    while (range < count && (flat[range * width] as number) < top * 0x10000) range++;
    buckets[top] = range;
  }
  return buckets;
}

/** The owner of the last range that starts at or before `words`; -1 before the first. */
function search4(flat: Uint32Array, owner: Int32Array, buckets: Uint32Array): number {
  const value = words[0] as number;
  const top = value >>> 16;
  let low = buckets[top] as number;
  let high = buckets[top + 1] as number;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((flat[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? -1 : (owner[low - 1] as number);
}

function search6(flat: Uint32Array, owner: Int32Array, buckets: Uint32Array): number {
  const top = (words[0] as number) >>> 16;
  let low = buckets[top] as number;
  let high = buckets[top + 1] as number;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (startsAtOrBefore(flat, middle * 4)) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? -1 : (owner[low - 1] as number);
}

function startsAtOrBefore(flat: Uint32Array, at: number): boolean {
  for (let word = 0; word < 3; word++) {
    const start = flat[at + word] as number;
    const value = words[word] as number;
    if (start !== value) return start < value;
  }
  return (flat[at + 3] as number) <= (words[3] as number);
}
