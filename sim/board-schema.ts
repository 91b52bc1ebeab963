/** What a scenario may say of a board. */
import { closed, described, duration, listOf, name, text, whole } from "./schema-parts.ts";

const GEOMETRY = {
  sectorBytes: whole(256, 1_048_576),
  sectors: whole(4, 4096),
  unitBytes: { enum: [1, 2, 4, 8, 16, 32] },
} as const;
/** All of these are given, or none. */
export const GEOMETRY_FIELDS = Object.keys(GEOMETRY) as readonly (keyof typeof GEOMETRY)[];

const flash = closed({
  ...GEOMETRY,
  programTakes: described(duration, "A program answers PENDING and ends so much later"),
  eraseTakes: described(duration, "An erase answers PENDING and ends so much later"),
});

const thread = closed(
  {
    name,
    entry: described(name, "Its entry function; left out: name_entry"),
    priority: described(whole(0, 31), "0 is highest"),
    stackBytes: whole(200, 16_777_216),
    atStart: described({ type: "boolean" }, "false: only an action under `threads` creates it"),
  },
  ["name", "priority", "stackBytes"],
);

export const BOARD_SCHEMA = closed(
  {
    name: described(name, "Device id; with `count` a number is added: name-1, name-2, ..."),
    count: whole(1, 100_000),
    profile: described(text, "A board profile: boards/profiles/NAME.json, or a file *.json"),
    engine: { enum: ["v8", "wasm3"] },
    options: { type: "object", additionalProperties: { type: "integer" } },
    addresses: { ...listOf(text), minItems: 1, maxItems: 16 },
    intervals: described(
      closed({ high: duration, low: duration, snapshot: duration }),
      "Collection intervals built into the board; left out: the profile's, else the documented",
    ),
    group: described(name, "Security group"),
    twin: described({ type: "object" }, "Desired properties at the start"),
    startAfter: described(duration, "The board starts so long after the run"),
    flash: described(
      flash,
      "Events are kept in a flash partition: of this geometry, else the profile's store " +
        "partition. Left out: in memory, unless profile or options set STORE_FLASH",
    ),
    threads: described(listOf(thread), "Threads beside the agent's; left out: none is observed"),
    agentPriority: described(whole(0, 31), "Priority of the agent's thread; left out: 16"),
    snapshots: described(
      { type: "object", additionalProperties: listOf({ type: "object" }) },
      "Items of snapshots by event: ListeningPorts, LocalUsers, FirewallConfiguration, ...",
    ),
  },
  ["name"],
);
