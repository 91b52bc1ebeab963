/** `picket rules`: tests of detection rules, what alerts mean, and why a rule is quiet. */
import type { Command } from "commander";

const WORKSPACE = "picket.duckdb";

/** Only when a rule is asked for: other commands need not wait for DuckDB and the compiler. */
const run = () => import("../rules.ts");

export function register(program: Command): void {
  const rules = program.command("rules").description("test and explain detection rules");
  rules
    .command("test")
    .description("run the rule tests (*.test.json) of a folder; exit status 1 if one fails")
    .argument("<dir>", "folder with rule files, tests and captures")
    .option("--json", "print one JSON document")
    .addHelpText("after", "\nExample:\n  picket rules test docs/examples/rules")
    .action(async (dir: string, flags: { json?: true }) => (await run()).testRules(dir, flags));
  rules
    .command("explain")
    .description("what an alert means and what to do")
    .argument("<alert>", "id of an alert in the workspace, type id, or name")
    .option("--workspace <file>", "workspace to look for alerts in")
    .addHelpText(
      "after",
      `
Examples:
  picket rules explain IoT_TiConnection
  picket rules explain 1f0c9a77 --workspace ${WORKSPACE}`,
    )
    .action(async (alert: string, flags: { workspace?: string }) =>
      (await run()).explainAlert(alert, flags),
    );
  rules
    .command("why-not")
    .description("last values of a rule on a device, and how far they are from firing")
    .argument("<rule>", "rule type, behaviour, baseline.METRIC, or name of a custom rule")
    .argument("<device>", "device id")
    .option("--workspace <file>", "workspace that holds the device's state", WORKSPACE)
    .option("--rules <file>", "the rule file that the service runs with")
    .addHelpText(
      "after",
      `
Examples:
  picket rules why-not MqttC2DMessagesNotInAllowedRange pump-7 --rules rules.json
  picket rules why-not portScan pump-7`,
    )
    .action(async (rule: string, device: string, flags: { workspace: string; rules?: string }) =>
      (await run()).tellWhyNot(rule, device, flags),
    );
}
