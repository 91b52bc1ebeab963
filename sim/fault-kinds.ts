/** Faults of scenarios: the kinds, and what each takes. */
import {
  board,
  bytes,
  count,
  described,
  duration,
  every,
  from,
  type Kind,
  probability,
  type Schema,
  whole,
} from "./schema-parts.ts";

/** What every kind takes. */
export const FAULTS_COMMON: Readonly<Record<string, Schema>> = {
  board,
  from,
  for: described(duration, "Lasts so long; left out: to the end of the run"),
  probability: described(
    probability,
    "That it acts: asked of each packet, message, flash operation or turn that it can hit",
  ),
};

/** Why a hub refuses a credential: the words of its operations log. */
export const REFUSALS = {
  signature: "SAS signature does not match",
  certificateExpired: "certificate has expired",
  thumbprint: "thumbprint does not match",
} as const;

/** Faults: what goes wrong, where, when, how likely. */
export const FAULTS: Readonly<Record<string, Kind>> = {
  linkDown: { doc: "No packet passes, no message is sent", fields: {} },
  loss: { doc: "Frames to the device and messages to the hub are lost", fields: {} },
  delay: { doc: "Frames and messages take longer", fields: { delay: duration } },
  reorder: { doc: "Messages pass one another on their way", fields: {} },
  duplicate: { doc: "The hub gets messages twice", fields: {} },
  refuse: { doc: "The broker refuses to take messages", fields: {} },
  tokenExpiry: { doc: "The token has ended: the hub refuses the device", fields: {} },
  badCredential: {
    doc: "The hub refuses the device's credential",
    fields: { reason: { enum: Object.keys(REFUSALS) } },
    required: ["reason"],
  },
  acknowledgeLate: {
    doc: "Messages arrive, their acknowledgement late",
    fields: { delay: duration },
  },
  acknowledgeNever: { doc: "Messages arrive, no acknowledgement does", fields: {} },
  powerCut: {
    doc: "The board loses power, and starts again after `for`",
    fields: { every, count, duringFlash: { type: "boolean" } },
  },
  clockJump: {
    doc: "The board's wall clock is moved; monotonic time goes on",
    fields: { by: { $ref: "#/$defs/signedDuration" } },
    required: ["by"],
  },
  clockLost: { doc: "The board does not know the time of day", fields: {} },
  slowAgent: {
    doc: "The agent's thread gets no time, or each of its turns comes late; the ring may overrun",
    fields: { delay: described(duration, "So late; left out: it gets no time at all") },
  },
  memoryPressure: { doc: "The board has no memory for a message", fields: {} },
  trap: { doc: "The core traps; the host restarts it", fields: { every, count } },
  hostileTwin: { doc: "Twin documents made to hurt, seeded", fields: { every, count, bytes } },
  flashFull: { doc: "The flash takes nothing", fields: {} },
  flashBitFlip: { doc: "Bits of the flash change", fields: { count } },
  flashWear: {
    doc: "Sectors wear out for good: programs and erases fail, done in part or not at all",
    fields: {
      cycles: described(whole(0, 10_000_000), "Only sectors erased so often; left out: any"),
      sector: described(whole(0, 4095), "Only this sector"),
      count: described(whole(1, 4096), "So many sectors at most"),
    },
  },
};
