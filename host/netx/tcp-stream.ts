/**
 * Puts one direction of a TCP connection in order (RFC 9293 3.4): what was seen before is dropped,
 * what comes too early is held, bytes that the capture does not have are reported as a gap.
 */

/** Most bytes and segments held for one stream until the bytes before them come. */
export const HELD_BYTES_MAX = 65_536;
export const HELD_SEGMENTS_MAX = 128;
/** Segments further ahead than this belong to no sane window; they are ignored. */
const AHEAD_BYTES_MAX = 1 << 22;

/** Takes the bytes of a stream in order. */
export interface StreamReader {
  /**
   * @param bytes holds the data: `start` to before `end`; the caller's, copy what must last
   * @param boundary true if `start` is where a segment starts, so perhaps a message too
   */
  data(bytes: Uint8Array, start: number, end: number, boundary: boolean): void;
  /** `count` bytes that were sent are not in the capture. */
  gap(count: number): void;
}

interface Segment {
  readonly sequence: number;
  /** Captured payload. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Payload bytes on the wire; at least what was captured. */
  readonly length: number;
}

export interface TcpStream {
  /** True once the next sequence number is known. */
  readonly synchronized: boolean;
  /** Starts (again) with the byte of this sequence number. */
  synchronize(next: number): void;
  /** Forgets everything, as for a new connection whose sequence number is not known. */
  reset(): void;
  /** Adds a segment's payload, `end - start` captured bytes of `length`. */
  segment(sequence: number, bytes: Uint8Array, start: number, end: number, length: number): void;
  /** The receiver has acknowledged all bytes before this sequence number. */
  acknowledged(sequence: number): void;
}

/** Makes the state of one direction; `reader` gets its bytes. */
export function createTcpStream(reader: StreamReader): TcpStream {
  let synchronized = false;
  let next = 0;
  let acknowledged = 0;
  let held: Segment[] = [];
  let heldBytes = 0;

  function synchronize(sequence: number): void {
    synchronized = true;
    next = sequence;
    acknowledged = sequence;
    held = [];
    heldBytes = 0;
  }

  /** The segment starts at or before `next`: passes on what is new in it. */
  function deliver({ sequence, bytes, start, end, length }: Segment): void {
    const known = distance(sequence, next);
    if (known >= length) return;
    next = (sequence + length) | 0;
    const from = start + known;
    if (from < end) reader.data(bytes, from, end, known === 0);
    const missing = length - Math.max(known, end - start);
    if (missing > 0) reader.gap(missing);
  }

  /** Passes on the held segments that have become due. */
  function drain(): void {
    for (;;) {
      const index = held.findIndex(({ sequence }) => distance(next, sequence) <= 0);
      const segment = held[index];
      if (segment === undefined) return;
      held.splice(index, 1);
      heldBytes -= segment.end - segment.start;
      deliver(segment);
    }
  }

  /** Gives up on bytes that will not come and goes on at `sequence`. */
  function jump(sequence: number): void {
    reader.gap(distance(next, sequence));
    next = sequence;
    drain();
  }

  function hold(segment: Segment): void {
    const ahead = distance(next, segment.sequence);
    if (ahead > AHEAD_BYTES_MAX) return;
    const same = held.some(
      ({ sequence, length }) => sequence === segment.sequence && length >= segment.length,
    );
    if (same) return;
    const bytes = segment.bytes.slice(segment.start, segment.end);
    held.push({ ...segment, bytes, start: 0, end: bytes.length });
    heldBytes += bytes.length;
    while (heldBytes > HELD_BYTES_MAX || held.length > HELD_SEGMENTS_MAX) {
      const first = Math.min(...held.map(({ sequence }) => distance(next, sequence)));
      jump((next + first) | 0);
    }
  }

  return {
    get synchronized() {
      return synchronized;
    },
    synchronize,
    reset() {
      synchronize(0);
      synchronized = false;
    },
    segment(sequence, bytes, start, end, length) {
      if (length <= 0) return;
      if (!synchronized) synchronize(sequence);
      const segment = { sequence, bytes, start, end, length };
      if (distance(next, sequence) <= 0) {
        deliver(segment);
        drain();
        return;
      }
      // Acknowledged before this segment came and still not seen: the capture has lost it.
      if (distance(next, acknowledged) > 0) {
        jump(distance(acknowledged, sequence) < 0 ? sequence : acknowledged);
        if (distance(next, sequence) <= 0) {
          deliver(segment);
          drain();
          return;
        }
      }
      hold(segment);
    },
    acknowledged(sequence) {
      if (!synchronized) synchronize(sequence);
      else if (distance(acknowledged, sequence) > 0) acknowledged = sequence;
    },
  };
}

/** Bytes from one sequence number to another, modulo 2^32; negative if `to` is earlier. */
function distance(from: number, to: number): number {
  return (to - from) | 0;
}
