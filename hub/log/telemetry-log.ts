import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { TelemetryMessage, TelemetrySink } from "../telemetry.ts";
import {
  decodeMessage,
  encodedBytes,
  encodeRecord,
  headOf,
  PARTITION_MARK,
  type RecordView,
  recordBytes,
  viewRecord,
} from "./record.ts";
import { openFileSegment, openMemorySegment, type Segment } from "./segment.ts";

export interface PartitionInfo {
  /** Of the oldest message kept; equal to `next` when there is none. */
  readonly first: number;
  /** The next message's sequence number. */
  readonly next: number;
  readonly lastOffset: number;
  readonly lastTimeMs: number;
}

/** Where to start reading; the first message that fulfils it. */
export type StartAt =
  | { readonly offset: number; readonly inclusive: boolean }
  | { readonly sequenceNumber: number; readonly inclusive: boolean }
  | { readonly timeMs: number };

export interface ReadResult {
  readonly messages: readonly TelemetryMessage[];
  /** Where to go on. */
  readonly next: number;
}

/** Telemetry as it came, by offset, with retention by time and size. */
export interface TelemetryLog extends TelemetrySink {
  /** Messages from `offset` on (an earlier one: from the oldest); partition null: all. */
  read(offset: number, partition: number | null, messagesMax: number): ReadResult;
  /** Offset at which the message that `start` means begins, or the end. */
  seek(start: StartAt, partition: number | null): number;
  readonly end: number;
  readonly begin: number;
  partition(index: number): PartitionInfo;
  /** Drops segments that are too old or too many. */
  retain(nowMs: number): void;
  close(): void;
}

export interface TelemetryLogOptions {
  /** null: in memory. */
  readonly dir: string | null;
  readonly partitions: number;
  readonly retentionMs: number;
  readonly retentionBytes: number;
  readonly log: (line: string) => void;
}

const READ_BYTES = 1 << 20;
const SEGMENT_BYTES_MAX = 16 * 1024 * 1024;
const SEGMENTS_MIN = 8;
const NAME = /^telemetry-(\d{16})\.log$/;
/** Newest time of a segment without messages. */
const NOTHING_YET = -1;
const SYNC_MS = 200;
/** Holds several of the largest messages; written when full and once per turn. */
const BATCH_BYTES = 4 * 1024 * 1024;

export function openTelemetryLog(options: TelemetryLogOptions): TelemetryLog {
  const { dir, partitions } = options;
  const segmentBytes = Math.min(
    SEGMENT_BYTES_MAX,
    Math.ceil(options.retentionBytes / SEGMENTS_MIN),
  );
  const state = Array.from({ length: partitions }, () => ({
    next: 0,
    lastOffset: -1,
    lastTimeMs: 0,
  }));
  const segments: Segment[] = [];
  const lastTimes: number[] = [];
  const batch = Buffer.allocUnsafe(BATCH_BYTES);
  let waitingBytes = 0;
  let pending: Promise<void> | null = null;
  let syncTimer: NodeJS.Timeout | null = null;

  const open = (base: number): Segment => {
    if (dir === null) return openMemorySegment(base);
    return openFileSegment(join(dir, `telemetry-${String(base).padStart(16, "0")}.log`), base);
  };
  const last = () => segments.at(-1) as Segment;
  const end = () => last().base + last().bytes + waitingBytes;
  const startSegment = (base: number) => {
    const segment = open(base);
    const marks = JSON.stringify(state.map((partition) => partition.next));
    const head = Buffer.from(marks, "utf8");
    const record = Buffer.alloc(encodedBytes(head.length, 0));
    const place = { partition: PARTITION_MARK, sequenceNumber: 0, timeMs: 0 };
    encodeRecord(record, 0, place, head, Buffer.alloc(0));
    segment.append(record);
    segments.push(segment);
    lastTimes.push(NOTHING_YET);
  };

  for (const base of existing(dir)) {
    segments.push(open(base));
    lastTimes.push(Number.POSITIVE_INFINITY); // Not known without reading; see `retain`.
  }
  if (segments.length === 0) startSegment(0);
  else recover();

  function recover() {
    const segment = last();
    const good = scan(segment, 0, true, (view, block, blockAt) => {
      if (view.partition === PARTITION_MARK) {
        const marks = JSON.parse(headOf(block, view)) as number[];
        for (const [index, next] of marks.entries()) {
          const partition = state[index];
          if (partition !== undefined) partition.next = next;
        }
        return true;
      }
      const offset = segment.base + blockAt + view.at;
      note(view.partition, view.sequenceNumber, offset, view.timeMs);
      return true;
    });
    if (good < segment.bytes) {
      options.log(`telemetry log: ${segment.bytes - good} bytes cut off by a crash; dropped`);
      segment.truncate(good);
    }
    if (segment.bytes === 0) {
      segments.pop()?.remove();
      lastTimes.pop();
      startSegment(segment.base);
    }
  }
  function note(index: number, sequenceNumber: number, offset: number, timeMs: number) {
    const partition = state[index];
    if (partition === undefined) return;
    partition.next = sequenceNumber + 1;
    partition.lastOffset = offset;
    partition.lastTimeMs = timeMs;
    lastTimes[lastTimes.length - 1] = timeMs;
  }

  const flush = () => {
    if (waitingBytes === 0) return;
    last().append(batch.subarray(0, waitingBytes));
    waitingBytes = 0;
    if (dir !== null) {
      syncTimer ??= setTimeout(() => {
        syncTimer = null;
        last().syncSoon();
      }, SYNC_MS);
    }
    if (last().bytes >= segmentBytes) {
      last().sync();
      startSegment(end());
      retainBytes();
    }
  };
  const append: TelemetrySink["append"] = (head, body, partition, timeMs) => {
    const bytes = encodedBytes(head.length, body.length);
    if (waitingBytes + bytes > batch.length) flush();
    const sequenceNumber = state[partition]?.next ?? 0;
    const offset = end();
    encodeRecord(batch, waitingBytes, { partition, sequenceNumber, timeMs }, head, body);
    waitingBytes += bytes;
    note(partition, sequenceNumber, offset, timeMs);
    return { sequenceNumber, offset };
  };
  const committed = () => {
    if (waitingBytes === 0) return undefined;
    pending ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        pending = null;
        try {
          flush();
          resolve();
        } catch (error) {
          reject(error);
        }
      });
    });
    return pending;
  };

  function drop() {
    segments.shift()?.remove();
    lastTimes.shift();
  }
  function retainBytes() {
    let bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
    while (segments.length > 1 && bytes > options.retentionBytes) {
      bytes -= segments[0]?.bytes ?? 0;
      drop();
    }
  }
  const retain = (nowMs: number) => {
    retainBytes();
    while (segments.length > 1) {
      const [oldest] = segments as [Segment];
      if (lastTimes[0] === Number.POSITIVE_INFINITY) {
        lastTimes[0] = NOTHING_YET;
        scan(oldest, 0, false, (view) => {
          if (view.partition !== PARTITION_MARK) lastTimes[0] = view.timeMs;
          return true;
        });
      }
      if ((lastTimes[0] ?? NOTHING_YET) > nowMs - options.retentionMs) return;
      drop();
    }
    // The segment in use is closed when all in it is old, so that the next call drops it.
    const newestMs = lastTimes[0] ?? NOTHING_YET;
    if (newestMs !== NOTHING_YET && newestMs <= nowMs - options.retentionMs) {
      flush();
      startSegment(end());
      drop();
    }
  };

  const read = (offset: number, partition: number | null, messagesMax: number): ReadResult => {
    flush();
    const messages: TelemetryMessage[] = [];
    let next = Math.max(offset, segments[0]?.base ?? 0);
    for (const segment of segments) {
      if (next >= segment.base + segment.bytes) continue;
      const stop = scan(segment, next - segment.base, false, (view, block, blockAt) => {
        if (messages.length >= messagesMax) return false;
        if (view.partition === PARTITION_MARK) return true;
        if (partition !== null && view.partition !== partition) return true;
        messages.push(decodeMessage(block, view, segment.base + blockAt));
        return true;
      });
      next = segment.base + stop;
      if (messages.length >= messagesMax) break;
    }
    return { messages, next };
  };
  const seek = (start: StartAt, partition: number | null) => {
    flush();
    for (const segment of segments) {
      let found = -1;
      scan(segment, 0, false, (view, _block, blockAt) => {
        if (view.partition === PARTITION_MARK) return true;
        if (partition !== null && view.partition !== partition) return true;
        if (!fulfils(view, segment.base + blockAt + view.at, start)) return true;
        found = segment.base + blockAt + view.at;
        return false;
      });
      if (found >= 0) return found;
    }
    return end();
  };
  const firstSequence = (index: number): number => {
    const next = state[index]?.next ?? 0;
    const marks = firstMarks(segments[0]);
    return Math.min(marks[index] ?? 0, next);
  };
  return {
    append,
    committed,
    read,
    seek,
    get end() {
      return end();
    },
    get begin() {
      return segments[0]?.base ?? 0;
    },
    partition: (index) => ({
      first: firstSequence(index),
      next: state[index]?.next ?? 0,
      lastOffset: state[index]?.lastOffset ?? -1,
      lastTimeMs: state[index]?.lastTimeMs ?? 0,
    }),
    retain,
    close: () => {
      flush();
      if (syncTimer !== null) clearTimeout(syncTimer);
      last().sync();
      for (const segment of segments) segment.close();
    },
  };
}

function existing(dir: string | null): number[] {
  if (dir === null) return [];
  return readdirSync(dir)
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

function firstMarks(segment: Segment | undefined): readonly number[] {
  const block = segment?.read(0, 4096) ?? Buffer.alloc(0);
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

/**
 * Visits records from `at` on until `visit` says false or one is not whole.
 *
 * @returns where the first record not visited begins
 */
function scan(
  segment: Segment,
  at: number,
  check: boolean,
  visit: (view: RecordView, block: Buffer, blockAt: number) => boolean,
): number {
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
