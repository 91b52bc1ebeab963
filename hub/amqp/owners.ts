import type { Sender } from "./types.ts";

/** Receivers that own their partition: one at a time for each consumer group and partition. */
export interface Owners {
  /**
   * Makes the receiver the owner if its level allows; an owner of a lower or the same level is
   * told that its link was stolen, and so is a receiver without a level.
   *
   * @param level owner level (epoch); null: none, many may read side by side
   * @returns false: another receiver with a higher level owns it
   */
  admit(address: string, sender: Sender, level: number | null): boolean;
}

interface Reader {
  readonly sender: Sender;
  readonly level: number | null;
}

const STOLEN = {
  condition: "amqp:link:stolen",
  description: "a receiver with the same or a higher owner level has taken the partition",
};

export function createOwners(): Owners {
  const readers = new Map<string, Set<Reader>>();
  return {
    admit: (address, sender, level) => {
      const open = [...(readers.get(address) ?? [])].filter((reader) => reader.sender.is_open());
      const owner = open.find((reader) => reader.level !== null);
      if (owner !== undefined && (level ?? -1) < (owner.level ?? 0)) return false;
      const kept = level === null ? open : [];
      if (level !== null) for (const reader of open) reader.sender.close({ ...STOLEN });
      readers.set(address, new Set([...kept, { sender, level }]));
      return true;
    },
  };
}

/** Owner level that a receiver's link asks for; null: none. */
export function ownerLevel(properties: unknown): number | null {
  if (typeof properties !== "object" || properties === null) return null;
  const level = Number((properties as Record<string, unknown>)["com.microsoft:epoch"]);
  return Number.isFinite(level) ? level : null;
}
