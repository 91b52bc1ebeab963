/** Configuration of the detection service, one JSON document. */
import { Ajv } from "ajv";
import { FEED_PROPERTIES, feedTimes } from "./feed-control.ts";
import { durationMs, schemaErrorLine } from "./groups.ts";
import type { FeedConfig } from "./intel.ts";
import type { MqttOutputConfig } from "./outputs/mqtt.ts";
import type { OcsfConfig } from "./outputs/ocsf.ts";
import type { SyslogConfig } from "./outputs/syslog.ts";
import type { WebhookConfig } from "./outputs/webhook.ts";
import type { FolderSourceConfig } from "./sources/folder.ts";
import type { MqttSourceConfig } from "./sources/mqtt.ts";
import { BYTES_MAX_LEAST, type Retention } from "./workspace-export.ts";

export type OutputConfig = WebhookConfig | SyslogConfig | OcsfConfig | MqttOutputConfig;
export type SourceConfig = MqttSourceConfig | FolderSourceConfig;

export interface RunnerConfig {
  /** DuckDB file; ":memory:" keeps nothing. */
  readonly workspace: string;
  /** Rule document in force until one is put over the API. */
  readonly rules?: Readonly<Record<string, unknown>>;
  readonly api?: {
    readonly host?: string;
    readonly port?: number;
    readonly keys?: readonly string[];
  };
  readonly feeds: readonly FeedConfig[];
  readonly outputs: readonly OutputConfig[];
  readonly sources: readonly SourceConfig[];
  readonly retention: Retention;
}

const text = { type: "string", minLength: 1, maxLength: 4096 };
const port = { type: "integer", minimum: 0, maximum: 65_535 };
const object = (required: readonly string[], properties: object) => ({
  type: "object",
  required,
  additionalProperties: false,
  properties,
});
const login = { username: text, password: text, ca: { type: "string" } };
const kind = (type: string) => ({ const: type });

const { content: _, ...FILE_FEED } = FEED_PROPERTIES;

export const RUNNER_SCHEMA = object([], {
  $schema: text,
  workspace: text,
  rules: { type: "object" },
  api: object([], { host: text, port, keys: { type: "array", items: text } }),
  feeds: {
    type: "array",
    items: object(["name", "source", "format"], { name: text, ...FILE_FEED }),
  },
  outputs: {
    type: "array",
    items: {
      type: "object",
      required: ["type", "name"],
      discriminator: { propertyName: "type" },
      oneOf: [
        object(["type", "name", "url"], {
          type: kind("webhook"),
          name: text,
          url: text,
          secret: text,
          headers: { type: "object", additionalProperties: text },
        }),
        object(["type", "name", "host", "port", "transport"], {
          type: kind("syslog"),
          name: text,
          host: text,
          port,
          transport: { enum: ["udp", "tcp", "tls"] },
          format: { enum: ["rfc5424", "cef"] },
          ca: { type: "string" },
        }),
        object(["type", "name", "path"], { type: kind("ocsf"), name: text, path: text }),
        object(["type", "name", "url"], {
          type: kind("mqtt"),
          name: text,
          url: text,
          topic: text,
          ...login,
        }),
      ],
    },
  },
  sources: {
    type: "array",
    items: {
      type: "object",
      required: ["type"],
      discriminator: { propertyName: "type" },
      oneOf: [
        object(["type", "url", "topics"], {
          type: kind("mqtt"),
          url: text,
          topics: { type: "array", minItems: 1, items: text },
          version: { enum: [4, 5] },
          deviceLevel: { type: "integer", minimum: 0 },
          moduleLevel: { type: "integer", minimum: 0 },
          clientId: text,
          ...login,
        }),
        object(["type", "path"], {
          type: kind("folder"),
          path: text,
          everyMs: { type: "integer", minimum: 50 },
        }),
      ],
    },
  },
  retention: object([], {
    age: text,
    rawEvents: { type: "integer", minimum: 0 },
    bytes: { type: "integer", minimum: BYTES_MAX_LEAST },
  }),
});

/** A configuration that is wrong: one line. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

const validate = new Ajv({ strict: false, discriminator: true }).compile(RUNNER_SCHEMA);
const DAY_MS = 86_400_000;

interface Given {
  readonly workspace?: string;
  readonly rules?: RunnerConfig["rules"];
  readonly api?: RunnerConfig["api"];
  readonly feeds?: readonly (Omit<FeedConfig, "refreshMs" | "expireMs"> & {
    refresh?: string;
    expire?: string;
  })[];
  readonly outputs?: readonly OutputConfig[];
  readonly sources?: readonly SourceConfig[];
  readonly retention?: {
    readonly age?: string;
    readonly rawEvents?: number;
    readonly bytes?: number;
  };
}

const SCHEMES = {
  webhook: ["http:", "https:"],
  mqtt: ["mqtt:", "mqtts:", "tcp:", "ssl:", "ws:", "wss:"],
} as const;

function checkUrl(where: string, url: string, type: keyof typeof SCHEMES): void {
  const schemes: readonly string[] = SCHEMES[type];
  if (URL.canParse(url) && schemes.includes(new URL(url).protocol)) return;
  const known = schemes.map((scheme) => `${scheme}//`).join(", ");
  throw new ConfigError(`${where}: "${url}" is no URL that begins with ${known}`);
}

/** @param name of the file, for errors. @throws ConfigError */
export function parseRunnerConfig(json: string, name: string): RunnerConfig {
  let document: unknown;
  try {
    document = JSON.parse(json);
  } catch (cause) {
    throw new ConfigError(`${name}: no JSON: ${(cause as Error).message.split("\n")[0]}`, {
      cause,
    });
  }
  if (!validate(document)) throw new ConfigError(`${name}: ${schemaErrorLine(validate.errors)}`);
  const given = document as unknown as Given;
  const time = (text: string | undefined, otherwise: number, where: string) => {
    const ms = text === undefined ? otherwise : durationMs(text);
    if (ms === null) throw new ConfigError(`${name}: ${where}: "${text}" is no ISO 8601 duration`);
    return ms;
  };
  const outputs = given.outputs ?? [];
  for (const output of outputs) {
    if ("url" in output) checkUrl(`${name}: output ${output.name}`, output.url, output.type);
  }
  for (const source of given.sources ?? []) {
    if (source.type === "mqtt") checkUrl(`${name}: source mqtt`, source.url, source.type);
  }
  const names = outputs.map((output) => output.name);
  const twice = names.find((output, i) => names.indexOf(output) !== i);
  if (twice !== undefined) throw new ConfigError(`${name}: two outputs are called "${twice}"`);
  return {
    workspace: given.workspace ?? "picket.duckdb",
    rules: given.rules,
    api: given.api,
    feeds: (given.feeds ?? []).map(({ refresh, expire, ...feed }) => ({
      ...feed,
      ...feedTimes(
        { refresh, expire },
        (what) => new ConfigError(`${name}: feed ${feed.name}: ${what}`),
      ),
    })),
    outputs,
    sources: given.sources ?? [],
    retention: {
      ageMs: time(given.retention?.age, 30 * DAY_MS, "retention: age"),
      rawEventsMax: given.retention?.rawEvents ?? 0,
      bytesMax: given.retention?.bytes ?? 0,
    },
  };
}
