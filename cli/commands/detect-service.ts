/** `picket detect`: what detection finds in a capture. */
import { type Command, InvalidArgumentError } from "commander";
import { REPLAY_OPTIONS } from "../../sim/replay-options.ts";
import { SECURITY_INTERFACE_ID } from "../../wire/events.ts";
import { UserError } from "../errors.ts";
import { readInput } from "../files.ts";

const CAPTURE_BYTES_MAX = 2 ** 30;
const RULES_BYTES_MAX = 2 ** 24;
/** Short, so that a beacon of a few seconds shows as one. */
const INTERVAL_S = 1;

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
}

async function run(flags: Flags): Promise<void> {
  const { buildCore } = await import("../../boards/build.ts");
  const { alertsText } = await import("../../detect/alert-text.ts");
  const { createDetection } = await import("../../detect/detection.ts");
  const { createProcessor } = await import("../../detect/processor.ts");
  const { loadRules } = await import("../../detect/rule-files.ts");
  const { createRun } = await import("../../detect/run.ts");
  const { parseDeviceAddresses } = await import("../../host/netx/address.ts");
  const { readCapture } = await import("../../sim/capture.ts");
  const { replay } = await import("../../sim/replay.ts");
  const addresses = parseDeviceAddresses(flags.device);
  const capture = readCapture(readInput(flags.capture, CAPTURE_BYTES_MAX), flags.capture);
  const options = flags.rules
    ? loadRules(Buffer.from(readInput(flags.rules, RULES_BYTES_MAX)).toString(), flags.rules)
    : {};
  const detected = createRun(createProcessor(createDetection(options)));
  const { wasm } = await buildCore({ ...REPLAY_OPTIONS });
  replay({
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
  const alerts = detected.alerts();
  process.stdout.write(flags.json ? `${JSON.stringify({ alerts })}\n` : alertsText(alerts));
}

function seconds(text: string): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= 86_400) return value;
  throw new InvalidArgumentError("give a whole number from 1 to 86400");
}
