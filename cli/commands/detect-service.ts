/** `picket detect` and `picket detect-service`: detection on a capture, and as a service. */
import { type Command, InvalidArgumentError } from "commander";
import type { DetectionOptions } from "../../detect/detection.ts";
import type { Runner } from "../../detect/runner.ts";
import type { RunnerConfig } from "../../detect/runner-config.ts";
import { REPLAY_OPTIONS } from "../../sim/replay-options.ts";
import { SECURITY_INTERFACE_ID } from "../../wire/events.ts";
import { UserError } from "../errors.ts";
import { readInput } from "../files.ts";

const CAPTURE_BYTES_MAX = 2 ** 30;
const RULES_BYTES_MAX = 2 ** 24;
/** Short, so that a beacon of a few seconds shows as one. */
const INTERVAL_S = 1;
const RECOMMEND_MS = 60_000;

interface Flags {
  readonly capture: string;
  readonly device: string;
  readonly id: string;
  readonly interval: number;
  readonly rules?: string;
  readonly json?: true;
}

export function register(program: Command): void {
  program
    .command("detect")
    .description("run a capture through agent and detection, print the alerts")
    .requiredOption("--capture <file>", "capture file (pcap, pcapng)")
    .requiredOption("--device <addresses>", "the device's addresses: ADDR[/PREFIX][,...]")
    .option("--id <name>", "device id in the alerts", "device")
    .option("--interval <seconds>", "collection interval of the agent", seconds, INTERVAL_S)
    .option("--rules <file>", "groups, custom rules and suppressions beyond the shipped defaults")
    .option("--json", "print {alerts:[...]}")
    .addHelpText(
      "after",
      `
Without --rules the shipped defaults run: what needs no warm-up (scans, brute force, beacons,
uploads, floods). Exit status 0 with and without alerts.

Examples:
  picket detect --capture sim/captures/d2_portscan.pcap --device 10.20.0.10/24,fd00:20::10
  picket detect --capture trace.pcapng --device 192.168.1.7 --rules rules.json --json`,
    )
    .action(run);
  program
    .command("detect-service")
    .description("run detection: sources, rules, workspace, outputs and HTTP API, until Ctrl-C")
    .argument("<config>", "configuration file (JSON)")
    .option("--hub", "run a local hub in the same process and take its streams")
    .option("--hub-data <dir>", "keep the hub's state here")
    .option("--hub-port <port>", "MQTT over TLS; 0: a free one", hubPort, 8883)
    .addHelpText(
      "after",
      `
The configuration names a workspace, sources (an MQTT broker, a folder of messages), feeds,
outputs (webhook, syslog, ocsf, mqtt), the API's address and keys, and retention; see
docs/DETECTION.md.

Example:
  picket detect-service docs/examples/detect-service.json
  picket detect-service docs/examples/detect-service.json --hub --hub-port 0`,
    )
    .action(serve);
}

interface ServeFlags {
  readonly hub?: true;
  readonly hubData?: string;
  readonly hubPort: number;
}

async function serve(path: string, flags: ServeFlags): Promise<void> {
  const { startRunner } = await import("../../detect/runner.ts");
  const { alertText } = await import("../../detect/alert-text.ts");
  const config = await parseConfig(path);
  const runner = await startRunner(
    config,
    Date.now,
    [{ alert: (alert) => process.stdout.write(`${alertText(alert)}\n\n`) }],
    (line) => process.stderr.write(`picket: ${line}\n`),
  ).catch((error: Error) => {
    throw new UserError(`${path}: ${error.message.split("\n")[0]}`, 1, { cause: error });
  });
  for (const feed of runner.intel.status()) {
    if (feed.error) process.stderr.write(`picket: ${feed.error}\n`);
    for (const line of feed.refused) process.stderr.write(`picket: feed ${feed.name}: ${line}\n`);
  }
  for (const { name } of runner.sources) process.stderr.write(`source ${name}\n`);
  if (runner.url) process.stderr.write(`API on ${runner.url}\n`);
  const endHub = flags.hub ? await startHub(flags, runner) : null;
  await new Promise<void>((resolve) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
  });
  await endHub?.();
  await runner.close();
}

async function startHub(flags: ServeFlags, runner: Runner): Promise<() => Promise<void>> {
  const { createHub } = await import("../../hub/hub.ts");
  const { linkHub } = await import("../hub-detection.ts");
  const fault = (line: string) => process.stderr.write(`picket: ${line}\n`);
  const hub = await createHub({ dataDir: flags.hubData, mqttPort: flags.hubPort }).catch(
    async (error: Error) => {
      await runner.close();
      throw new UserError(error.message, 1, { cause: error });
    },
  );
  const link = linkHub(hub, runner.service, fault);
  const recommend = () => {
    runner.service
      .recommend(Date.now(), link.facts())
      .catch((error: Error) => fault(error.message));
  };
  const timer = setInterval(recommend, RECOMMEND_MS);
  process.stderr.write(`hub on ${hub.hostName}:${hub.mqttPort} (MQTT over TLS)\n`);
  return async () => {
    clearInterval(timer);
    link.close();
    await hub.close();
  };
}

function hubPort(text: string): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (value <= 65_535) return value;
  throw new InvalidArgumentError("give a whole number from 0 to 65535");
}

async function parseConfig(path: string): Promise<RunnerConfig> {
  const { parseRunnerConfig } = await import("../../detect/runner-config.ts");
  const text = Buffer.from(readInput(path, RULES_BYTES_MAX)).toString("utf8");
  try {
    return parseRunnerConfig(text, path);
  } catch (error) {
    throw new UserError((error as Error).message, 1, { cause: error });
  }
}

async function run(flags: Flags): Promise<void> {
  const { buildCore } = await import("../../boards/build.ts");
  const { alertsText } = await import("../../detect/alert-text.ts");
  const { createDetection } = await import("../../detect/detection.ts");
  const { createProcessor } = await import("../../detect/processor.ts");
  const { createRun } = await import("../../detect/run.ts");
  const { parseDeviceAddresses } = await import("../../host/netx/address.ts");
  const { readCapture } = await import("../../sim/capture.ts");
  const { replay } = await import("../../sim/replay.ts");
  const addresses = parseDeviceAddresses(flags.device);
  const capture = readCapture(readInput(flags.capture, CAPTURE_BYTES_MAX), flags.capture);
  const options = flags.rules === undefined ? {} : await loadOptions(flags.rules);
  const detected = createRun(createProcessor(createDetection(options)));
  const { wasm } = await buildCore({ ...REPLAY_OPTIONS });
  const { flows } = replay({
    capture,
    addresses,
    wasm,
    intervalMs: flags.interval * 1000,
    onMessage({ timeMs, bytes }) {
      const { failure } = detected.take({
        deviceId: flags.id,
        moduleId: null,
        body: bytes,
        systemProperties: { "iothub-interface-id": SECURITY_INTERFACE_ID },
        enqueuedTimeMs: timeMs,
      });
      if (failure !== null) throw new UserError(`${flags.capture}: ${failure}`);
    },
  });
  if (flows.length === 0) {
    process.stderr.write(`picket: ${flags.capture} holds no flow of ${flags.device}\n`);
  }
  const alerts = detected.alerts();
  process.stdout.write(flags.json ? `${JSON.stringify({ alerts })}\n` : alertsText(alerts));
}

async function loadOptions(path: string): Promise<DetectionOptions> {
  const { loadRules } = await import("../../detect/rule-files.ts");
  const text = Buffer.from(readInput(path, RULES_BYTES_MAX)).toString("utf8");
  try {
    return loadRules(text, path);
  } catch (error) {
    throw new UserError((error as Error).message, 1, { cause: error });
  }
}

function seconds(text: string): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= 86_400) return value;
  throw new InvalidArgumentError("give a whole number from 1 to 86400");
}
