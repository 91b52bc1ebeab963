import { readdirSync } from "node:fs";
import { join } from "node:path";
import { encodedBytes, encodeRecord, PARTITION_MARK } from "./record.ts";
import { scan } from "./scan.ts";
import { openFileSegment, openMemorySegment, type Segment } from "./segment.ts";

/** The segments of a log, oldest first; there is always one to write to. */
export interface Segments {
  readonly list: readonly Segment[];
  last(): Segment;
  /** Begins a new segment; `marks` are the partitions' next sequence numbers. */
  start(base: number, marks: readonly number[]): void;
  /** Notes the time of a message in the last segment. */
  note(timeMs: number): void;
  /** Drops the last segment, which has nothing whole in it. */
  dropLast(): void;
  /** Drops the oldest until the rest is no larger than `bytesMax`. */
  retainBytes(bytesMax: number): void;
  /** Drops what is wholly older than `sinceMs`; true: the last one is, too. */
  retainSince(sinceMs: number): boolean;
  dropFirst(): void;
}

const NAME = /^telemetry-(\d{16})\.log$/;
/** Newest time of a segment without messages. */
const NOTHING_YET = -1;
/** Newest time of a segment that was not read since the start. */
const NOT_KNOWN = Number.POSITIVE_INFINITY;

/** Opens the segments in `dir` (null: in memory); the list is empty when there are none. */
export function openSegments(dir: string | null): Segments {
  const list: Segment[] = [];
  const newestMs: number[] = [];

  const open = (base: number): Segment => {
    if (dir === null) return openMemorySegment(base);
    return openFileSegment(join(dir, `telemetry-${String(base).padStart(16, "0")}.log`), base);
  };
  for (const base of existing(dir)) {
    list.push(open(base));
    newestMs.push(NOT_KNOWN);
  }
  const start = (base: number, marks: readonly number[]) => {
    const head = Buffer.from(JSON.stringify(marks), "utf8");
    const record = Buffer.alloc(encodedBytes(head.length, 0));
    const place = { partition: PARTITION_MARK, sequenceNumber: 0, timeMs: 0 };
    encodeRecord(record, 0, place, head, Buffer.alloc(0));
    const segment = open(base);
    segment.append(record);
    list.push(segment);
    newestMs.push(NOTHING_YET);
  };
  const dropFirst = () => {
    list.shift()?.remove();
    newestMs.shift();
  };
  const retainBytes = (bytesMax: number) => {
    let bytes = list.reduce((sum, segment) => sum + segment.bytes, 0);
    while (list.length > 1 && bytes > bytesMax) {
      bytes -= list[0]?.bytes ?? 0;
      dropFirst();
    }
  };
  const retainSince = (sinceMs: number) => {
    while (list.length > 1) {
      if (newestMs[0] === NOT_KNOWN) newestMs[0] = newestOf(list[0] as Segment);
      if ((newestMs[0] ?? NOTHING_YET) > sinceMs) return false;
      dropFirst();
    }
    const newest = newestMs[0] ?? NOTHING_YET;
    return newest !== NOTHING_YET && newest <= sinceMs;
  };
  return {
    list,
    last: () => list.at(-1) as Segment,
    start,
    note: (timeMs) => {
      newestMs[newestMs.length - 1] = timeMs;
    },
    dropLast: () => {
      list.pop()?.remove();
      newestMs.pop();
    },
    retainBytes,
    retainSince,
    dropFirst,
  };
}

function existing(dir: string | null): number[] {
  if (dir === null) return [];
  return readdirSync(dir)
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

function newestOf(segment: Segment): number {
  let newest = NOTHING_YET;
  scan(segment, 0, false, (view) => {
    if (view.partition !== PARTITION_MARK) newest = view.timeMs;
    return true;
  });
  return newest;
}
