import { headOf, PARTITION_MARK, type RecordView, recordBytes, viewRecord } from "./record.ts";
import type { Segment } from "./segment.ts";

/** Where to start reading; the first message that fulfils it. */
export type StartAt =
  | { readonly offset: number; readonly inclusive: boolean }
  | { readonly sequenceNumber: number; readonly inclusive: boolean }
  | { readonly timeMs: number };

const READ_BYTES = 1 << 20;
const MARKS_BYTES_MAX = 4096;

/** False ends the scan before this record. */
export type Visit = (view: RecordView, block: Buffer, blockAt: number) => boolean;

/**
 * Visits records from `at` on until `visit` says false or one is not whole.
 *
 * @param check also ends before a record whose checksum is wrong
 * @returns where the first record not visited begins
 */
export function scan(segment: Segment, at: number, check: boolean, visit: Visit): number {
  let position = at;
  let wanted = READ_BYTES;
  while (position < segment.bytes) {
    const block = segment.read(position, wanted);
    let within = 0;
    for (;;) {
      const view = viewRecord(block, within, check);
      if (view === null) break;
      if (!visit(view, block, position)) return position + within;
      within += view.bytes;
    }
    if (within === 0) {
      const bytes = recordBytes(block, 0);
      // Larger than the block: once more with a block that holds it; otherwise it is damaged.
      if (bytes <= block.length || position + bytes > segment.bytes) return position;
      wanted = bytes;
      continue;
    }
    position += within;
    wanted = READ_BYTES;
  }
  return position;
}

/** True: a whole, undamaged record begins at `at`, or the segment ends there. */
export function isRecordAt(segment: Segment, at: number): boolean {
  if (at === segment.bytes) return true;
  const bytes = recordBytes(segment.read(at, 8), 0);
  if (bytes === 0 || at + bytes > segment.bytes) return false;
  return viewRecord(segment.read(at, bytes), 0, true) !== null;
}

/** Offset of the first message that `start` means; -1: not in this segment. */
export function findStart(segment: Segment, start: StartAt, partition: number | null): number {
  let found = -1;
  scan(segment, 0, false, (view, _block, blockAt) => {
    if (!isMessageOf(view, partition)) return true;
    const offset = segment.base + blockAt + view.at;
    if (!fulfils(view, offset, start)) return true;
    found = offset;
    return false;
  });
  return found;
}

/** True: a message, and of the partition asked for (null: any). */
export function isMessageOf(view: RecordView, partition: number | null): boolean {
  if (view.partition === PARTITION_MARK) return false;
  return partition === null || view.partition === partition;
}

/** Next sequence number of each partition when the segment was begun. */
export function marksOf(segment: Segment | undefined): readonly number[] {
  const block = segment?.read(0, MARKS_BYTES_MAX) ?? Buffer.alloc(0);
  const view = viewRecord(block, 0, false);
  if (view === null || view.partition !== PARTITION_MARK) return [];
  return JSON.parse(headOf(block, view)) as number[];
}

function fulfils(view: RecordView, offset: number, start: StartAt): boolean {
  if ("timeMs" in start) return view.timeMs >= start.timeMs;
  if ("offset" in start) return start.inclusive ? offset >= start.offset : offset > start.offset;
  const wanted = start.sequenceNumber;
  return start.inclusive ? view.sequenceNumber >= wanted : view.sequenceNumber > wanted;
}
