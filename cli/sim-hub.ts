/** `--hub` of `picket sim run` and `picket sim fleet`: messages go to a running hub as well. */
import { rootCertificates } from "node:tls";
import { buildCore } from "../boards/build.ts";
import type { Uplink } from "../host/uplink.ts";
import { deviceIds } from "../sim/board-plan.ts";
import type { FleetDescription } from "../sim/fleet/description.ts";
import { createFleet, fleetName } from "../sim/fleet/fleet.ts";
import { createHubClient, type HubAddress, type HubClient } from "../sim/hub-client.ts";
import type { HubMessage } from "../sim/hub-link.ts";
import type { Scenario } from "../sim/scenario.ts";
import { MODULE_ID } from "../sim/watcher.ts";
import { UserError } from "./errors.ts";
import { readInput } from "./files.ts";
import { createScreen } from "./screen.ts";

const CA_BYTES_MAX = 1_048_576;
const MQTT_PORT = 8883;
const HTTPS_PORT = 443;
/** Devices that are registered and connected at once. */
const CONNECTING_MAX = 32;
const STEP_MS = 50;

export interface SimHub {
  send(message: HubMessage): void;
  /** Waits for what is on its way. @returns messages that the hub did not take */
  close(): Promise<number>;
}

/** @throws UserError, HubClientError with one line */
export async function openSimHub(connection: string, scenario: Scenario): Promise<SimHub> {
  const names = scenario.boards.flatMap(deviceIds);
  const uplinks = await connectAll(parseHub(connection), names, () => {});
  const sending = new Set<Promise<void>>();
  let lost = 0;
  return {
    send({ deviceId, bytes }) {
      const done = (uplinks.get(deviceId) as Uplink).send(bytes).then((isTaken) => {
        if (!isTaken) lost++;
        sending.delete(done);
      });
      sending.add(done);
    },
    async close() {
      await Promise.all(sending);
      await Promise.all([...uplinks.values()].map((uplink) => uplink.close()));
      return lost;
    },
  };
}

/** Runs a fleet in real time against a hub. @returns the exit status */
export async function driveHub(
  connection: string,
  fleet: FleetDescription,
  { seed = 1, json }: { readonly seed?: number; readonly json?: true },
): Promise<number> {
  const screen = createScreen(process.stderr);
  const names = Array.from({ length: fleet.boards }, (_, i) => fleetName(i));
  const uplinks = await connectAll(parseHub(connection), names, (count) =>
    screen.block(`${count} of ${names.length} boards connected\n`),
  );
  const { wasm } = await buildCore(fleet.options ?? {});
  const counts = { sent: 0, acknowledged: 0, failed: 0, bytes: 0 };
  const simulated = createFleet({
    fleet,
    wasm,
    seed,
    startWallS: Math.floor(Date.now() / 1000),
    onMessage(board, _timeMs, bytes) {
      counts.sent++;
      counts.bytes += bytes.length;
      void (uplinks.get(fleetName(board)) as Uplink).send(bytes).then((isTaken) => {
        if (isTaken) counts.acknowledged++;
        else counts.failed++;
      });
    },
  });
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  const startMs = performance.now();
  const endMs = fleet.hours * 3_600_000;
  for (let nowMs = 0; nowMs < endMs && !stop.signal.aborted; ) {
    nowMs = Math.min(endMs, performance.now() - startMs);
    simulated.run(nowMs);
    screen.block(`${Math.round(nowMs / 1000)} s: ${counts.sent} sent, ${counts.failed} failed\n`);
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
  for (let i = 0; i < 200 && counts.acknowledged + counts.failed < counts.sent; i++) {
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
  await Promise.all([...uplinks.values()].map((uplink) => uplink.close()));
  screen.block("");
  screen.end();
  const result = { boards: fleet.boards, seconds: (performance.now() - startMs) / 1000, ...counts };
  process.stdout.write(
    json
      ? `${JSON.stringify(result)}\n`
      : `${result.boards} boards, ${result.seconds.toFixed(0)} s: ${counts.sent} messages sent, ${counts.acknowledged} acknowledged, ${counts.failed} failed\n`,
  );
  return counts.acknowledged === counts.sent ? 0 : 1;
}

async function connectAll(
  hub: HubAddress,
  names: readonly string[],
  onConnected: (count: number) => void,
): Promise<Map<string, Uplink>> {
  const client: HubClient = createHubClient(hub, () => Date.now() / 1000);
  const uplinks = new Map<string, Uplink>();
  let next = 0;
  const work = async (): Promise<void> => {
    for (let name = names[next++]; name !== undefined; name = names[next++]) {
      uplinks.set(name, await client.connect(name, MODULE_ID));
      onConnected(uplinks.size);
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONNECTING_MAX, names.length) }, work));
  return uplinks;
}

/**
 * `HostName=…;SharedAccessKeyName=…;SharedAccessKey=…`, and for hubs on other ports than Azure's:
 * `MqttPort=…;HttpsPort=…;CaFile=…`.
 *
 * @throws UserError with one line
 */
export function parseHub(connection: string): HubAddress {
  const fields = new Map(
    connection.split(";").map((part) => {
      const at = part.indexOf("=");
      return [part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()] as const;
    }),
  );
  const need = (name: string): string => {
    const value = fields.get(name.toLowerCase());
    if (value) return value;
    throw new UserError(`--hub: the connection string has no ${name}`, 2);
  };
  const caFile = fields.get("cafile") ?? process.env.NODE_EXTRA_CA_CERTS;
  const own = caFile === undefined ? [] : [Buffer.from(readInput(caFile, CA_BYTES_MAX)).toString()];
  return {
    hostName: need("HostName"),
    policy: need("SharedAccessKeyName"),
    key: need("SharedAccessKey"),
    mqttPort: portOf(fields.get("mqttport"), MQTT_PORT),
    httpsPort: portOf(fields.get("httpsport"), HTTPS_PORT),
    caPem: [...own, ...rootCertificates].join("\n"),
  };
}

function portOf(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port > 0 && port < 65_536) return port;
  throw new UserError(`--hub: ${text} is no port`, 2);
}
