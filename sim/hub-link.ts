/** The way from a board to its hub in virtual time, with what goes wrong on it. */
import { durationMs } from "./duration.ts";
import { REFUSALS } from "./fault-kinds.ts";
import type { BoardFaults } from "./fault-plan.ts";
import type { Prng } from "./prng.ts";
import type { Scheduler } from "./scheduler.ts";

export interface HubMessage {
  readonly deviceId: string;
  readonly bytes: Uint8Array;
  /** Virtual time of arrival, ms. */
  readonly timeMs: number;
}

export interface HubLinkOptions {
  readonly deviceId: string;
  readonly scheduler: Scheduler;
  readonly faults: BoardFaults;
  readonly random: Prng;
  readonly deliver: (message: HubMessage) => void;
  /** The hub refused the device itself. */
  readonly refused: (reason: string) => void;
}

export interface HubLink {
  /**
   * Sends a message.
   *
   * @param settle called once, when the host knows: acknowledged, or given up
   */
  send(bytes: Uint8Array, settle: (isDelivered: boolean) => void): void;
}

/** One way to the hub, ms. */
const TRIP_MS = 40;
/** The host knows at once that it is not connected; this stands for its queue, ms. */
const NOTICE_MS = 10;
/** Without an acknowledgement for so long, the client closes the connection, ms. */
export const ACKNOWLEDGE_MS_MAX = 30_000;
const REORDER_MS_MAX = 5000;

export function createHubLink(options: HubLinkOptions): HubLink {
  const { scheduler, faults, random, deviceId, deliver } = options;
  const { hits } = faults;

  function delayOf(kind: string, most: string): number {
    const fault = hits(kind);
    return fault === undefined ? 0 : durationMs(fault.entry.delay ?? most);
  }

  function arrive(bytes: Uint8Array, inMs: number): void {
    scheduler.at(scheduler.nowMs + inMs, () => {
      deliver({ deviceId, bytes, timeMs: scheduler.nowMs });
    });
  }

  return {
    send(bytes, settle) {
      const settleIn = (inMs: number, isDelivered: boolean): void =>
        scheduler.at(scheduler.nowMs + inMs, () => settle(isDelivered));
      if (hits("linkDown")) return settleIn(NOTICE_MS, false);
      const credential = hits("badCredential");
      if (credential !== undefined || hits("tokenExpiry")) {
        const reason = credential?.entry.reason;
        options.refused(reason === undefined ? "SAS token has expired" : REFUSALS[reason]);
        return settleIn(2 * TRIP_MS, false);
      }
      if (hits("refuse")) return settleIn(2 * TRIP_MS, false);
      if (hits("loss")) return settleIn(ACKNOWLEDGE_MS_MAX, false);
      let tripMs = TRIP_MS + delayOf("delay", "2s");
      if (hits("reorder")) tripMs += random.below(REORDER_MS_MAX);
      arrive(bytes, tripMs);
      if (hits("duplicate")) arrive(bytes, tripMs + TRIP_MS + random.below(REORDER_MS_MAX));
      const lateMs = delayOf("acknowledgeLate", "10s");
      const roundMs = tripMs + TRIP_MS + lateMs;
      if (hits("acknowledgeNever") || roundMs > ACKNOWLEDGE_MS_MAX) {
        return settleIn(ACKNOWLEDGE_MS_MAX, false);
      }
      scheduler.at(scheduler.nowMs + roundMs, () => {
        if (hits("linkDown"))
          settleIn(NOTICE_MS, false); // The acknowledgement is lost.
        else settle(true);
      });
    },
  };
}
