/**
 * Counts TCP connections the plain way, apart from the core: established by the initiator's
 * acknowledgement of the SYN-ACK, over at an RST or when both ends' FINs are acknowledged.
 */
const FIN = 1;
const SYN = 2;
const RST = 4;
const ACK = 16;
const SERIAL = 2 ** 32;

interface Opening {
  readonly initiator: number;
  readonly isn: number;
  /** Sequence number of the SYN-ACK. */
  answer: number | null;
  isOpen: boolean;
  /** By direction: number behind the FIN, and whether the other end has acknowledged it. */
  readonly fins: ({ end: number; isAcknowledged: boolean } | null)[];
}

export interface Segment {
  /** Names the two endpoints. */
  readonly key: string;
  /** 0 out, 1 in. */
  readonly direction: number;
  readonly flags: number;
  readonly sequence: number;
  readonly acknowledged: number;
  readonly dataBytes: number;
}

export interface ReferenceConnections {
  segment(segment: Segment): void;
  /** Established now, least and most since the last call of `restart`. */
  counts(): { current: number; min: number; max: number };
  restart(): void;
}

/** a >= b in serial number arithmetic (RFC 1982). */
const reaches = (a: number, b: number) => (((a - b) % SERIAL) + SERIAL) % SERIAL < SERIAL / 2;

export function createReferenceConnections(): ReferenceConnections {
  const openings = new Map<string, Opening>();
  const open = () => [...openings.values()].filter(({ isOpen }) => isOpen).length;
  let min = 0;
  let max = 0;

  function apply(segment: Segment): void {
    const { key, direction, flags, sequence, acknowledged, dataBytes } = segment;
    const opening = openings.get(key);
    if (flags & RST) {
      openings.delete(key);
      return;
    }
    if (flags & SYN && (flags & ACK) === 0) {
      const isRepeat = opening?.initiator === direction && opening.isn === sequence;
      if (isRepeat) return;
      const fresh = { initiator: direction, isn: sequence, answer: null, isOpen: false };
      openings.set(key, { ...fresh, fins: [null, null] });
      return;
    }
    if (opening === undefined) return;
    const isInitiators = opening.initiator === direction;
    if (flags & SYN) {
      const isOfThisSyn = (acknowledged - opening.isn - 1 + SERIAL) % SERIAL <= 0xffff;
      if (!opening.isOpen && !isInitiators && isOfThisSyn) opening.answer = sequence;
      return;
    }
    if (!opening.isOpen && isInitiators && opening.answer !== null && flags & ACK) {
      opening.isOpen = reaches(acknowledged, (opening.answer + 1) % SERIAL);
    }
    if (!opening.isOpen) return;
    if (flags & FIN) {
      const end = (sequence + dataBytes + 1) % SERIAL;
      opening.fins[direction] = {
        end,
        isAcknowledged: opening.fins[direction]?.isAcknowledged ?? false,
      };
    }
    const other = opening.fins[1 - direction];
    if (other && flags & ACK && reaches(acknowledged, other.end)) other.isAcknowledged = true;
    if (opening.fins.every((fin) => fin?.isAcknowledged)) openings.delete(key);
  }

  return {
    segment(segment) {
      apply(segment);
      const now = open();
      min = Math.min(min, now);
      max = Math.max(max, now);
    },
    counts: () => ({ current: open(), min, max }),
    restart() {
      min = open();
      max = min;
    },
  };
}
