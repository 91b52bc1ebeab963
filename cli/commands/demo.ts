/** `picket demo`: hub, detection and three simulated boards in one process. */
import type { Command } from "commander";
import { wholeNumber } from "../arguments.ts";

interface Flags {
  readonly once?: true;
  readonly json?: true;
  readonly speed: number;
  readonly port: number;
}

export function register(program: Command): void {
  program
    .command("demo")
    .description("run the hub, detection and three simulated boards on real captures")
    .option("--once", "end when the captures are through; status 0 if every expected alert came")
    .option("--json", "with --once: print one JSON document and nothing else")
    .option("--speed <factor>", "board seconds in a second", wholeNumber(1, 1000), 10)
    .option(
      "--port <port>",
      "the hub's MQTT port on loopback; 0: a free one",
      wholeNumber(0, 65_535),
      0,
    )
    .addHelpText(
      "after",
      `
Without --once it goes on until Ctrl-C.

Examples:
  picket demo
  picket demo --once --json > demo.json
  picket demo --speed 50 --port 8883`,
    )
    .action(async (flags: Flags) => {
      const { runDemo } = await import("../demo.ts");
      process.exitCode = await runDemo(flags);
    });
}
