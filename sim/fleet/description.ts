/** What a fleet is: boards, their traffic by shares, regions, outages, twin changes. */
import { Ajv } from "ajv";
import { parse } from "yaml";
import { ScenarioError, type TrafficEntry } from "../scenario.ts";
import { SCENARIO_SCHEMA } from "../scenario-schema.ts";

export interface FleetDescription {
  readonly name: string;
  readonly boards: number;
  readonly hours: number;
  readonly options?: Readonly<Record<string, number>>;
  /** Desired properties at the start. */
  readonly twin?: object;
  readonly mix: readonly FleetMix[];
  /** Boards are switched on within this time. */
  readonly startSpread?: string;
  readonly peers?: Readonly<Record<string, string>>;
  readonly regions?: readonly { readonly name: string; readonly share: number }[];
  readonly outages?: readonly {
    readonly region?: string;
    readonly from: string;
    readonly for: string;
  }[];
  readonly twinChanges?: readonly FleetTwinChange[];
}

/** Boards with the same traffic; shares are parts of their sum. */
export interface FleetMix {
  readonly name: string;
  readonly share: number;
  readonly traffic: readonly TrafficEntry[];
  /** After so long the traffic begins again. */
  readonly cycle?: string;
}

/** A change that reaches the fleet in stages. */
export interface FleetTwinChange {
  readonly from: string;
  /** Shares of the fleet in percent that have it after each stage. */
  readonly stages: readonly number[];
  readonly every: string;
  readonly desired: object;
}

const duration = SCENARIO_SCHEMA.$defs.duration;
const share = { type: "number", exclusiveMinimum: 0, maximum: 1_000_000 };
const name = { type: "string", minLength: 1, maxLength: 64 };

function closed(properties: Record<string, unknown>, required: readonly string[]): object {
  return { type: "object", additionalProperties: false, required, properties };
}

export const FLEET_SCHEMA = {
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "Picket fleet description",
  ...closed(
    {
      name,
      boards: { type: "integer", minimum: 1, maximum: 1_000_000 },
      hours: { type: "number", exclusiveMinimum: 0, maximum: 8760 },
      options: { type: "object", additionalProperties: { type: "integer" } },
      twin: { type: "object" },
      startSpread: duration,
      peers: { type: "object", additionalProperties: name },
      mix: {
        type: "array",
        minItems: 1,
        maxItems: 100,
        items: closed(
          { name, share, cycle: duration, traffic: SCENARIO_SCHEMA.properties.traffic },
          ["name", "share", "traffic"],
        ),
      },
      regions: { type: "array", maxItems: 100, items: closed({ name, share }, ["name", "share"]) },
      outages: {
        type: "array",
        maxItems: 1000,
        items: closed({ region: name, from: duration, for: duration }, ["from", "for"]),
      },
      twinChanges: {
        type: "array",
        maxItems: 100,
        items: closed(
          {
            from: duration,
            every: duration,
            stages: {
              type: "array",
              minItems: 1,
              items: { type: "number", minimum: 0, maximum: 100 },
            },
            desired: { type: "object" },
          },
          ["from", "every", "stages", "desired"],
        ),
      },
    },
    ["name", "boards", "hours", "mix"],
  ),
  $defs: SCENARIO_SCHEMA.$defs,
};

const validate = new Ajv({ allErrors: false, strict: false, discriminator: true }).compile(
  FLEET_SCHEMA,
);

/** A packet every ten seconds, nothing else: what budgets are measured with. */
export const TELEMETRY_FLEET: FleetDescription = {
  name: "telemetry",
  boards: 1000,
  hours: 24,
  startSpread: "10m",
  peers: { broker: "10.20.0.1" },
  mix: [
    {
      name: "telemetry",
      share: 100,
      traffic: [{ kind: "telemetry", peer: "broker", every: "40s", bytes: 120 }],
    },
  ],
};

/** @throws ScenarioError with one line */
export function parseFleet(text: string, file: string): FleetDescription {
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 100 });
  } catch (cause) {
    const what = (cause as Error).message.split("\n")[0];
    throw new ScenarioError(`${file}: ${what}`, { cause });
  }
  if (!validate(value)) {
    const error = validate.errors?.[0];
    const extra = error?.params.additionalProperty ?? error?.params.tagValue ?? "";
    const place = (error?.instancePath ?? "").slice(1).replaceAll("/", ".") || "the fleet";
    throw new ScenarioError(`${file}: ${place}: ${error?.message} ${extra}`.trim());
  }
  const fleet = value as FleetDescription;
  const regions = new Set((fleet.regions ?? []).map((region) => region.name));
  for (const { region } of fleet.outages ?? []) {
    if (region === undefined || regions.has(region)) continue;
    throw new ScenarioError(`${file}: outages: no region "${region}"`);
  }
  return fleet;
}
