/**
 * A NOR flash partition as it is: erased by sector to ones, programmed from 1 to 0 in units that
 * take one programming between two erases, worn by erases, cut off at any time.
 */
import { E_FLASH, OK, PENDING } from "../assembly/abi.ts";

/** Power fails during this operation. Counted from 0 over programs and erases. */
export interface PowerCut {
  readonly operation: number;
  /**
   * Of the operation that is cut: "none" of it is done, all of it is ("whole"), the first bytes
   * are ("prefix"), or some bits at random ("bits").
   */
  readonly part: "none" | "prefix" | "bits" | "whole";
}

/** A program or an erase that begins. */
export interface FlashOperation {
  readonly kind: "program" | "erase";
  readonly sector: number;
  /** Erases that the sector has had. */
  readonly erases: number;
}

export interface FlashOptions {
  readonly sectorBytes: number;
  readonly sectors: number;
  /** Program unit, B. */
  readonly unitBytes: number;
  /** For what is random: partial operations. */
  readonly seed: number;
  /** Operations answer PENDING and end with `complete`. */
  readonly isDelayed?: boolean;
  readonly cut?: PowerCut;
  /** Asked of each operation: how much of it is done when it fails; undefined: it goes well. */
  readonly failing?: (operation: FlashOperation) => PowerCut["part"] | undefined;
}

/** All that outlives a loss of power. */
export interface FlashSnapshot {
  readonly bytes: Uint8Array;
  /** 1: the unit has been programmed since it was erased. */
  readonly programmed: Uint8Array;
  readonly wear: Uint32Array;
}

export interface Flash {
  /** Fills `target`. @returns OK or E_FLASH */
  read(address: number, target: Uint8Array): number;
  /** @param bytes stay until it is done @returns OK, PENDING or E_FLASH */
  program(address: number, bytes: Uint8Array): number;
  erase(address: number): number;
  readonly isPending: boolean;
  /** Ends the pending operation. @returns its status, for `flash_done` */
  complete(): number;
  /** Power fails while an operation is pending: so much of it is done, and it never ends. */
  cutPending(part: PowerCut["part"]): void;
  /** Programs and erases so far. */
  readonly operations: number;
  /** The last operation's kind and sector, for reports. */
  readonly last: string;
  /** Erases of each sector. */
  readonly wear: Uint32Array;
  /** Contents; to be changed by tests. */
  readonly bytes: Uint8Array;
  /** Operations on these sectors fail without effect. */
  readonly broken: Set<number>;
  flip(address: number, bit: number): void;
  snapshot(): FlashSnapshot;
  restore(snapshot: FlashSnapshot): void;
}

/** The board is without power: thrown through the core, which is not to be used any more. */
export class PowerCutError extends Error {}

/** Mulberry32. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

const hex = (value: number): string => `0x${value.toString(16)}`;

/** @throws Error, one line with the address, for what a driver must never do */
export function createFlash(options: FlashOptions): Flash {
  const { sectorBytes, sectors, unitBytes, isDelayed = false, cut } = options;
  const bytesCount = sectorBytes * sectors;
  const random = createRandom(options.seed);
  const bytes = new Uint8Array(bytesCount).fill(0xff);
  const programmed = new Uint8Array(bytesCount / unitBytes);
  const wear = new Uint32Array(sectors);
  const broken = new Set<number>();
  let operations = 0;
  let last = "none";
  /** Does so much of the pending operation; absent: what it comes to by itself. */
  let pending: ((part?: PowerCut["part"]) => number) | undefined;

  /** Sets `to` and marks the units that were touched. */
  function apply(address: number, to: Uint8Array, isWhole: boolean): void {
    bytes.set(to, address);
    for (let at = address; at < address + to.length; at += unitBytes) {
      const isTouched = isWhole || bytes.subarray(at, at + unitBytes).some((byte) => byte !== 0xff);
      if (isTouched) programmed[at / unitBytes] = 1;
    }
  }

  function programPart(address: number, to: Uint8Array, part: PowerCut["part"]): void {
    const some = new Uint8Array(to.length).fill(0xff);
    if (part === "whole") some.set(to);
    if (part === "prefix") some.set(to.subarray(0, random() % (to.length + 1)));
    if (part === "bits") some.set(to.map((byte) => byte | (random() & 0xff)));
    apply(address, some, part === "whole");
  }

  function erasePart(address: number, part: PowerCut["part"]): void {
    const sector = bytes.subarray(address, address + sectorBytes);
    if (part === "whole") sector.fill(0xff);
    if (part === "prefix") sector.fill(0xff, 0, random() % (sectorBytes + 1));
    if (part === "bits") sector.set(sector.map((byte) => byte | (random() & 0xff)));
    if (sector.some((byte) => byte !== 0xff)) return;
    programmed.fill(0, address / unitBytes, (address + sectorBytes) / unitBytes);
  }

  function run(
    address: number,
    kind: FlashOperation["kind"],
    act: (part: PowerCut["part"]) => void,
  ): number {
    if (pending) throw new Error(`flash: ${kind} at ${hex(address)} while ${last} goes on`);
    const sector = Math.floor(address / sectorBytes);
    last = `${kind} of sector ${sector}`;
    const isCut = cut !== undefined && operations === cut.operation;
    operations += 1;
    if (isCut) {
      act(cut.part);
      throw new PowerCutError(`power cut in operation ${cut.operation} (${cut.part} of ${last})`);
    }
    if (broken.has(sector)) return E_FLASH;
    const failed = options.failing?.({ kind, sector, erases: wear[sector] ?? 0 });
    const end = (part = failed ?? "whole"): number => {
      act(part);
      return failed === undefined ? OK : E_FLASH;
    };
    if (!isDelayed) return end();
    pending = end;
    return PENDING;
  }

  function checkProgram(address: number, data: Uint8Array): void {
    const end = address + data.length;
    if (data.length === 0 || address % unitBytes !== 0 || data.length % unitBytes !== 0) {
      throw new Error(`flash: program at ${hex(address)}, ${data.length} B: not whole units`);
    }
    if (address < 0 || end > bytesCount)
      throw new Error(`flash: program at ${hex(address)}: outside`);
    if (Math.floor(address / sectorBytes) !== Math.floor((end - 1) / sectorBytes)) {
      throw new Error(`flash: program at ${hex(address)}: over the end of a sector`);
    }
    for (let at = address; at < end; at += unitBytes) {
      if (programmed[at / unitBytes]) throw new Error(`flash: ${hex(at)} is programmed twice`);
      if (bytes.subarray(at, at + unitBytes).some((byte) => byte !== 0xff)) {
        throw new Error(`flash: ${hex(at)} is programmed and not erased`);
      }
    }
  }

  return {
    bytes,
    wear,
    broken,
    get operations() {
      return operations;
    },
    get last() {
      return last;
    },
    get isPending() {
      return pending !== undefined;
    },
    read(address, target) {
      if (address < 0 || address + target.length > bytesCount) {
        throw new Error(`flash: read at ${hex(address)}, ${target.length} B: outside`);
      }
      target.set(bytes.subarray(address, address + target.length));
      return OK;
    },
    program(address, data) {
      checkProgram(address, data);
      const asked = data.slice();
      return run(address, "program", (part) => {
        if (isDelayed && asked.some((byte, i) => byte !== data[i])) {
          throw new Error(`flash: bytes for ${hex(address)} changed while they were programmed`);
        }
        programPart(address, asked, part);
      });
    },
    erase(address) {
      if (address % sectorBytes !== 0 || address < 0 || address >= bytesCount) {
        throw new Error(`flash: erase at ${hex(address)}: no sector begins there`);
      }
      return run(address, "erase", (part) => {
        if (part !== "none") wear[address / sectorBytes] = (wear[address / sectorBytes] ?? 0) + 1;
        erasePart(address, part);
      });
    },
    complete() {
      const end = pending;
      if (end === undefined) throw new Error("flash: nothing is pending");
      pending = undefined;
      return end();
    },
    cutPending(part) {
      pending?.(part);
      pending = undefined;
    },
    flip(address, bit) {
      bytes[address] = (bytes[address] ?? 0) ^ (1 << bit);
    },
    snapshot() {
      return { bytes: bytes.slice(), programmed: programmed.slice(), wear: wear.slice() };
    },
    restore(snapshot) {
      bytes.set(snapshot.bytes);
      programmed.set(snapshot.programmed);
      wear.set(snapshot.wear);
      pending = undefined;
    },
  };
}
