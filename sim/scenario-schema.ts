/**
 * What a scenario may say: one table. The JSON Schema for editors and the checks come from it;
 * `picket sim schema` prints it, and a copy stands in `scenarios/scenario.schema.json`.
 */

type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: "string", minLength: 1, maxLength: 256 };
const name: Schema = { type: "string", pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$" };
const duration: Schema = { $ref: "#/$defs/duration" };
const probability: Schema = { type: "number", minimum: 0, maximum: 1 };
const object: Schema = { type: "object" };

function whole(minimum: number, maximum: number): Schema {
  return { type: "integer", minimum, maximum };
}

function described(schema: Schema, description: string): Schema {
  return { ...schema, description };
}

function closed<P extends Readonly<Record<string, Schema>>>(
  properties: P,
  required: readonly string[] = [],
) {
  return { type: "object", additionalProperties: false, required, properties } as const;
}

function listOf(items: Schema): Schema {
  return { type: "array", maxItems: 10_000, items };
}

/** One alternative of a list whose items say their `kind`. */
interface Kind {
  readonly doc: string;
  readonly fields: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

function kinds(common: Record<string, Schema>, table: Readonly<Record<string, Kind>>): Schema {
  const oneOf = Object.entries(table).map(([kind, { doc, fields, required = [] }]) => ({
    ...closed({ kind: { const: kind }, ...common, ...fields }, ["kind", ...required]),
    description: doc,
  }));
  return { type: "object", required: ["kind"], discriminator: { propertyName: "kind" }, oneOf };
}

const peer = described(text, "Name of a peer, or an IP address");
const board = described(text, "Name of a board entry; left out: all boards");
const from = described(duration, "Begins so long after the start of the run");
const until = described(duration, "Ends so long after the start of the run");
const length = described(duration, "Lasts so long");
const every = described(duration, "From one to the next");
const count = described(whole(1, 10_000_000), "So many, then no more");
const bytes = described(whole(0, 100_000_000), "Bytes of data");
const port = whole(0, 65_535);
const jitter = described(probability, "Share of `every` by which the times vary, either way");
const common = { board, from, until };

/** Traffic: what programs on the network and on the device do. */
export const TRAFFIC: Readonly<Record<string, Kind>> = {
  capture: {
    doc: "Packets of a capture (pcap, pcapng), at the capture's own pace",
    fields: { file: text, repeat: whole(1, 100_000) },
    required: ["file"],
  },
  telemetry: {
    doc: "The device publishes over MQTT (QoS 1) on one connection",
    fields: { peer, every, bytes, port, jitter },
    required: ["peer", "every"],
  },
  cloudToDevice: {
    doc: "The broker sends cloud-to-device messages over MQTT",
    fields: { peer, every, count, bytes, port },
    required: ["peer", "every"],
  },
  http: {
    doc: "The device fetches over HTTP, a connection each time",
    fields: { peer, every, bytes, port, jitter },
    required: ["peer", "every"],
  },
  dns: { doc: "The device asks for names", fields: { peer, every }, required: ["peer", "every"] },
  ntp: { doc: "The device asks the time", fields: { peer, every }, required: ["peer", "every"] },
  ping: {
    doc: "Echo requests, answered; `in`: the peer asks",
    fields: { peer, every, bytes, direction: { enum: ["in", "out"] } },
    required: ["peer", "every"],
  },
  broadcast: { doc: "Datagrams to all hosts (IPv4)", fields: { every }, required: ["every"] },
  portScan: {
    doc: "The peer tries ports of the device",
    fields: { peer, every, ports: whole(1, 65_535), style: { enum: ["syn", "fin", "connect"] } },
    required: ["peer"],
  },
  portScanOut: {
    doc: "The device tries ports of the peer",
    fields: { peer, every, ports: whole(1, 65_535) },
    required: ["peer"],
  },
  bruteForce: {
    doc: "The peer tries to sign in at a service of the device, a connection each time",
    fields: { peer, every, count, port },
    required: ["peer"],
  },
  beacon: {
    doc: "The device calls home at regular times, a connection each time",
    fields: { peer, every, bytes, port, jitter },
    required: ["peer"],
  },
  exfiltration: {
    doc: "The device uploads `bytes` to the peer",
    fields: { peer, bytes, port },
    required: ["peer", "bytes"],
  },
  mirai: {
    doc: "The device tries random hosts on a login port",
    fields: { every, count, port },
  },
  connectionFlood: {
    doc: "Connections to one port; `out`: the device floods the peer",
    fields: { peer, every, count, port, direction: { enum: ["in", "out"] } },
    required: ["peer"],
  },
  datagramFlood: {
    doc: "The peer sends datagrams from ever new ports",
    fields: { peer, every, count, port },
    required: ["peer"],
  },
  packetFlood: {
    doc: "The peer sends packets on one flow and gets no answer",
    fields: { peer, every, count, port, bytes },
    required: ["peer"],
  },
  malformed: {
    doc: "Packets with damaged headers, seeded",
    fields: { peer, every, count },
    required: ["peer"],
  },
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
  loss: { doc: "Frames to the device and messages to the hub are lost", fields: { probability } },
  delay: { doc: "Frames and messages take longer", fields: { delay: duration } },
  reorder: { doc: "Messages pass one another on their way", fields: { probability } },
  duplicate: { doc: "The hub gets messages twice", fields: { probability } },
  refuse: { doc: "The broker refuses to take messages", fields: { probability } },
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
  acknowledgeNever: { doc: "Messages arrive, no acknowledgement does", fields: { probability } },
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
  slowAgent: { doc: "The agent's thread does not run; the ring may overrun", fields: {} },
  memoryPressure: { doc: "The board has no memory for a message", fields: { probability } },
  trap: { doc: "The core traps; the host restarts it", fields: {} },
  hostileTwin: { doc: "Twin documents made to hurt, seeded", fields: { every, count, bytes } },
  flashFull: { doc: "The flash takes nothing", fields: {} },
  flashBitFlip: { doc: "Bits of the flash change", fields: { count } },
};

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
  "malformed",
  "observationRefused",
  "cloudToDeviceMessages",
] as const;

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
      traffic: listOf(kinds(common, TRAFFIC)),
      faults: listOf(kinds({ board, from, for: length }, FAULTS)),
      observations: described(listOf(observation), "What the device's software tells the agent"),
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
    board: closed(
      {
        name: described(name, "Device id; with `count` a number is added: name-1, name-2, ..."),
        count: whole(1, 100_000),
        profile: described(text, "A board profile: boards/profiles/NAME.json"),
        engine: { enum: ["v8", "wasm3"] },
        options: { type: "object", additionalProperties: { type: "integer" } },
        addresses: { ...listOf(text), minItems: 1, maxItems: 16 },
        intervals: described(
          closed({ high: duration, low: duration, snapshot: duration }),
          "Collection intervals built into the board; left out: the documented defaults",
        ),
        group: described(name, "Security group"),
        twin: described(object, "Desired properties at the start"),
        startAfter: described(duration, "The board starts so long after the run"),
        flash: described(
          closed(
            {
              sectorBytes: whole(256, 1_048_576),
              sectors: whole(4, 4096),
              unitBytes: { enum: [1, 2, 4, 8, 16, 32] },
            },
            ["sectorBytes", "sectors", "unitBytes"],
          ),
          "Events are kept in a flash partition; left out: in memory",
        ),
        snapshots: described(
          { type: "object", additionalProperties: listOf(object) },
          "Items of snapshots by event: ListeningPorts, LocalUsers, FirewallConfiguration, ...",
        ),
      },
      ["name"],
    ),
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
