import fc from "fast-check";
import { expect, it } from "vitest";
import { addHash, HASHES_MAX, type HashTable, hasHash } from "../detect/hash-table.ts";

const fill = (hashes: Iterable<number>): HashTable => {
  let table: HashTable = [];
  for (const hash of hashes) if (!hasHash(table, hash)) table = addHash(table, hash);
  return table;
};

it("hash table: holds what a Set holds, also after it was saved as JSON", () => {
  const hashes = fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { maxLength: 300 });
  fc.assert(
    fc.property(hashes, hashes, (added, others) => {
      const table = JSON.parse(JSON.stringify(fill(added)));
      // 0 marks an empty slot, so it is kept as 1.
      const known = new Set(added.map((hash) => hash || 1));
      for (const hash of [...added, ...others]) {
        expect(hasHash(table, hash)).toBe(known.has(hash || 1));
      }
      expect(table[0] ?? 0).toBe(known.size);
    }),
  );
});

it("hash table: keeps HASHES_MAX, and one more is not kept", () => {
  const table = fill(Array.from({ length: HASHES_MAX }, (_, n) => n + 1));
  expect(table[0]).toBe(HASHES_MAX);
  expect(hasHash(table, HASHES_MAX)).toBe(true);
  expect(addHash(table, HASHES_MAX + 1)).toBe(table);
  expect(hasHash(table, HASHES_MAX + 1)).toBe(false);
});
