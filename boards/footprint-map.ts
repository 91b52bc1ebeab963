/** Reads GNU ld's map file: which object brings how many bytes into flash and RAM. */

export interface Bytes {
  readonly flash: number;
  readonly ram: number;
}

/** Output sections, by where they lie; .data is copied from flash to RAM. */
const IN_FLASH = /^\.(text|rodata|ARM\.exidx|ARM\.extab|data|vectors)$/;
const IN_RAM = /^\.(data|bss)$/;

export const isInFlash = (section: string) => IN_FLASH.test(section);
export const isInRam = (section: string) => IN_RAM.test(section);

/** Bytes that lie between objects, for alignment. */
export const PADDING = "*fill*";

const OUTPUT = /^(\.[\w.]+)(?:\s+0x[0-9a-f]+\s+0x[0-9a-f]+)?/;
const INPUT = /^ (\*fill\*|[.\w][\w.$-]*)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)(?:\s+(\S.*?))?\s*$/;

interface Piece {
  readonly output: string;
  readonly object: string;
  readonly address: number;
  readonly bytes: number;
}

function* readPieces(map: string): Generator<Piece> {
  let output = "";
  let pending = "";
  for (const line of map.slice(map.indexOf("\nLinker script and memory map")).split("\n")) {
    const begin = OUTPUT.exec(line);
    if (begin !== null) output = begin[1] as string;
    if (/^ [.\w][\w.$-]*$/.test(line)) {
      pending = line; // A long section name; its numbers follow on the next line.
      continue;
    }
    const found = INPUT.exec(pending === "" ? line : `${pending} ${line.trim()}`);
    pending = "";
    const object = found?.[1] === PADDING ? PADDING : found?.[4];
    if (!found || object === undefined) continue;
    const [address, bytes] = [found[2], found[3]].map((digits) =>
      Number.parseInt(digits ?? "", 16),
    );
    if (bytes) yield { output, object, address: address as number, bytes };
  }
}

/**
 * @returns bytes by object file as the map names it; PADDING for what belongs to none
 */
export function readMap(map: string): Map<string, Bytes> {
  const sums = new Map<string, { flash: number; ram: number }>();
  const pieces = [...readPieces(map)];
  for (const [i, { output, object, address, bytes }] of pieces.entries()) {
    const next = pieces[i + 1];
    // Strings that were merged overlap in the map; the later one has the bytes.
    const own = next?.output === output ? Math.min(bytes, next.address - address) : bytes;
    const sum = sums.get(object) ?? { flash: 0, ram: 0 };
    if (isInFlash(output)) sum.flash += own;
    if (isInRam(output)) sum.ram += own;
    sums.set(object, sum);
  }
  return sums;
}
