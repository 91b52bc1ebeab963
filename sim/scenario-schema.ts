/**
 * What a scenario may say: one table. The JSON Schema for editors and the checks come from it;
 * `picket sim schema` prints it, and a copy stands in `scenarios/scenario.schema.json`.
 */
import { BOARD_SCHEMA } from "./board-schema.ts";
import { FAULTS, FAULTS_COMMON } from "./fault-kinds.ts";
import {
  board,
  bytes,
  closed,
  count,
  described,
  duration,
  every,
  kinds,
  listOf,
  name,
  object,
  text,
  whole,
} from "./schema-parts.ts";
import { TRAFFIC, TRAFFIC_COMMON } from "./traffic-kinds.ts";

const range = { min: whole(0, 1e12), max: whole(0, 1e12) };
const by = described(duration, "At the latest so long after the start of the run");

/** Counters of a board or of a whole run, by name. */
export const COUNTER_NAMES = [
  "frames",
  "packets",
  "messages",
  "bytes",
  "events",
  "alerts",
  "repeats",
  "failedSends",
  "restarts",
  "traps",
  "storeFull",
  "ringFull",
  "flowTableFullIpv4",
  "flowTableFullIpv6",
  "headTooShort",
  "malformed",
  "notUnicast",
  "connectionsForgotten",
  "observationRefused",
  "storeDamaged",
  "cloudToDeviceMessages",
  "flashOperations",
  "flashErasesMax",
  "flashSectorsLost",
  "recoveryMs",
] as const;

/** What else a hub logs of a device: entries of its operations log, by the names of the hub. */
export const HUB_OPERATIONS = {
  c2dReject: "C2DCommands",
  c2dDeadLetter: "C2DCommands",
  c2dExpire: "C2DCommands",
  c2dPurge: "C2DCommands",
  fileUploadRequest: "FileUploadOperations",
} as const;

/** What a thread of the board can do. */
export const THREAD_ACTIONS = ["create", "complete", "terminate", "useStack", "compute"] as const;

const action = {
  board,
  at: described(duration, "So long after the start of the run"),
  every,
  count,
};

const observation = closed(
  { ...action, event: text, item: described(object, "Fields as in the event (wire/events.ts)") },
  ["at", "event", "item"],
);

const threadAction = closed(
  {
    ...action,
    thread: described(name, "Name of one of the board's threads"),
    do: { enum: THREAD_ACTIONS },
    bytes: described(bytes, "useStack: so much of its stack has been used"),
    for: described(duration, "compute: so long without a pause; 1s when left out"),
  },
  ["at", "thread", "do"],
);

/** The schema, JSON Schema draft 7. */
export const SCENARIO_SCHEMA = {
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "Picket simulator scenario",
  ...closed(
    {
      name: described(name, "Name of the scenario"),
      purpose: described({ type: "string", minLength: 1 }, "What it shows, for people"),
      duration: described(duration, "Length of the run, virtual time"),
      seed: described(whole(0, Number.MAX_SAFE_INTEGER), "Seed when none is given"),
      start: described(
        { type: "string", pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$" },
        "Wall clock at the start of the run, UTC",
      ),
      boards: { ...listOf({ $ref: "#/$defs/board" }), minItems: 1 },
      peers: {
        type: "object",
        description: "Other hosts: name to IP address",
        propertyNames: name,
        additionalProperties: text,
      },
      traffic: listOf(kinds(TRAFFIC_COMMON, TRAFFIC)),
      faults: listOf(kinds(FAULTS_COMMON, FAULTS)),
      observations: described(listOf(observation), "What the device's software tells the agent"),
      threads: described(listOf(threadAction), "What the board's threads do (ThreadX model)"),
      twin: described(
        listOf(
          closed({ ...action, desired: object, patch: { type: "boolean" } }, ["at", "desired"]),
        ),
        "Desired properties of the security module's twin, over time",
      ),
      methods: described(
        listOf(closed({ ...action, name: text, payload: {} }, ["at", "name"])),
        "Direct method calls that the hub makes",
      ),
      operations: described(
        listOf(
          closed({ ...action, operation: { enum: Object.keys(HUB_OPERATIONS) } }, [
            "at",
            "operation",
          ]),
        ),
        "What else the hub logs of the device",
      ),
      detection: closed({
        groups: described({ type: "object", additionalProperties: object }, "Security groups"),
        suspicious: described(listOf(text), "Addresses and prefixes on a threat list"),
        warmUp: duration,
      }),
      expect: { $ref: "#/$defs/expect" },
    },
    ["name", "purpose", "duration", "boards"],
  ),
  $defs: {
    duration: {
      type: "string",
      pattern: "^\\d{1,9}(\\.\\d{1,3})?(ms|s|m|h|d)$",
      description: "a duration such as 250ms, 10s, 5m, 2h or 1d",
    },
    signedDuration: {
      type: "string",
      pattern: "^[+-]?\\d{1,9}(\\.\\d{1,3})?(ms|s|m|h|d)$",
      description: "A duration that may be negative, such as -1h",
    },
    board: BOARD_SCHEMA,
    expect: closed({
      alerts: listOf(closed({ type: text, board, cause: text, ...range, by }, ["type"])),
      events: listOf(closed({ name: text, board, where: object, ...range, by }, ["name"])),
      counters: listOf(closed({ name: { enum: COUNTER_NAMES }, board, ...range }, ["name"])),
      reported: listOf(closed({ property: text, board, value: {} }, ["property", "value"])),
      nothingElse: described(
        { type: "array", items: { enum: ["alerts", "events", "losses"] }, uniqueItems: true },
        "What is not expected above must not occur",
      ),
    }),
  },
} as const;
