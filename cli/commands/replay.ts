/** `picket replay`: what the agent reports of a capture. */
import type { Command } from "commander";
import { OPTIONS } from "../../boards/options.ts";
import { REPLAY_OPTIONS } from "../../sim/replay-options.ts";
import { wholeNumber } from "../arguments.ts";
import { readInput } from "../files.ts";

const CAPTURE_BYTES_MAX = 2 ** 30;
const INTERVAL_S = 10;
/** Longer than any capture: one interval. */
const WHOLE_CAPTURE_S = 2 ** 30;

interface Flags {
  readonly device: string;
  readonly flows?: number;
  readonly interval?: number;
  readonly core?: string;
  readonly json?: true;
}

export function register(program: Command): void {
  program
    .command("replay")
    .description("run a capture (pcap, pcapng) through host and core, print what the agent reports")
    .argument("<capture>", "capture file")
    .requiredOption("--device <addresses>", "the device's addresses: ADDR[/PREFIX][,...]")
    .option(
      "--flows <n>",
      "places in the flow table of each family, kept over the whole capture",
      wholeNumber(1, OPTIONS.FLOW_SLOTS_IPV4.max),
    )
    .option("--interval <seconds>", "collection interval", wholeNumber(1, 86_400))
    .option("--core <file>", "a core module instead of the one that is built here")
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      `
Without --flows the table has ${REPLAY_OPTIONS.FLOW_SLOTS_IPV4} places of each family and is collected every ${INTERVAL_S} seconds.

Examples:
  picket replay sim/captures/d1_benign.pcap --device 10.20.0.10/24,fd00:20::10
  picket replay trace.pcapng --device 192.168.1.7 --flows 64 --json`,
    )
    .action(run);
}

async function run(path: string, flags: Flags): Promise<void> {
  const { buildCore } = await import("../../boards/build.ts");
  const { parseDeviceAddresses } = await import("../../host/netx/address.ts");
  const { readCapture } = await import("../../sim/capture.ts");
  const { replay } = await import("../../sim/replay.ts");
  const { replayText } = await import("../../sim/replay-text.ts");
  const addresses = parseDeviceAddresses(flags.device);
  const capture = readCapture(readInput(path, CAPTURE_BYTES_MAX), path);
  const { flows } = flags;
  const slots = flows === undefined ? {} : { FLOW_SLOTS_IPV4: flows, FLOW_SLOTS_IPV6: flows };
  const intervalS = flags.interval ?? (flows === undefined ? INTERVAL_S : WHOLE_CAPTURE_S);
  const wasm =
    flags.core === undefined
      ? (await buildCore({ ...REPLAY_OPTIONS, ...slots })).wasm
      : readInput(flags.core, CAPTURE_BYTES_MAX);
  const result = replay({
    capture,
    addresses,
    wasm,
    wasmName: flags.core,
    intervalMs: intervalS * 1000,
  });
  process.stdout.write(flags.json ? `${JSON.stringify(result)}\n` : replayText(result));
}
