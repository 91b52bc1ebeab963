/**
 * A set of 32-bit hashes in a plain list, so that states stay JSON: the count, then slots with
 * open addressing. A look-up costs the same under a flood of flows as on a quiet day.
 */
export type HashTable = number[];

/** Hashes in one set; further ones are not kept. */
export const HASHES_MAX = 1024;
const SLOTS_FIRST = 8;
const EMPTY = 0;

export function hasHash(table: HashTable, hash: number): boolean {
  return table.length > 0 && table[slotOf(table, hash || 1)] !== EMPTY;
}

/** Adds a hash that the table does not have. @returns the table, or a larger one in its place */
export function addHash(table: HashTable, hash: number): HashTable {
  const count = table[0] ?? 0;
  if (count >= HASHES_MAX) return table;
  // At most three quarters full.
  const roomy = 3 * (table.length - 1) >= 4 * (count + 1) ? table : enlarged(table);
  roomy[slotOf(roomy, hash || 1)] = hash || 1;
  roomy[0] = count + 1;
  return roomy;
}

/** Where the hash stands, or where it would. */
function slotOf(table: HashTable, hash: number): number {
  const mask = table.length - 2;
  let at = Math.imul(hash, 0x9e3779b1) >>> 16;
  for (;;) {
    const slot = 1 + (at & mask);
    const found = table[slot];
    if (found === hash || found === EMPTY) return slot;
    at++;
  }
}

function enlarged(table: HashTable): HashTable {
  const slots = table.length === 0 ? SLOTS_FIRST : 2 * (table.length - 1);
  const larger: HashTable = new Array(1 + slots).fill(EMPTY);
  for (let i = 1; i < table.length; i++) {
    const hash = table[i] as number;
    if (hash !== EMPTY) larger[slotOf(larger, hash)] = hash;
  }
  return larger;
}
