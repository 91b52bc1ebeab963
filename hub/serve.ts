import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnrollments } from "./dps/enrollments.ts";
import { createHub, type Hub, type HubOptions } from "./hub.ts";
import { isKey, OWNER_POLICY, parsePolicies } from "./policies.ts";

/** What `picket hub` is told; file names where `HubOptions` has contents. */
export interface ServeOptions {
  readonly host: string;
  readonly hostName: string;
  readonly mqttPort: number;
  readonly httpsPort: number | null;
  readonly amqpPort: number | null;
  readonly plainMqttPort: number | null;
  readonly data?: string;
  readonly ownerKey?: string;
  readonly policies?: string;
  readonly enrollments?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
  readonly retentionHours?: number;
  readonly retentionMb?: number;
  readonly log: (line: string) => void;
}

/** What to put into connection strings; `picket hub --json` prints it as it is. */
export interface ServeReport {
  readonly host: string;
  readonly hostName: string;
  readonly mqttPort: number;
  readonly httpsPort: number | null;
  readonly amqpPort: number | null;
  readonly plainMqttPort: number | null;
  /** null: only in memory; see `caPem`. */
  readonly caFile: string | null;
  readonly caPem: string;
  readonly serviceConnectionString: string;
  readonly eventHubConnectionString: string | null;
  /** With `<deviceId>` and `<key>` to fill in. */
  readonly deviceConnectionString: string;
}

/** Starts a hub from files. @throws Error of one line that names the file or port */
export async function serveHub(
  options: ServeOptions,
): Promise<{ readonly hub: Hub; readonly report: ServeReport }> {
  const { ownerKey } = options;
  if (ownerKey !== undefined && !isKey(ownerKey)) {
    throw new Error("--owner-key must be base64 of 16 to 64 bytes");
  }
  if ((options.cert === undefined) !== (options.key === undefined)) {
    throw new Error("--cert and --key are given together");
  }
  const hubOptions: HubOptions = {
    host: options.host,
    hostName: options.hostName,
    mqttPort: options.mqttPort,
    httpsPort: options.httpsPort,
    amqpPort: options.amqpPort,
    plainMqttPort: options.plainMqttPort,
    log: options.log,
    ...(options.data === undefined ? {} : { dataDir: options.data }),
    ...(ownerKey === undefined ? {} : { ownerKey }),
    ...readFiles(options),
    limits: {
      ...(options.retentionHours === undefined
        ? {}
        : { retentionMs: options.retentionHours * 3_600_000 }),
      ...(options.retentionMb === undefined
        ? {}
        : { retentionBytes: options.retentionMb * 1024 * 1024 }),
    },
  };
  const hub = await createHub(hubOptions);
  return { hub, report: reportOf(hub, options.data) };
}

/** The report as lines for people. */
export function describeHub(report: ServeReport): string {
  const ports = [
    `MQTT over TLS ${report.host}:${report.mqttPort}`,
    ...(report.plainMqttPort === null ? [] : [`MQTT ${report.host}:${report.plainMqttPort}`]),
    ...(report.httpsPort === null
      ? []
      : [`HTTPS and WebSocket ${report.host}:${report.httpsPort}`]),
    ...(report.amqpPort === null ? [] : [`AMQP over TLS ${report.host}:${report.amqpPort}`]),
  ];
  const trust = report.caFile ?? "(in memory; use --data DIR to have it as a file)";
  return [
    "Hub is ready.",
    ...ports.map((line) => `  ${line}`),
    `CA for clients      ${trust}`,
    `Service             ${report.serviceConnectionString}`,
    ...(report.eventHubConnectionString === null
      ? []
      : [`Event Hubs          ${report.eventHubConnectionString}`]),
    `Device              ${report.deviceConnectionString}`,
    "",
  ].join("\n");
}

function readFiles(options: ServeOptions): Partial<HubOptions> {
  const { policies, enrollments, cert, key, ca } = options;
  const certificate =
    cert === undefined || key === undefined
      ? {}
      : {
          certificate: {
            certPem: readText("--cert", cert),
            keyPem: readText("--key", key),
            ...(ca === undefined ? {} : { caPem: readText("--ca", ca) }),
          },
        };
  return {
    ...certificate,
    ...(policies === undefined
      ? {}
      : { policies: parseFile("--policies", policies, parsePolicies) }),
    ...(enrollments === undefined
      ? {}
      : { enrollments: parseFile("--enrollments", enrollments, parseEnrollments) }),
  };
}

function readText(option: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new Error(`${option} ${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

function parseFile<T>(option: string, path: string, parse: (json: unknown) => T): T {
  const text = readText(option, path);
  try {
    return parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(`${option} ${path}: ${(cause as Error).message}`, { cause });
  }
}

function reportOf(hub: Hub, dataDir: string | undefined): ServeReport {
  const withPort = (port: number | null, usual: number) =>
    port === null || port === usual ? hub.hostName : `${hub.hostName}:${port}`;
  const policies = hub.core.policies;
  const owner = policies.find(({ keyName }) => keyName === OWNER_POLICY) ?? policies[0];
  const keyText = `SharedAccessKeyName=${owner?.keyName};SharedAccessKey=${owner?.primaryKey}`;
  const eventHub = `Endpoint=sb://${withPort(hub.amqpPort, 5671)}/;${keyText}`;
  return {
    host: hub.host,
    hostName: hub.hostName,
    mqttPort: hub.mqttPort,
    httpsPort: hub.httpsPort,
    amqpPort: hub.amqpPort,
    plainMqttPort: hub.plainMqttPort,
    caFile: dataDir === undefined ? null : join(dataDir, "ca.pem"),
    caPem: hub.caPem,
    serviceConnectionString: `HostName=${hub.hostName};${keyText}`,
    eventHubConnectionString:
      hub.amqpPort === null ? null : `${eventHub};EntityPath=messages-events`,
    deviceConnectionString: `HostName=${withPort(hub.mqttPort, 8883)};DeviceId=<deviceId>;SharedAccessKey=<key>`,
  };
}
