/** What one board offered, sent and had acknowledged, and the rules that must hold between them. */
import type { SecurityEvent } from "../wire/events.ts";
import { decodePicket } from "../wire/picket.ts";

/** Since the start of the run. */
export interface LedgerCounts {
  readonly messages: number;
  readonly bytes: number;
  readonly events: number;
  readonly repeats: number;
  readonly failedSends: number;
  readonly restarts: number;
  readonly traps: number;
  readonly cloudToDeviceMessages: number;
  /** Packets in all delivered flows. */
  readonly flowPackets: number;
  /** Last acknowledgement and last failure, virtual ms; -1: none. */
  readonly acknowledgedMs: number;
  readonly failedMs: number;
}

export interface Ledger {
  readonly counts: LedgerCounts;
  /** Loss counters by cause, summed over the boots. */
  losses(): Readonly<Record<string, number>>;
  published(bytes: Uint8Array): void;
  settled(bytes: Uint8Array, isDelivered: boolean, nowMs: number): void;
  /** The hub got a message. @returns its events that are new; undefined: it does not decode */
  arrived(bytes: Uint8Array): readonly SecurityEvent[] | undefined;
  restarted(cause: "power" | "trap"): void;
  /** Bits of the flash have changed: notes of acknowledgements may be among them. */
  damaged(): void;
  /** Events that the agent numbered and that neither arrived nor were counted as dropped. */
  missing(): number;
  readonly violations: readonly string[];
}

/** One boot's numbers in one log. */
interface Sequence {
  readonly arrived: Set<number>;
  next: number;
}

const VIOLATIONS_MAX = 20;

/**
 * @param messageBytesMax the agent's limit for a message, B
 * @param hasFlash sequence numbers go on over restarts, and when a flash that fails is given up;
 *   else they begin again, in a new epoch
 */
export function createLedger(messageBytesMax: number, hasFlash = false): Ledger {
  const violations: string[] = [];
  const acknowledged = new Set<string>();
  /** Events of the last acknowledged message of each log and epoch. */
  const lastAcknowledged = new Map<string, readonly string[]>();
  const seen = new Set<string>();
  /** By log, and epoch if they begin again in each. */
  const sequences = new Map<string, Sequence>();
  let lossesNow: Readonly<Record<string, number>> = {};
  let lossesBefore: Record<string, number> = {};
  let uncounted = 0;
  let isDamaged = false;
  const counts = {
    messages: 0,
    bytes: 0,
    events: 0,
    repeats: 0,
    failedSends: 0,
    restarts: 0,
    traps: 0,
    cloudToDeviceMessages: 0,
    flowPackets: 0,
    acknowledgedMs: -1,
    failedMs: -1,
  };

  function violate(what: string): void {
    if (violations.length < VIOLATIONS_MAX) violations.push(what);
  }

  function countEvent(event: SecurityEvent): void {
    if (event.name === "NetworkActivity") {
      for (const flow of event.payload) counts.flowPackets += flow.packetsIn + flow.packetsOut;
    } else if (event.name === "CloudToDeviceMessages") {
      for (const item of event.payload) counts.cloudToDeviceMessages += item.count;
    } else if (event.name === "DroppedEventsStatistics") {
      for (const item of event.payload) lossesNow = item.causes ?? lossesNow;
    }
  }

  function note(messageId: string | null, eventCount: number): void {
    const [, epoch, log, first] = (messageId ?? "").split("-");
    const key = hasFlash ? `${log}` : `${epoch} ${log}`;
    const sequence = sequences.get(key) ?? { arrived: new Set(), next: 0 };
    sequences.set(key, sequence);
    for (let i = 0; i < eventCount; i++) sequence.arrived.add(Number(first) + i);
    sequence.next = Math.max(sequence.next, Number(first) + eventCount);
  }

  function holes(): number {
    let sum = 0;
    for (const { arrived, next } of sequences.values()) sum += next - arrived.size;
    return sum;
  }

  return {
    counts,
    violations,
    losses: () => add(lossesBefore, lossesNow),
    published(bytes) {
      if (bytes.length > messageBytesMax) {
        violate(`a message of ${bytes.length} bytes, allowed are ${messageBytesMax}`);
      }
      for (const id of idsOf(bytes).ids) {
        if (acknowledged.has(id)) violate(`event ${id} was sent again after its acknowledgement`);
      }
    },
    settled(bytes, isDelivered, nowMs) {
      if (isDelivered) {
        counts.acknowledgedMs = nowMs;
        const { ids, log } = idsOf(bytes);
        for (const id of ids) acknowledged.add(id);
        lastAcknowledged.set(log, ids);
      } else {
        counts.failedMs = nowMs;
        counts.failedSends++;
      }
    },
    arrived(bytes) {
      counts.messages++;
      counts.bytes += bytes.length;
      try {
        const { events, messageId } = decodePicket(bytes);
        const fresh = events.filter(({ id }) => !seen.has(id));
        counts.repeats += events.length - fresh.length;
        counts.events += fresh.length;
        for (const event of fresh) {
          seen.add(event.id);
          countEvent(event);
        }
        note(messageId, events.length);
        return fresh;
      } catch (error) {
        violate(`a message does not decode: ${(error as Error).message}`);
        return undefined;
      }
    },
    restarted(cause) {
      counts.restarts++;
      if (cause === "trap") counts.traps++;
      // The note of the last acknowledgement may not have been written yet.
      for (const ids of lastAcknowledged.values()) for (const id of ids) acknowledged.delete(id);
      if (isDamaged) acknowledged.clear();
      isDamaged = false;
      lossesBefore = add(lossesBefore, lossesNow);
      lossesNow = {};
      // What was dropped since the last report was counted in the memory that is gone.
      if (!hasFlash) uncounted = Math.max(uncounted, holes() - (lossesBefore.storeFull ?? 0));
    },
    damaged() {
      isDamaged = true;
    },
    missing() {
      const dropped = add(lossesBefore, lossesNow).storeFull ?? 0;
      return Math.max(0, holes() - dropped - uncounted);
    },
  };
}

/** What does not decode is told when it arrives. */
function idsOf(bytes: Uint8Array): { ids: string[]; log: string } {
  try {
    const { events, messageId } = decodePicket(bytes);
    // Where flash fails, the agent goes on in memory, in a new epoch.
    const log = messageId?.split("-").slice(1, 3).join() ?? "";
    return { ids: events.map(({ id }) => id), log };
  } catch {
    return { ids: [], log: "" };
  }
}

function add(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum: Record<string, number> = { ...a };
  for (const [cause, count] of Object.entries(b)) sum[cause] = (sum[cause] ?? 0) + count;
  return sum;
}
