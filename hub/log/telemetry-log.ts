import type { TelemetryMessage, TelemetrySink } from "../telemetry.ts";
import { decodeMessage, encodedBytes, encodeRecord, headOf, PARTITION_MARK } from "./record.ts";
import { findStart, isMessageOf, isRecordAt, marksOf, type StartAt, scan } from "./scan.ts";
import { openSegments, type Segments } from "./segments.ts";

export type { StartAt } from "./scan.ts";

export interface PartitionInfo {
  /** Of the oldest message kept; equal to `next` when there is none. */
  readonly first: number;
  /** The next message's sequence number. */
  readonly next: number;
  readonly lastOffset: number;
  readonly lastTimeMs: number;
}

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

const SEGMENT_BYTES_MAX = 16 * 1024 * 1024;
const SEGMENTS_MIN = 8;
const SYNC_MS = 200;
/** Holds several of the largest messages; written when full and once per turn. */
const BATCH_BYTES = 4 * 1024 * 1024;

interface PartitionState {
  next: number;
  lastOffset: number;
  lastTimeMs: number;
}

export function openTelemetryLog(options: TelemetryLogOptions): TelemetryLog {
  const { retentionBytes } = options;
  const segments = openSegments(options.dir);
  const partitions = recover(segments, options);
  const writer = createWriter(segments, partitions, options);

  const retain = (nowMs: number) => {
    segments.retainBytes(retentionBytes);
    if (!segments.retainSince(nowMs - options.retentionMs)) return;
    // All in the segment in use is old: a new one takes its place.
    writer.flush();
    writer.startSegment();
    segments.dropFirst();
  };
  const seek = (start: StartAt, partition: number | null) => {
    writer.flush();
    for (const segment of segments.list) {
      const found = findStart(segment, start, partition);
      if (found >= 0) return found;
    }
    return writer.end();
  };
  const read = (offset: number, partition: number | null, messagesMax: number): ReadResult => {
    writer.flush();
    const messages: TelemetryMessage[] = [];
    let next = aligned(offset);
    for (const segment of segments.list) {
      const end = segment.base + segment.bytes;
      if (next >= end) continue;
      const stop = scan(segment, next - segment.base, false, (view, block, blockAt) => {
        if (messages.length >= messagesMax) return false;
        if (!isMessageOf(view, partition)) return true;
        messages.push(decodeMessage(block, view, segment.base + blockAt));
        return true;
      });
      // A scan that ends early without being full has met damage: the rest is passed over.
      if (messages.length >= messagesMax) return { messages, next: segment.base + stop };
      next = end;
    }
    return { messages, next };
  };
  /** Offsets come from outside: one that is no record's goes to the next record. */
  function aligned(offset: number): number {
    const at = Math.min(Math.max(offset, segments.list[0]?.base ?? 0), writer.end());
    const segment = segments.list.findLast(({ base }) => base <= at);
    if (segment === undefined || isRecordAt(segment, at - segment.base)) return at;
    return seek({ offset: at, inclusive: true }, null);
  }
  const partition = (index: number): PartitionInfo => {
    const { next, lastOffset, lastTimeMs } = partitions[index] ?? emptyPartition();
    const first = Math.min(marksOf(segments.list[0])[index] ?? 0, next);
    return { first, next, lastOffset, lastTimeMs };
  };
  return {
    append: writer.append,
    committed: writer.committed,
    read,
    seek,
    get end() {
      return writer.end();
    },
    get begin() {
      return segments.list[0]?.base ?? 0;
    },
    partition,
    retain,
    close: () => {
      writer.close();
      for (const segment of segments.list) segment.close();
    },
  };
}

interface Writer extends TelemetrySink {
  end(): number;
  flush(): void;
  startSegment(): void;
  close(): void;
}

/** Collects the records of one turn of the event loop and writes them at once. */
function createWriter(
  segments: Segments,
  partitions: readonly PartitionState[],
  { dir, retentionBytes }: TelemetryLogOptions,
): Writer {
  const segmentBytes = Math.min(SEGMENT_BYTES_MAX, Math.ceil(retentionBytes / SEGMENTS_MIN));
  const batch = Buffer.allocUnsafe(BATCH_BYTES);
  let waitingBytes = 0;
  let pending: Promise<void> | null = null;
  let syncTimer: NodeJS.Timeout | null = null;

  const end = () => segments.last().base + segments.last().bytes + waitingBytes;
  const startSegment = () =>
    segments.start(
      end(),
      partitions.map(({ next }) => next),
    );
  const syncSoon = () => {
    syncTimer = null;
    segments.last().syncSoon();
  };
  const flush = () => {
    if (waitingBytes === 0) return;
    segments.last().append(batch.subarray(0, waitingBytes));
    waitingBytes = 0;
    if (dir !== null) syncTimer ??= setTimeout(syncSoon, SYNC_MS);
    if (segments.last().bytes < segmentBytes) return;
    segments.last().sync();
    startSegment();
    segments.retainBytes(retentionBytes);
  };
  const append: TelemetrySink["append"] = (head, body, index, timeMs) => {
    const bytes = encodedBytes(head.length, body.length);
    if (waitingBytes + bytes > batch.length) flush();
    const partition = partitions[index] ?? emptyPartition();
    const sequenceNumber = partition.next;
    const offset = end();
    encodeRecord(batch, waitingBytes, { partition: index, sequenceNumber, timeMs }, head, body);
    waitingBytes += bytes;
    note(partition, sequenceNumber, offset, timeMs);
    segments.note(timeMs);
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
  const close = () => {
    flush();
    if (syncTimer !== null) clearTimeout(syncTimer);
    segments.last().sync();
  };
  return { append, committed, end, flush, startSegment, close };
}

/** Finds where each partition was; a record that a crash cut off is dropped. */
function recover(segments: Segments, options: TelemetryLogOptions): readonly PartitionState[] {
  const partitions = Array.from({ length: options.partitions }, emptyPartition);
  if (segments.list.length === 0) {
    segments.start(
      0,
      partitions.map(({ next }) => next),
    );
    return partitions;
  }
  const segment = segments.last();
  const good = scan(segment, 0, true, (view, block, blockAt) => {
    if (view.partition === PARTITION_MARK) {
      for (const [index, next] of (JSON.parse(headOf(block, view)) as number[]).entries()) {
        Object.assign(partitions[index] ?? {}, { next });
      }
      return true;
    }
    const offset = segment.base + blockAt + view.at;
    note(partitions[view.partition], view.sequenceNumber, offset, view.timeMs);
    segments.note(view.timeMs);
    return true;
  });
  if (good < segment.bytes) {
    options.log(`telemetry log: ${segment.bytes - good} bytes cut off by a crash; dropped`);
    segment.truncate(good);
  }
  if (segment.bytes > 0) return partitions;
  segments.dropLast(); // Not even its beginning was written: the one before it knows.
  return recover(segments, options);
}

function note(
  partition: PartitionState | undefined,
  sequenceNumber: number,
  offset: number,
  timeMs: number,
): void {
  if (partition === undefined) return; // Of a time when there were more partitions.
  partition.next = sequenceNumber + 1;
  partition.lastOffset = offset;
  partition.lastTimeMs = timeMs;
}

function emptyPartition(): PartitionState {
  return { next: 0, lastOffset: -1, lastTimeMs: 0 };
}
